"""Render a model's chat template: foreign Jinja code, in a process that can reach nothing.

The template comes with the model file, so it is as hostile as whoever made the file. It runs in Jinja's
sandbox, and the sandbox runs in a child of the worker that cannot open a file or a socket, start a process,
or take more memory than it is granted. Time is kept by the parent, which kills it (`renderer.py`).

Protocol: JSON lines. First in: `{"template", "memory", "seconds", "variables"}`; out: `{"ready": true}`.
Then in: `{"messages": [...]}`; out: `{"text"}`, or `{"refused"}` for what the template itself raised, or
`{"failed"}` for what it broke at.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from tether_jupyter.llm.local import lifeline, pipe

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
MAX_PROMPT = 1 << 23
MAX_REASON = 200


class Refusal(Exception):
    """The template called `raise_exception`."""


class Template:
    """One compiled template, in the environment that transformers gives to chat templates."""

    def __init__(self, source: str, variables: dict[str, Any]) -> None:
        from jinja2.ext import Extension, loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        class Generation(Extension):
            """Let `{% generation %}` pass: it marks text for training and changes nothing here."""

            tags = {"generation"}  # noqa: RUF012 - Jinja declares it on instances

            def parse(self, parser: Any) -> Any:
                next(parser.stream)
                return parser.parse_statements(("name:endgeneration",), drop_needle=True)

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
        )
        environment.filters["tojson"] = to_json
        environment.globals["raise_exception"] = raise_exception
        environment.globals["strftime_now"] = strftime_now
        self.variables = variables
        self.template = environment.from_string(source)

    def render(self, messages: list[dict[str, Any]]) -> str:
        """Return the prompt for a conversation, up to where the answer begins."""
        return self.template.render(
            messages=messages, add_generation_prompt=True, tools=None, documents=None, **self.variables
        )


def to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **options: Any) -> str:
    """Return JSON as transformers does: Jinja's own filter escapes HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **options)


def raise_exception(message: Any) -> None:
    """Refuse a conversation, from inside a template."""
    raise Refusal(str(message))


def strftime_now(form: str) -> str:
    """Return the time of day, from inside a template."""
    return datetime.now().astimezone().strftime(form)


def confine(memory: int) -> None:
    """Take away what a template never needs, for good.

    Parameters
    ----------
    memory:
        MiB of address space beyond what the process has already.
    """
    if sys.platform == "win32":
        return
    import resource

    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_NPROC: 0}
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + memory * 2**20
    limits[resource.RLIMIT_NOFILE] = 0  # What is open stays open; no file and no socket can be opened.
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))


def warm_up() -> None:
    """Import all that a rendering may need, failures included: afterwards no file can be opened."""
    messages = [{"role": "user", "content": "é"}]
    for source in ("{{ messages | tojson }}{{ strftime_now('%Y %B') }}", "{% if %}", "{{ nothing.at.all }}"):
        answer(lambda source=source: Template(source, {}).render(messages))  # type: ignore[misc]


def answer(render: Callable[[], str]) -> pipe.Message:
    """Return the reply to a request: the text, or why there is none."""
    try:
        text = render()
    except Refusal as reason:
        return {"refused": str(reason)[:MAX_REASON]}
    except MemoryError:
        return {"failed": "it takes too much memory"}
    except RecursionError:
        return {"failed": "it calls itself without end"}
    except Exception as reason:  # noqa: BLE001 - whatever foreign code raises
        return {"failed": f"{type(reason).__name__}: {reason}"[:MAX_REASON]}
    if len(text) > MAX_PROMPT:
        return {"failed": "it makes a text that is too long"}
    return {"text": text}


def main() -> None:
    """Answer requests until standard input ends."""
    lifeline.die_with_parent()
    lifeline.go_first()
    incoming, outgoing = pipe.claim_standard_streams()
    requests = (message for messages in pipe.read(incoming) for message in messages)
    setup = next(requests)
    warm_up()
    confine(setup["memory"])
    pipe.write(outgoing, pipe.encode({"ready": True}))
    template: list[Template] = []

    def render(messages: list[dict[str, Any]]) -> str:
        # Compiled with the first request and not before: folding constants already runs foreign code.
        if not template:
            template.append(Template(setup["template"], setup["variables"]))
        return template[0].render(messages)

    for request in requests:
        reply = answer(lambda request=request: render(request["messages"]))  # type: ignore[misc]
        pipe.write(outgoing, pipe.encode(reply))
    os._exit(0)


if __name__ == "__main__":
    main()
