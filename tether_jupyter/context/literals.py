"""Literals of code in a text, and the places of an expression in which one is its value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST_VALUE = 8_000
LONGEST_EXPRESSION = 600
MOST_ELEMENTS, DEEPEST = 20, 10
OPENING = re.compile(
    r"(?P<group>\(\s{0,200})?(?P<prefix>[rRbBfFuU]{0,2})(?P<delimiter>\\{0,3}(?:\"\"\"|'''|[\"'`]))"
)
AFTER_VALUE = frozenset(" \t\r\n,;)}]:#&\\.+|\"'`>/")

BLANK = re.compile(r"(?:[ \t]|\\\r?\n)++")
ROOM = re.compile(r"(?:\s|\\\n|\#[^\n]*+)++")
WORD = re.compile(r"[\w.$]++", re.ASCII)
SIGN = re.compile(r"[=!<>]=|\|\||\?\?|[-+*/%<>&|^~@!?]")
OPAQUE = re.compile(r"[^()\[\]{}\"'`\s#]++")
ELSE = frozenset({"or", "and", "else", "||", "??"})
JOINING = frozenset({"or", "and", "not", "if", "else", "in", "is", "await"})
# Without one of these, a value has but one literal.
OTHERWISE = re.compile(r"\b(?:or|and|else)\b|\|\||\?\?|get|\.pop|\.setdefault")
LOOKED_UP = (".get", "getenv", ".pop", ".setdefault")
# What a look-up falls back on: `os.environ.get("X", "here")`.
FALLBACK = re.compile(
    r"\(\s{0,80}(?:[rbfu]{0,2}[\"'][^\"'\n]{0,200}[\"']|[\w.]{1,80}),\s{0,80}"
    r"(?:(?:default|fallback)[ \t]?=[ \t]?)?(?=[rRbBfFuU]{0,2}[\"'])",
    re.ASCII,
)


def literal(text: str, opening: re.Match[str]) -> tuple[int, int] | None:
    """Return where the content of a literal begins and ends; `None` if it does not look closed."""
    delimiter = opening["delimiter"]
    begin = opening.end()
    limit = begin + LONGEST_VALUE
    at = begin
    while True:
        at = text.find(delimiter, at, limit)
        if at < 0:
            return None
        slashes = at
        while slashes > begin and text[slashes - 1] == "\\":
            slashes -= 1
        if (at - slashes) % 2 == 0:
            break
        at += 1
    content = text[begin:at]
    if len(delimiter.lstrip("\\")) == 1 and "\n" in content.replace("\\\r\n", "").replace("\\\n", ""):
        return None
    after = at + len(delimiter)
    if after < len(text) and text[after] not in AFTER_VALUE:
        return None
    return begin, at


@dataclass(slots=True)
class Expression:
    """An expression of code, as far as it is one.

    Parameters
    ----------
    end:
        Where it ends: before a comma, a bracket that was not opened in it, the end of the line.
    others:
        Where a literal begins that is its value besides the first: behind `or`, `and`, `else`.
    fallbacks:
        Where one begins that a look-up falls back on: `get("X", "here")`.
    """

    end: int
    others: list[re.Match[str]] = field(default_factory=list)
    fallbacks: list[re.Match[str]] = field(default_factory=list)


def expression(text: str, at: int, *, inside: bool = False) -> Expression:
    """Return the expression that begins at a place; no more of it is read than a line or two.

    Parameters
    ----------
    inside:
        Whether it stands in brackets, so that it goes on over the end of a line.
    """
    limit = min(len(text), at + LONGEST_EXPRESSION)
    found = Expression(at)
    # Of each bracket that is open, whether it is more than one around a part of the expression.
    opened: list[bool] = []
    # Whether the next literal is a value, whether an operand has just ended, whether this is a condition.
    wanted = ended = condition = False
    while at < limit:
        found.end = at
        if blank := (ROOM if opened or inside else BLANK).match(text, at):
            at = blank.end()
        elif (opening := OPENING.match(text, at)) is not None and not opening["group"]:
            span = literal(text, opening)
            if span is None:
                break
            if wanted and not any(opened):
                found.others.append(opening)
            at = span[1] + len(opening["delimiter"])
            wanted, ended = False, True
        elif text[at] in "([{" and len(opened) < DEEPEST:
            if text.endswith(LOOKED_UP, max(0, at - 12), at) and (fallback := FALLBACK.match(text, at)):
                found.fallbacks += filter(None, [OPENING.match(text, fallback.end())])
            opened.append(ended or text[at] != "(")
            ended = False
            at += 1
        elif text[at] in ")]}":
            if not opened:
                break
            opened.pop()
            ended = True
            at += 1
        elif any(opened) and text[at] not in "([{":
            opaque = OPAQUE.match(text, at)
            at = opaque.end() if opaque else at + 1
        else:
            word = WORD.match(text, at)
            part = word or SIGN.match(text, at)
            operand = word is not None and word[0] not in JOINING
            if part is None or (ended and operand):
                break
            at, ended = part.end(), operand
            wanted = part[0] in ELSE and not (condition and part[0] != "else")
            condition = part[0] == "if" or (condition and part[0] != "else")
    else:
        found.end = at
    return found


def elements(text: str, at: int) -> list[int]:
    """Return where the elements of several begin, in brackets or without: `"ann", 3`."""
    bare = list(starts(text, at, inside=False))
    if len(bare) == 1 and text[at : at + 1] in ("(", "["):
        return list(starts(text, at + 1, inside=True))
    return bare


def starts(text: str, at: int, *, inside: bool) -> Iterator[int]:
    for _ in range(MOST_ELEMENTS):
        blank = (ROOM if inside else BLANK).match(text, at)
        at = blank.end() if blank else at
        end = expression(text, at, inside=inside).end
        if end == at:
            return
        yield at
        if text[end : end + 1] != ",":
            return
        at = end + 1
