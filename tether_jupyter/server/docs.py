"""The contract as a page to read, made of the document itself: no script, nothing from elsewhere."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from html import escape
from typing import Any

from tether_jupyter.server.base import TetherHandler

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
body { color: #1a1a1a; background: #fff }
code { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
section { border-top: 1px solid #8884; padding: .5rem 0 1rem }
h2 { margin: .75rem 0 .25rem; font-size: 1rem }
p { margin: .25rem 0 }
table { border-collapse: collapse; width: 100% }
td:first-child code { white-space: nowrap }
th, td { text-align: left; vertical-align: top; padding: .2rem .75rem .2rem 0; border-top: 1px solid #8882 }
a { color: #0b57a4 }
b { display: inline-block; min-width: 4.5rem }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e6; background: #1c1c1c }
  a { color: #8ab8ff }
}
"""
STYLE_SUM = b64encode(sha256(STYLE.encode()).digest()).decode()


def prose(text: str) -> str:
    """Return a text as HTML, what stands between backticks as code."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def kind(schema: dict[str, Any]) -> str:
    """Return a schema in a few words, as HTML."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " | ".join(dict.fromkeys(map(kind, schema[several])))
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {}))}"
    return escape(str(schema.get("type", "anything")))


def table(rows: list[tuple[str, dict[str, Any], bool]]) -> str:
    """Return named schemas as a table."""
    told = []
    for name, schema, required in rows:
        default = schema.get("default")
        words = [prose(str(schema.get("description", "")))]
        words += ["Required."] if required else []
        words += (
            [f"Default: <code>{escape(str(default))}</code>."] if default not in (None, "", [], {}) else []
        )
        told.append(
            f"<tr><td><code>{escape(name)}</code></td><td>{kind(schema)}</td>"
            f"<td>{' '.join(filter(None, words))}</td></tr>"
        )
    head = "<tr><th scope='col'>Name</th><th scope='col'>Type</th><th scope='col'>Meaning</th></tr>"
    return f"<table>{head}{''.join(told)}</table>" if told else ""


def operation(path: str, verb: str, told: dict[str, Any]) -> str:
    """Return one operation: what it is for, takes and gives."""
    lines = [f"<h2><b>{verb.upper()}</b> <code>{escape(path)}</code></h2><p>{prose(told['summary'])}.</p>"]
    lines.append(table([(p["name"], p["schema"], p["required"]) for p in told.get("parameters", [])]))
    for content, form in told.get("requestBody", {}).get("content", {}).items():
        lines.append(f"<p>Send <code>{escape(content)}</code>: {kind(form.get('schema', {}))}</p>")
    for status, answer in sorted(told["responses"].items()):  # `default` is the last one.
        forms = [
            f"<code>{escape(content)}</code> {kind(form['schema']) if form.get('schema') else ''}".strip()
            for content, form in answer.get("content", {}).items()
        ]
        lines.append(f"<p>{escape(status)}: {', '.join(forms) or prose(answer['description'])}</p>")
    return f"<section>{''.join(lines)}</section>"


@lru_cache(maxsize=4)
def page(base: str) -> str:
    """Return the page of a server at this address."""
    from tether_jupyter.server.openapi import document

    whole = document()
    parts = [operation(p, verb, told) for p, verbs in whole["paths"].items() for verb, told in verbs.items()]
    for name, schema in sorted(whole["components"]["schemas"].items()):
        needed = schema.get("required", [])
        rows = [(each, form, each in needed) for each, form in schema.get("properties", {}).items()]
        parts.append(
            f'<section><h2 id="{escape(name)}">{escape(name)}</h2>'
            f"<p>{prose(schema.get('description', ''))}</p>{table(rows) or kind(schema)}</section>"
        )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Tether over HTTP</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<h1>Tether {escape(whole['info']['version'])} over HTTP</h1>"
        f"<p>All paths begin with <code>{escape(base)}</code>. Programs send the header "
        "<code>Authorization: token …</code> with the Jupyter server's token. The same for machines: "
        f'<a href="openapi.json">openapi.json</a>.</p>{"".join(parts)}</html>'
    )


class DocsHandler(TetherHandler):
    """`GET docs`."""

    @property
    def content_security_policy(self) -> str:
        """Let the page have its own style, and nothing else."""
        return f"{super().content_security_policy}; style-src 'sha256-{STYLE_SUM}'"

    def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page(self.base_url), set_content_type="text/html; charset=utf-8")


handlers = [(r"/tether/docs", DocsHandler)]
