"""Variables, errors and running cells as the text that a model reads, and the names that a question asks for.

What comes from a kernel is somebody's data: its level is enforced here again, and nothing in it is trusted to
be of the right type or length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tether_jupyter.context.probe.text import cut, secret

LEVELS = ("off", "schema", "samples", "values")
NAME, NOTE, CODE, LINE = 120, 300, 4_000, 300
ENTRIES = 50
MOST_KEYS = 20
"""Keys of a dictionary that is a record; with more it is a table, and its keys are values: words, people."""
VALUE = {"samples": 120, "values": 2_000}
ROWS = {"samples": 5, "values": 20}
WIDE = 2_000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# A fenced block, closed or not, and code between backticks.
CODE_TEXT = re.compile(
    r"^[ \t]*(`{3,}|~{3,}).*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)|(?<!`)(`+)(?!`).+?(?<!`)\2(?!`)",
    re.DOTALL | re.MULTILINE,
)
DECORATORS = re.compile(
    r"^[ \t]*@[\w.]+(?:\(.*\))?[ \t]*\n(?=[ \t]*(?:@|(?:async[ \t]+)?def[ \t]|class[ \t]))", re.MULTILINE
)
ASKED = re.compile(
    r"""(?<![\w@./\\:%+-])@(?P<name>[^\W\d]\w*(?:\.[^\W\d]\w*|\[(?:'[^'\n]{1,80}'|"[^"\n]{1,80}")\])*)(?![\w@])"""
)


def asked(question: str) -> list[str]:
    """Return the variables that a question names by `@`: `df`, `df.price`, `df['unit price']`, in order.

    An e-mail address, a decorator above its function and what stands in code are not asked for.
    """
    plain = CODE_TEXT.sub(" ", question)
    previous = None
    while previous != plain:
        previous, plain = plain, DECORATORS.sub("", plain)
    return list(dict.fromkeys(found["name"] for found in ASKED.finditer(plain)))


def render(variable: Mapping[str, Any], level: str) -> str:
    """Return the text of one variable, without what stands above the level.

    Parameters
    ----------
    variable:
        As `probe.look` describes it, at whatever level.
    level:
        `off` (an empty text), `schema`, `samples` or `values`.
    """
    if level not in LEVELS[1:]:
        return ""
    name = line(variable.get("name"), NAME) or "?"
    hidden = secret(name)
    tells = level != "schema" and not hidden
    parts = [line(variable.get("type"), NAME) or "?"]
    shape = variable.get("shape")
    if isinstance(shape, list) and shape:
        sizes = " × ".join(f"{size:,}" for size in shape if isinstance(size, int))
        parts.append(sizes if len(shape) > 1 else f"{sizes} long")
    length = number(variable, "length")
    if length is not None and not hidden:
        parts.append(f"{length:,} long")
    if dtype := line(variable.get("dtype"), NAME):
        parts.append(f"of {dtype}")
    if memory := number(variable, "memory"):
        parts.append(amount(memory))
    if index := line(variable.get("index"), NAME):
        parts.append(f"index {index}")
    parts += facts(variable, tells)
    if note := line(variable.get("note"), NOTE):
        parts.append(note)
    lines = [f"{name}: {', '.join(parts)}"]
    for entry in entries(variable, "columns"):
        label = line(entry.get("name"), NAME)
        told = [line(entry.get("dtype"), NAME), *facts(entry, tells and not secret(label))]
        lines.append(f"  {label}: {', '.join(filter(None, told))}")
    if left := number(variable, "columns_left"):
        lines.append(f"  … and {left:,} more columns")
    named = entries(variable, "fields")
    more = number(variable, "fields_left") or 0
    if level == "schema" and length is not None:
        named = [entry for entry in named if is_name(variable, entry)]
        more = length - len(named)
    fields = [f"{line(e.get('name'), NAME)}: {line(e.get('type'), NAME)}" for e in named]
    if fields and not hidden:
        lines.append(f"  with {', '.join(fields)}{f', … and {more:,} more' if more else ''}")
    if tells:
        lines += values(variable, level)
    return "\n".join(lines)


def is_name(variable: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    """Return whether a key of a dictionary names a part of it as code does, and is no value itself."""
    key, length = entry.get("name"), number(variable, "length") or 0
    filled = variable.get("type") in ("collections.Counter", "collections.defaultdict")
    return isinstance(key, str) and key.isidentifier() and length <= MOST_KEYS and not filled


def values(variable: Mapping[str, Any], level: str) -> list[str]:
    """Return the lines of a variable's rows and value, as many as the level allows."""
    lines = []
    rows = variable.get("rows")
    if isinstance(rows, str) and rows:
        head = [cut(CONTROL.sub(" ", row), WIDE) for row in rows.split("\n")[: ROWS[level] + 1]]
        lines += ["  first rows:", *(f"    {row}" for row in head)]
    if value := line(variable.get("value"), VALUE[level]):
        lines.append(f"  = {value}")
    return lines


def facts(found: Mapping[str, Any], tells: bool) -> list[str]:
    """Return nulls and range in words."""
    told = []
    if (nulls := number(found, "nulls")) is not None:
        of = number(found, "nulls_of")
        if of is not None:
            told.append(f"{nulls or 'no'} null{'s' if nulls != 1 else ''} in {of:,} looked at")
        elif nulls:
            told.append(f"{nulls:,} null{'s' if nulls != 1 else ''}")
    low, high = line(found.get("min"), 60), line(found.get("max"), 60)
    if tells and low and high:
        of = number(found, "range_of")
        told.append(f"{low} to {high}{f' in {of:,} looked at' if of else ''}")
    return told


def render_error(error: Mapping[str, Any], level: str) -> str:
    """Return the text of an error with its frames and their variables; nothing at level `off`."""
    if level not in LEVELS[1:]:
        return ""
    kind, message = line(error.get("type"), NAME) or "Error", text(error.get("message"), CODE)
    lines = [f"{kind}: {message}" if message else kind]
    lines += [f"  {text(note, NOTE)}" for note in listed(error, "notes")]
    for frame in entries(error, "frames"):
        lines += frame_lines(frame, level)
    return "\n".join(lines)


def render_running(running: Mapping[str, Any], level: str) -> str:
    """Return the text of what a kernel runs now; nothing at level `off`."""
    if level not in LEVELS[1:]:
        return ""
    if running.get("running") is not True:
        return "No cell is running."
    seconds = running.get("seconds")
    since = f", since {seconds:,.0f} s" if isinstance(seconds, (int, float)) else ""
    lines = [f"A cell is running{since}:"]
    cell = running.get("cell")
    if isinstance(cell, str):
        lines += [f"    {part}" for part in cut(cell, CODE).splitlines()]
    at = number(running, "line")
    if at is not None:
        code = line(running.get("code"), LINE)
        lines.append(f"It is at line {at}{f': {code}' if code else '.'}")
    inner = entries(running, "frames")[1:]
    for frame in inner:
        where = line(frame.get("cell") or frame.get("file"), NAME)
        name, code = line(frame.get("function"), NAME), line(frame.get("code"), LINE)
        place = f"{where}, {name}, line {number(frame, 'line')}" if where else name
        lines.append(f"  {place}{f': {code}' if code else ''}")
    lines += [f"Progress: {line(bar, NAME)}" for bar in listed(running, "bars")]
    variables = [render(variable, level) for variable in entries(running, "variables")]
    if variables:
        lines += ["Variables there:", *(f"  {part}" for text in variables for part in text.split("\n"))]
    return "\n".join(lines)


def frame_lines(frame: Mapping[str, Any], level: str) -> list[str]:
    """Return the lines of one frame: where, the code around, the variables."""
    where, function = line(frame.get("where"), NAME), line(frame.get("function"), NAME)
    at = number(frame, "line")
    if at is None:
        return [where]
    lines = [f"{where}, {function + ', ' if function else ''}line {at}:"]
    lines += [f"    {line(code, LINE, strip=False)}" for code in listed(frame, "code")]
    for variable in entries(frame, "locals"):
        lines += [f"    {part}" for part in render(variable, level).split("\n")]
    return lines


def line(found: Any, most: int, strip: bool = True) -> str:
    """Return something that should be a text as one line of at most that length; else an empty text."""
    if not isinstance(found, str):
        return ""
    told = cut(CONTROL.sub(" ", found), most)
    return told.strip() if strip else told.rstrip()


def text(found: Any, most: int) -> str:
    """Return a text that may have several lines, without other control characters."""
    if not isinstance(found, str):
        return ""
    return "\n".join(CONTROL.sub(" ", part) for part in cut(found, most).splitlines())


def number(found: Mapping[str, Any], key: str) -> int | None:
    """Return a whole number, or `None` where there is none."""
    value = found.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def listed(found: Mapping[str, Any], key: str) -> list[Any]:
    """Return the entries of a list, of which there may be too many."""
    value = found.get(key)
    return value[:ENTRIES] if isinstance(value, list) else []


def entries(found: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return those entries of a list that are mappings."""
    return [entry for entry in listed(found, key) if isinstance(entry, Mapping)]


def amount(size: int) -> str:
    """Return bytes as people write them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:,.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000  # type: ignore[assignment]
    return ""
