"""From a `response_format` to a grammar: what needs no model, so that it is refused before one is loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.constraint import guidance
from tether_jupyter.llm.local.constraint.layout import Layout
from tether_jupyter.llm.local.constraint.writing import Writer

FORMS = "`text`, `json_object`, `json_schema`, `regex` or `grammar`"
MAX_PATTERN = 5000
MAX_GRAMMAR = 50_000


@dataclass(frozen=True, eq=False)
class Form:
    """A grammar in the library's form, and for JSON the one who wrote it."""

    grammar: str
    writer: Writer | None = None


def check(response_format: dict[str, Any] | None) -> None:
    """Refuse what no answer can be kept to.

    Raises
    ------
    InvalidRequest
        It is none of the known forms, or it asks for what cannot be kept; the message names the keyword.
    ModelNotReady
        The library that keeps answers to a form is not installed.
    """
    read(response_format)


def read(response_format: dict[str, Any] | None) -> Form | None:
    """Return the form that answers must have; `None` where any text will do. Raises as `check` does."""
    if response_format is None:
        return None
    if not isinstance(response_format, dict):
        raise InvalidRequest(f"`response_format` must be an object whose `type` is {FORMS}.")
    kind = response_format.get("type", "text")
    if kind == "text":
        return None
    guidance.library()
    try:
        if kind == "json_object":
            return whole(json.dumps({"type": "object"}), "json_schema")
        if kind == "json_schema":
            wrapper = response_format.get("json_schema")
            schema = wrapper.get("schema") if isinstance(wrapper, dict) else None
            if not isinstance(schema, (dict, bool)):
                raise InvalidRequest("`response_format.json_schema.schema` must be a JSON Schema.")
            return whole(json.dumps(schema), "json_schema")
        if kind in ("regex", "grammar"):
            source = response_format.get(kind)
            if not isinstance(source, str) or not source.strip():
                raise InvalidRequest(f"`response_format.{kind}` must be a text.")
            return whole(source, kind)
    except (RecursionError, ValueError, TypeError) as reason:
        raise InvalidRequest("`response_format` is no JSON, or it is nested too deeply.") from reason
    raise InvalidRequest(f"`response_format.type` must be {FORMS}.")


@lru_cache(maxsize=32)
def whole(source: str, kind: str) -> Form:
    """Return the form for a schema as JSON, a regular expression or a grammar, if there are such answers."""
    if kind == "json_schema":
        writer = Writer(Layout(json.loads(source)))
        form = Form(guidance.lark(writer.text), writer)
    elif kind == "regex":
        form = Form(expression(source))
    else:
        form = Form(written(source))
    beginning = guidance.matcher(guidance.single_bytes(), form.grammar)
    beginning.compute_bitmask()
    if beginning.is_error():
        raise InvalidRequest("No answer satisfies `response_format`, or it is too complex to tell.")
    return form


def expression(source: str) -> str:
    """Return the grammar for a regular expression, which whole answers must match."""
    if len(source) > MAX_PATTERN:
        raise InvalidRequest(f"`response_format.regex` may have up to {MAX_PATTERN} characters.")
    return guidance.lark(f"start: /{guidance.library().regex_to_lark(source, '')}/\n")


def written(source: str) -> str:
    """Return the grammar for one in Lark's notation, or in that of llama.cpp."""
    if len(source) > MAX_GRAMMAR:
        raise InvalidRequest(f"`response_format.grammar` may have up to {MAX_GRAMMAR} characters.")
    if "::=" in source:
        from llguidance.gbnf_to_lark import GbnfToLarkError, any_to_lark

        try:
            source = any_to_lark(source)
        except (GbnfToLarkError, RecursionError, ValueError, IndexError, KeyError, AttributeError) as reason:
            raise InvalidRequest("`response_format.grammar` cannot be read as GBNF.") from reason
    return guidance.lark(source)
