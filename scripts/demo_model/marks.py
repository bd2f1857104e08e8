"""Numbered marks before the words of a question that may be names, for the model to point with.

A name is several tokens, and its role is often said after it ("price per city"). One mark before each
word, the same wherever the word comes again, makes the choice of a name one step: the model writes the
mark, and what follows that mark in the question follows in the answer. Marks are control tokens: the
chat template sets them (TEMPLATE does what `question` does), and llama.cpp never shows them.
"""

from __future__ import annotations

import re
from pathlib import Path

from . import told
from .grammar import Spans

MOST = 96
TOKENS = [f"<|w{i}|>" for i in range(1, MOST + 1)]
QUOTES = "“”‘’«»–—…→×·•\u00a0"
WORD = re.compile(f"(?:[A-Za-z_0-9]|[^\x00-~{QUOTES}])+")
DIGITS = 15
LONGEST = 6000  # characters; more does not fit in its context anyway
COMMON, TRADE = (
    frozenset(part.split())
    for part in Path(__file__).with_name("unmarked.txt").read_text(encoding="utf-8").split("\n\n")
)
UNMARKED = COMMON | TRADE
"""Words of every day and of the trade, hardly ever names. One that is a name is copied without a mark."""


def _marked(word: str, in_last_line: bool) -> bool:
    """Whether it may be a name, or a number that is asked for: a traceback is full of others."""
    if word[0] in "0123456789":
        whole = word.isascii() and word.isdecimal() and len(word) <= DIGITS and str(int(word)) == word
        return in_last_line and whole
    return word.lower() not in UNMARKED


def question(text: str, first: int = 0) -> tuple[str, dict[str, str]]:
    """The text with its marks, and the mark of each word. A mark takes the place of the space before it.

    Below sections, a word that means a name in them is written as that name.

    All marks follow once more in a last line, where the model has read the whole question: what is said
    after a name decides on its role as well as what is said before it. Training begins with another mark
    than the ``first`` now and then, so that all of them are known.
    """
    if len(text) > LONGEST:
        return text, {}
    names, asked = told.told(text)
    text = text[:asked] + told.joined(text[asked:], names)
    marks: dict[str, str] = {}
    parts, position, last_line = [], 0, text.rfind("\n") + 1
    for match in WORD.finditer(text):
        word = match[0]
        if not _marked(word, match.start() >= last_line):
            continue
        if word not in marks and match.start() >= asked:
            word = told.meant(word, names)
        gap = text[position : match.start()]
        if word in marks or (len(marks) < MOST and word.lower() not in UNMARKED):
            gap = gap.removesuffix(" ") + marks.setdefault(word, TOKENS[(first + len(marks)) % MOST])
        parts += [gap, word]
        position = match.end()
    return "".join([*parts, text[position:], "\n", *marks.values()]), marks


def answer(text: str, spans: Spans, marks: dict[str, str]) -> tuple[str, Spans]:
    """The text with a mark before each copied word, and its spans, marks included."""
    made, places, position = "", [], 0
    for start, end, copied in spans:
        made += text[position:start]
        name = text[start:end]
        if copied:
            name = WORD.sub(lambda m: marks.get(m[0], "") + m[0], name)
        places.append((len(made), len(made) + len(name), copied))
        made += name
        position = end
    return made + text[position:], places
