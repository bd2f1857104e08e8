"""`%tether use`: what holds for the questions of this session, and what holds at all and why."""

from __future__ import annotations

import json
from typing import Any

from IPython.core.error import UsageError

from tether_jupyter.errors import NotFound
from tether_jupyter.magics import options
from tether_jupyter.magics.asking import tell
from tether_jupyter.magics.commands import Asked
from tether_jupyter.magics.mentions import near
from tether_jupyter.magics.models import columns
from tether_jupyter.magics.presets import short
from tether_jupyter.magics.session import CLIENT, PARAMETERS, Session

HERE = "this session"
OWN = ("see", "cells")
ONE_QUESTIONS = (
    "output", "schema", "many", "frame", "no_repair", "conversation", "attach", "code", "run", "batch",
    "background", "no_store", "models", "presets", "unload",
)  # fmt: skip
"""Options that no session can be set to."""
HEAD = ("setting", "value", "from")


def use(asked: Asked) -> None:
    """`%tether use [MODEL or PRESET] [OPTIONS]`; alone it says what holds, `--reset` forgets what it has set.

    What a question says itself is stronger; a preset that it names takes the place of all this.
    """
    session, line = asked.session, asked.line.strip()
    if line == "--reset":
        session.chosen.clear()
        tell("This session sets nothing of its own any more.")
    elif line:
        set_from(session, asked)
    tell(table(session))


def set_from(session: Session, asked: Asked) -> None:
    """Take over what the line names."""
    line = asked.line.strip()
    name, rest = ("", line) if line.startswith("-") else options.named(line)
    given, left = options.split(asked.parser, rest)
    if left:
        raise UsageError(f"`use` takes a model's or a preset's name and options, not {left[:40]!r}.")
    said = {key: getattr(given, key) for key in (*PARAMETERS, *OWN) if getattr(given, key) is not None}
    if given.no_stream:
        said["stream"] = False
    other = [option for option in ONE_QUESTIONS if getattr(given, option)]
    if other:
        raise UsageError(f"--{other[0].replace('_', '-')} belongs to one question, `use` holds for all.")
    if name:
        said |= {meaning(session, name): name}
    elif given.model:
        meaning(session, given.model, only_models=True)
    if "preset" in said:
        # Whatever was set before would lie over the preset, and nobody would know.
        for old in PARAMETERS:
            session.chosen.pop(old, None)
    session.chosen |= said


def meaning(session: Session, name: str, *, only_models: bool = False) -> str:
    """Return whether a name is a `model` or a `preset`.

    Raises
    ------
    NotFound
        It is neither.
    """
    rows = session.client.models()["models"]
    known = [str(row["name"]) for row in rows]
    backends = {str(row["backend"]) for row in rows}
    backend, _, rest = name.partition(":")
    if name in known or name in backends or (rest and (backend in backends or not rows)):
        return "model"
    presets = [] if only_models else [row["name"] for row in session.client.presets(CLIENT)["presets"]]
    if name in presets:
        return "preset"
    if rest:
        # A backend whose models are not listed may still have this one; it says so itself if not.
        return "model"
    raise NotFound(
        f"There is no model or preset `{name}`.{near(name, [*known, *presets])}",
        hint="`%tether models` and `%tether presets` list them. BACKEND:NAME is taken as it is.",
    )


def table(session: Session) -> str:
    """Return what is in force, a row each, with where it comes from."""
    found: dict[str, tuple[Any, str]] = {
        name: (each["value"], each["layer"])
        for name, each in session.client.settings(CLIENT).items()
        if each["value"] is not None
    }
    if (preset := session.chosen.get("preset")) is not None:
        rows = session.client.presets(CLIENT)["presets"]
        values: dict[str, Any] = next((row["values"] for row in rows if row["name"] == preset), {})
        # A preset that is named takes the active one's place as a whole.
        found = {name: pair for name, pair in found.items() if pair[1] != "preset"}
        found |= {name: (value, f"preset {preset}") for name, value in values.items()}
    found |= {name: (value, HERE) for name, value in session.chosen.items()}
    shown = [(name, text(value), layer) for name, (value, layer) in found.items()]
    return columns([HEAD, *shown])


def text(value: Any) -> str:
    """Return a value in one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {text(each)}" for name, each in value.items() if each is not None)
    return short(value).strip('"') if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
