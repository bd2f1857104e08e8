"""The last error: what it says, where it came from, and the variables that stood there."""

from __future__ import annotations

import re
import sys
from types import MemberDescriptorType, TracebackType
from typing import Any

from .safe import (
    Clock,
    among,
    class_name,
    genuine,
    instance_dict,
    is_a,
    module_name,
    mro,
    namespace,
    origin,
    type_text,
)
from .stack import Place, around, cell_name, from_cell, own_name, source, summary, variables_of
from .survey import look
from .text import cut, short

MESSAGE = 1_000
FRAMES = 12
WALK = 1_000
LOCALS = 12
BYTES = 1_500
SECONDS = 0.04
GROUP = 5
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
# Whose `__str__` is known to write text and nothing else.
TRUSTED = frozenset(
    ("builtins", "json", "numpy", "pandas", "polars", "pyarrow", "torch", "sklearn", "xarray")
)
PLAIN = (str, bytes, int, float, bool, type(None))


def error(shell: Any = None, level: str = "schema") -> dict[str, Any] | None:
    """Describe the error that the shell reported last.

    Returns
    -------
    ``{"type", "message", "frames": [{"where", "function", "line", "code", "locals"}], "notes"}``, or
    ``None`` if there was no error.
    """
    found = getattr(sys, "last_exc", None)
    found = getattr(sys, "last_value", None) if found is None else found
    if found is None or not is_a(found, BaseException):
        return None
    return described(found, shell, level)


def described(found: BaseException, shell: Any, level: str) -> dict[str, Any]:
    """Describe an exception."""
    clock = Clock(SECONDS)
    notes = [cut(note, MESSAGE) for note in notes_of(found)]
    notes += members(found) + chain(found, shell)
    return {
        "type": type_text(type(found)),
        "message": message(found, shell),
        "frames": syntax(found, shell) or frames(traceback_of(found), shell, level, clock),
        "notes": notes,
    }


def message(found: BaseException, shell: Any = None) -> str:
    """Return what an exception says, without calling a `__str__` that is somebody's own."""
    group = group_of(found)
    if group is not None:
        said, errors = (group.__dict__[name].__get__(found) for name in ("message", "exceptions"))
        return cut(f"{short(said, MESSAGE)[1:-1]} ({len(errors)} errors)", MESSAGE)
    args = BaseException.__dict__["args"].__get__(found)
    writer = next(base for base in mro(type(found)) if "__str__" in namespace(base))
    parts = list(args) if type(args) is tuple else [args]
    # `OSError` and its like write what they keep besides.
    parts += [
        each.__get__(found) for each in namespace(writer).values() if type(each) is MemberDescriptorType
    ]
    plain = all(among(type(part), PLAIN) for part in parts)
    if plain and (module_name(writer) == "builtins" or origin(type(found)) in TRUSTED) and genuine(writer):
        try:
            return cut(namespace(writer)["__str__"](found), MESSAGE)
        except Exception:  # noqa: BLE001 - a library's `__str__` may miss what its exception was made without
            return cut(", ".join(short(part, MESSAGE) for part in parts), MESSAGE)
    return cut(printed(found, shell) or ", ".join(short(part, 200) for part in parts), MESSAGE)


def printed(found: BaseException, shell: Any) -> str:
    """Return what the shell has printed of it already, if that is the last thing that it printed."""
    lines = getattr(shell, "_last_traceback", None)
    if type(lines) is not list or found is not getattr(sys, "last_value", None):
        return ""
    text = ANSI.sub("", "\n".join(line for line in lines if type(line) is str))
    start = text.rfind(f"{class_name(type(found)).rpartition('.')[2]}: ")
    return text[start:].partition(": ")[2].strip() if start >= 0 else ""


def traceback_of(found: BaseException) -> TracebackType | None:
    """Return an exception's traceback."""
    kept = BaseException.__dict__["__traceback__"].__get__(found)
    return kept if type(kept) is TracebackType else None


def notes_of(found: BaseException) -> list[str]:
    """Return what was added by `add_note`."""
    kept = (instance_dict(found) or {}).get("__notes__")
    return [note for note in kept[:GROUP] if type(note) is str] if type(kept) is list else []


def group_of(found: BaseException) -> Any:
    """Return Python's class of exception groups if it is one; Python 3.10 has none."""
    kind = next((base for base in mro(type(found)) if class_name(base) == "BaseExceptionGroup"), None)
    return kind if kind is not None and origin(kind) == "builtins" else None


def members(found: BaseException) -> list[str]:
    """Return the errors of a group, each in a line."""
    group = group_of(found)
    if group is None:
        return []
    errors = group.__dict__["exceptions"].__get__(found)
    if type(errors) is not tuple:
        return []
    told = [f"one of {len(errors)}: {line(one)}" for one in errors[:GROUP]]
    return told + ([f"… and {len(errors) - GROUP} more"] if len(errors) > GROUP else [])


def chain(found: BaseException, shell: Any) -> list[str]:
    """Return what led to the error, each in a line."""
    told: list[str] = []
    seen = {id(found)}
    while len(told) < GROUP:
        cause = BaseException.__dict__["__cause__"].__get__(found)
        context = BaseException.__dict__["__context__"].__get__(found)
        quiet = BaseException.__dict__["__suppress_context__"].__get__(found)
        above = cause if cause is not None else None if quiet else context
        if above is None or id(above) in seen:
            break
        seen.add(id(above))
        place = last_place(above, shell)
        how = "caused by" if cause is not None else "while handling"
        told.append(f"{how} {line(above)}{f', in {place}' if place else ''}")
        found = above
    return told


def line(found: BaseException) -> str:
    """Return an exception in one line."""
    said = message(found)
    return cut(f"{type_text(type(found))}: {said}" if said else type_text(type(found)), 300)


def places_of(trace: TracebackType | None) -> list[Place]:
    """Return the places of a traceback, the innermost last."""
    places: list[Place] = []
    while trace is not None and len(places) < WALK:
        places.append(Place(trace.tb_frame.f_code, trace.tb_lineno or 0, trace.tb_frame))
        trace = trace.tb_next
    return places


def last_place(found: BaseException, shell: Any) -> str:
    """Return where an exception came from in the user's own code."""
    own = [(place, where) for place, where in summary(places_of(traceback_of(found)), shell) if place]
    return f"{own[-1][1]} line {own[-1][0].line}" if own and own[-1][0] else ""


def frames(trace: TracebackType | None, shell: Any, level: str, clock: Clock) -> list[dict[str, Any]]:
    """Return the frames that mean something: those of the user's cells and files, libraries in short."""
    places = places_of(trace)
    told = repeated(summary(from_cell(places, shell) or places, shell))
    if len(told) > FRAMES:
        left = len(told) - FRAMES
        told = [*told[:3], (None, f"… {left} frames"), *told[3 + left :]]
    described_frames: list[dict[str, Any]] = []
    for place, where in told:
        if place is None:
            described_frames.append({"where": where})
            continue
        entry: dict[str, Any] = {
            "where": where,
            "function": own_name(place.code),
            "line": place.line,
            "code": around(source(place.file, shell), place.line),
        }
        if place.frame is not None and not clock.late():
            kept = variables_of(place.frame)
            seen = look(kept, level=level, limit=LOCALS, max_bytes=BYTES, seconds=SECONDS / 4)
            entry["locals"] = seen["variables"]
        described_frames.append(entry)
    return described_frames


def repeated(told: list[tuple[Place | None, str]]) -> list[tuple[Place | None, str]]:
    """Return frames with a recursion in one: its last turn, and how often it was there."""
    short_list: list[tuple[Place | None, str]] = []
    count = 0
    for number, (place, where) in enumerate(told):
        after = told[number + 1][0] if number + 1 < len(told) else None
        if place is not None and after is not None and (place.code, place.line) == (after.code, after.line):
            count += 1
            continue
        if count:
            short_list.append((None, f"… the next frame {count} times more"))
            count = 0
        short_list.append((place, where))
    return short_list


def syntax(found: BaseException, shell: Any) -> list[dict[str, Any]]:
    """Return the one place of a syntax error in what was typed, which has no frames of its own."""
    if not is_a(found, SyntaxError):
        return []
    filename, number, text = (
        SyntaxError.__dict__[name].__get__(found) for name in ("filename", "lineno", "text")
    )
    if type(filename) is not str or type(number) is not int or not cell_name(filename, shell):
        return []
    lines = source(filename, shell)
    if not lines and type(text) is str:
        lines = [""] * (number - 1) + [text]
    code = [part for part in around(lines, number) if part.strip() != str(number)]
    where = cell_name(filename, shell)
    return [{"where": where, "function": "<module>", "line": number, "code": code}]
