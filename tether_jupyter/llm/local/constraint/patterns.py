"""Regular expressions as `pattern` means them: parsed here, and written for the inside of a JSON text.

A schema's pattern finds a match anywhere, in Python's dialect, because that is how answers are checked. What
is written here takes no text that such a search would not find; with `outer` it takes every such text, which
is what may be subtracted.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.constraint import characters as ch
from tether_jupyter.llm.local.constraint import guidance

MAX_LENGTH = 1000
MAX_NESTING = 40
MAX_REPEAT = 2000
MAX_WORK = 20_000
"""Copies that a pattern may ask for, all repetitions multiplied."""
SYMBOLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
ANYTHING = ch.complement(ch.of("\n"))


@dataclass(frozen=True)
class Part:
    """A piece of a pattern.

    `set` has characters, `sequence` and `choice` have parts, `repeat` has one part and its bounds; `start`
    and `end` are anchors.
    """

    kind: str
    parts: tuple[Part, ...] = ()
    characters: ch.Ranges = ()
    least: int = 0
    most: int | None = None


NOTHING = "[a&&b]"
START, END, EMPTY = Part("start"), Part("end"), Part("sequence")
ALL = Part("repeat", (Part("set", characters=((0, ch.LAST),)),), most=None)


@lru_cache(maxsize=512)
def inside(pattern: str, outer: bool = False) -> str:
    """Return the expression for a whole text in which a search finds a pattern; `NOTHING` if there is none.

    Raises
    ------
    InvalidRequest
        It is no pattern, or one that cannot be kept.
    """
    found = written(searched(parsed(pattern, outer), outer))
    return NOTHING if found is None else found


def finds(pattern: str, text: str) -> bool | None:
    """Return whether a search finds a pattern in a text, in linear time; `None` where that is not sure."""
    if guidance.matches(inside(pattern), text):
        return True
    if not all((ord(sign) >= 0x20 and ord(sign) != 0x7F) or ord(sign) in ch.SHORT for sign in text):
        return None
    return None if guidance.matches(inside(pattern, outer=True), text) else False


@lru_cache(maxsize=512)
def endless(pattern: str) -> bool:
    """Return whether every beginning of a text that matches has no end of ways to go on."""
    return all(tail(part) for part in branches(searched(parsed(pattern, False), False)))


@lru_cache(maxsize=512)
def how_many(pattern: str) -> int:
    """Return a number of texts that match a pattern; there may be more."""
    return different(searched(parsed(pattern, False), False))


def different(part: Part) -> int:
    """Return a number of different texts of a part: where one piece varies, so does the whole."""
    if part.kind == "set":
        return sum(high - low + 1 for low, high in ch.common(part.characters, ch.complement(ch.RAW_EXCEPT)))
    if written(part) is None:
        return 0
    inner = max(map(different, part.parts), default=1)
    if part.kind == "repeat":
        return 1 if part.most == 0 or not written(part.parts[0]) else 10**6 if part.most is None else inner
    return max(1, inner)


@lru_cache(maxsize=512)
def example(pattern: str) -> str:
    """Return a short text that has a pattern, as answers spell it; empty where there is none."""
    return shortest(searched(parsed(pattern, False), False)) or ""


def shortest(part: Part) -> str | None:
    """Return the shortest text of a part, or nearly so; `None` where there is none."""
    if part.kind == "set":
        usual = ch.common(part.characters, ch.WORD) or ch.common(
            part.characters, ch.complement(ch.RAW_EXCEPT)
        )
        if usual:
            return chr(usual[0][0])
        return next(
            (f"\\{sign}" for code, sign in ch.SHORT.items() if ch.common(part.characters, ((code, code),))),
            None,
        )
    inner = [shortest(each) for each in part.parts]
    if part.kind == "choice":
        return min((each for each in inner if each is not None), key=len, default=None)
    if part.kind == "repeat":
        return "" if not part.least else None if inner[0] is None else inner[0] * part.least
    known = [each for each in inner if each is not None]
    return "".join(known) if len(known) == len(inner) else None


def tail(part: Part) -> bool:
    """Return whether a part ends in characters that may be repeated without end."""
    if part.kind == "sequence":
        return bool(part.parts) and tail(part.parts[-1])
    if part.kind == "choice":
        return all(map(tail, part.parts))
    return part.kind == "repeat" and part.most is None and bool(written(part.parts[0]))


def branches(part: Part) -> tuple[Part, ...]:
    return part.parts if part.kind == "choice" else (part,)


@lru_cache(maxsize=512)
def parsed(pattern: str, outer: bool) -> Part:
    """Return a pattern's parts."""
    if len(pattern) > MAX_LENGTH:
        raise refusal(f"is longer than {MAX_LENGTH} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, MemoryError) as reason:
        raise refusal("is no regular expression of Python") from reason
    reader = Reader(pattern, outer)
    part = reader.choice(0)
    if not reader.done():
        raise refusal("has an unbalanced bracket")
    if work(part) > MAX_WORK:
        raise refusal("repeats too much")
    return part


def refusal(what: str) -> InvalidRequest:
    return InvalidRequest(f"A `pattern` in `response_format` {what}, so the local model cannot keep it.")


def work(part: Part) -> int:
    """Return how many characters a part's repetitions come to."""
    inner = sum(map(work, part.parts)) or 1
    return inner * max(1, part.least, part.most or 0) if part.kind == "repeat" else inner


class Reader:
    """A pattern that is being read."""

    def __init__(self, text: str, outer: bool) -> None:
        self.text, self.outer, self.at = text, outer, 0

    def done(self) -> bool:
        return self.at >= len(self.text)

    def ahead(self, what: str) -> bool:
        return self.text.startswith(what, self.at)

    def take(self, what: str) -> bool:
        found = self.ahead(what)
        self.at += len(what) if found else 0
        return found

    def next(self) -> str:
        if self.done():
            raise refusal("ends too early")
        self.at += 1
        return self.text[self.at - 1]

    def choice(self, depth: int) -> Part:
        if depth > MAX_NESTING:
            raise refusal("is nested too deeply")
        found = [self.sequence(depth)]
        while self.take("|"):
            found.append(self.sequence(depth))
        return found[0] if len(found) == 1 else Part("choice", tuple(found))

    def sequence(self, depth: int) -> Part:
        found: list[Part] = []
        while not self.done() and not self.ahead("|") and not self.ahead(")"):
            found.append(self.repeated(self.atom(depth)))
        return found[0] if len(found) == 1 else Part("sequence", tuple(found))

    def repeated(self, part: Part) -> Part:
        while not self.done():
            least, most = self.bounds()
            if least is None:
                return part
            if self.ahead("+"):
                raise refusal("has a possessive repetition")
            self.take("?")  # Lazy or not: the same texts match.
            if part in (START, END):
                raise refusal("repeats an anchor")
            if max(least, most or 0) > MAX_REPEAT:
                raise refusal(f"repeats something more than {MAX_REPEAT} times")
            part = Part("repeat", (part,), least=least, most=most)
        return part

    def bounds(self) -> tuple[int | None, int | None]:
        for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self.take(sign):
                return least, most
        found = re.compile(r"\{(?:([0-9]+)|([0-9]*),([0-9]*))\}", re.ASCII).match(self.text, self.at)
        if not found:
            return None, None
        self.at = found.end()
        if found.group(1):
            return int(found.group(1)), int(found.group(1))
        return int(found.group(2) or 0), int(found.group(3)) if found.group(3) else None

    def atom(self, depth: int) -> Part:
        sign = self.next()
        if sign == "(":
            return self.group(depth)
        if sign == "[":
            return Part("set", characters=self.set())
        if sign == "^":
            return START
        if sign == "$":
            return END
        if sign == ".":
            return Part("set", characters=ANYTHING)
        if sign == "\\":
            if self.take("A"):
                return START
            if self.take("Z"):
                return END
            return Part("set", characters=self.escape())
        return Part("set", characters=ch.of(sign))

    def group(self, depth: int) -> Part:
        if self.take("?"):
            named = re.compile(r"P<\w+>").match(self.text, self.at)
            if named:
                self.at = named.end()
            elif not self.take(":"):
                raise refusal("looks around itself, refers back or sets flags")
        part = self.choice(depth + 1)
        if not self.take(")"):
            raise refusal("has an unbalanced bracket")
        return part

    def escape(self) -> ch.Ranges:
        sign = self.next()
        if sign in "dws":
            return ch.CLASSES[sign][self.outer]
        if sign in "DWS":
            return ch.complement(ch.CLASSES[sign.lower()][not self.outer])
        if sign in SYMBOLS:
            return ch.of(SYMBOLS[sign])
        if sign in "xuU":
            digits = {"x": 2, "u": 4, "U": 8}[sign]
            code = int(self.text[self.at : self.at + digits], 16)
            self.at += digits
            return ((code, code),)
        if sign.isascii() and sign.isalnum():
            raise refusal(f"uses `\\{sign}`")
        return ch.of(sign)

    def set(self) -> ch.Ranges:
        negative = self.take("^")
        if negative:
            self.outer = not self.outer
        found: list[ch.Ranges] = []
        first = True
        while first or not self.ahead("]"):
            first = False
            low = self.member()
            if self.ahead("-") and not self.text.startswith("-]", self.at):
                self.at += 1
                high = self.member()
                found.append(((low[0][0], high[0][0]),))
            else:
                found.append(low)
        self.at += 1
        if negative:
            self.outer = not self.outer
            return ch.complement(ch.union(*found))
        return ch.union(*found)

    def member(self) -> ch.Ranges:
        sign = self.next()
        if sign != "\\":
            return ch.of(sign)
        if self.take("b"):
            return ch.of("\b")
        return self.escape()


def searched(part: Part, outer: bool) -> Part:
    """Return the parts for a whole text in which a search finds a part, without anchors."""
    if part.kind == "choice":
        return Part("choice", tuple(searched(each, outer) for each in part.parts))
    parts = list(part.parts if part.kind == "sequence" else (part,))
    while (parts and parts[0].kind in ("sequence", "choice")) or (
        parts and parts[-1].kind in ("sequence", "choice")
    ):
        for place in (0, len(parts) - 1):
            if parts[place].kind == "sequence":
                parts[place : place + 1] = parts[place].parts
                break
            if parts[place].kind == "choice" and anchored(parts[place]):
                head, rest = parts[:place], parts[place + 1 :]
                spread = (Part("sequence", (*head, each, *rest)) for each in parts[place].parts)
                return searched(Part("choice", tuple(spread)), outer)
        else:
            break
    left = right = False
    while parts and parts[0] is START:
        left = bool(parts.pop(0))
    while parts and parts[-1] is END:
        right = bool(parts.pop())
    if any(map(anchored, parts)):
        raise refusal("has an anchor in its middle")
    newline = Part("repeat", (Part("set", characters=ch.of("\n")),), most=1)
    after = [newline] if right and outer else [] if right else [ALL]
    return Part("sequence", (*([] if left else [ALL]), *parts, *after))


def anchored(part: Part) -> bool:
    return part.kind in ("start", "end") or any(map(anchored, part.parts))


def written(part: Part) -> str | None:
    """Return the expression for a part inside a JSON text; `None` where nothing can match."""
    if part.kind == "set":
        return ch.spelled(part.characters) or None
    inner = [written(each) for each in part.parts]
    if part.kind == "choice":
        known = [each for each in inner if each is not None]
        return f"(?:{'|'.join(known)})" if known else None
    if part.kind == "repeat":
        if inner[0] is None:
            return "" if part.least == 0 else None
        most = "" if part.most is None else part.most
        return f"(?:{inner[0]}){{{part.least},{most}}}" if inner[0] else ""
    known = [each for each in inner if each is not None]
    return "".join(known) if len(known) == len(inner) else None
