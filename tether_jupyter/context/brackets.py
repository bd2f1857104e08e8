"""Secrets in lists, tuples and dictionaries under one name: `{"password": ["…", "…"]}`, `passwords = […]`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tether_jupyter.context.assigned import among, kind_of
from tether_jupyter.context.literals import OPENING, literal
from tether_jupyter.context.secret_names import (
    LONGEST_NAME,
    SUSPICIOUS,
    Strength,
    is_secret,
    stands_for_one,
    strength,
    whole_name,
)
from tether_jupyter.core.secret_shapes import Span, random_looking

MOST_PARTS = 20_000
# Up to the bracket: that of a value, of a polars Series, of the categories below a pandas Series.
BEFORE = re.compile(
    r"""
    (?P<quote>\\{0,3}["'`])?\]? [ \t]{0,40} (?:=(?!=)|:=|=>|<-|(?P<colon>:(?!:))) \s{0,200}
        (?:(?:(?:np|numpy|pd|pandas|pl|polars)\.)?
           (?:array|Series|Index|list|tuple|set|frozenset|deque|Categorical|dict|OrderedDict)\(\s{0,80})?
        (?=[\[{]|(?(colon)(?(quote)\(|[^\s\S])|\())
    | ' [ ] \[[^\[\]\n]{1,60}\]\r?\n (?=\[)
    | , [ ] (?:Length:[ ]\d{1,18},[ ])? dtype:[ ]category\r?\n
        Categories[ ]\(\d{1,18},[ ][^()\n]{1,60}\):[ ] (?=\[)
    """,
    re.VERBOSE | re.ASCII,
)
# What may stand between values: blanks, commas, comments, the order of categories.
BETWEEN = re.compile(r"(?:[\s,<…]|\.\.\.|\#[^\n]*+)++")
# A value without quotes: a number, `nan`, `Timestamp('2024-01-01')`.
OTHER = re.compile(r"[\w.+-]++(?:\([^()\[\]{}\n]{0,100}\))?", re.ASCII)
CODE = frozenset({"for", "if", "else", "in", "or", "and", "not", "is", "async", "await", "lambda"})
COLON = re.compile(r"\s{0,80}:")
WORDS = re.compile(r"[A-Za-z_.-]+")
LABEL = re.compile(r"(?=\D).*[^)]", re.DOTALL)
SENTENCE = re.compile(r"\S+\s.*[.!?]\s*", re.DOTALL)


class Under(NamedTuple):
    """What a value stands under.

    Parameters
    ----------
    labelled:
        Whether it has a name of its own too, which may be a person's or that of a setting.
    """

    name: str
    power: Strength
    labelled: bool = False


def found(text: str, words: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Yield the literals in brackets under a name such as `password`.

    Parameters
    ----------
    words:
        The places of suspicious words in the text.
    """
    done = 0
    for begin, stop in words:
        if begin < done:
            continue
        start, done = whole_name(text, begin, stop, done)
        under = named(text[start:done].strip(".-"))
        at = bracket(text, start, done) if under else None
        if under is not None and at is not None:
            values = Values(text, at, under)
            shown = [(place, text[slice(*place)], own) for place, own in values]
            # Where the name of a secret is among them, words are names too: `SECRETS = ("HF_TOKEN", "DSN")`.
            naming = {own.name for _, value, own in shown if names_one(value)}
            for place, value, own in shown:
                kind = kind_of(own.name)
                word = own.name in naming and kind != "password" and WORDS.fullmatch(value)
                if is_one(value, own) and not word:
                    yield Span(*place, kind)
            # The names in there were seen on the way.
            done = values.at


def bracket(text: str, start: int, end: int) -> int | None:
    """Return where a bracket begins that is the value of a name; `None` if none is."""
    own = among(text, start, end)
    if own is not None:
        return own if text[own] in "[{(" else None
    before = BEFORE.match(text, end)
    return before.end() if before else None


def named(name: str) -> Under | None:
    """Return what stands under a name that is a secret's, or that of several: `passwords`."""
    power = strength(name)
    if power in ("", "weak") and name[-1:] in ("s", "S"):
        power = strength(name[:-1])
    return Under(name, power) if power in ("strong", "key") and len(name) <= LONGEST_NAME else None


def names_one(value: str) -> bool:
    """Return whether a value is the name of a secret."""
    return SUSPICIOUS.search(value) is not None and stands_for_one(value)


def is_one(value: str, under: Under) -> bool:
    """Return whether a value in brackets is a secret."""
    name, power, labelled = under
    if SENTENCE.fullmatch(value) or value.startswith("."):
        return False
    if value.isdigit():
        return power == "strong" and len(value) >= 4 and not labelled
    if labelled:
        return is_secret(value, name, "key" if kind_of(name) == "password" else "weak")
    # Names of several keys are as often those of columns.
    return is_secret(value, name, power) and (
        power == "strong" or name[-1:] not in ("s", "S") or random_looking(value, 12)
    )


class Values:
    """The literals and numbers in brackets, down to the first part that is no data.

    Parameters
    ----------
    at:
        Where the bracket stands; then, how far they were read.
    under:
        What all of them stand under.
    """

    def __init__(self, text: str, at: int, under: Under) -> None:
        self.text = text
        self.at = at
        self.under = under

    def __iter__(self) -> Iterator[tuple[tuple[int, int], Under]]:
        """Yield where each value begins and ends, and what it stands under."""
        text = self.text
        opened: list[Under] = []
        under = self.under
        # Behind a name or a bracket, another bracket is no list.
        closed = False
        for _ in range(MOST_PARTS):
            if between := BETWEEN.match(text, self.at):
                self.at = between.end()
                closed = False
            sign = text[self.at : self.at + 1]
            if sign in ("[", "{", "(") and not closed:
                opened.append(under)
                self.at += 1
                continue
            if sign in ("]", "}", ")"):
                opened.pop()
                closed = True
                self.at += 1
                if not opened:
                    return
                under = opened[-1]
                continue
            part = self._part()
            if part is None:
                return
            place, quoted = part
            shown = text[slice(*place)]
            if colon := COLON.match(text, self.at):
                self.at = colon.end()
                labelled = opened[-1].labelled or LABEL.fullmatch(shown) is not None
                under = named(shown) or opened[-1]._replace(labelled=labelled)
                closed = False
                continue
            if quoted or shown.isdigit():
                yield place, under
            under, closed = opened[-1], not quoted

    def _part(self) -> tuple[tuple[int, int], bool] | None:
        """Return the next literal or other value, and whether it is in quotes; `None` if it is no data."""
        opening = OPENING.match(self.text, self.at)
        if opening is not None and not opening["group"]:
            place = literal(self.text, opening)
            if place is None:
                return None
            self.at = place[1] + len(opening["delimiter"])
            filled = "f" in opening["prefix"].lower() and "{" in self.text[slice(*place)]
            return place, not filled
        other = OTHER.match(self.text, self.at)
        if other is None or other[0] in CODE:
            return None
        self.at = other.end()
        return other.span(), False
