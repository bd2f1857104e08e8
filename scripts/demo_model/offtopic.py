"""Everything else is refused: the sentences, and the words that fill them.

A refusal must not depend on words it knows, so many frames take invented words, and *salads* of
function words, invented words and even pandas words are refused too.
"""

from __future__ import annotations

import random
import re

from . import grammar, phrases, rough
from .names import identifier, invent

REFUSAL = (
    "I am Tether's demo model and do not know this. I only cover common Python errors, "
    "pandas, numpy and matplotlib steps, and Tether itself. "
    "Set a real model with `TETHER_MODEL_PATH` or `OPENAI_API_KEY`."
)

FORMS = phrases.lists("refused")
WORDS = phrases.words("refused_words")
FUNCTION_WORDS, DATA_WORDS, OPENERS, OTHERS = (
    WORDS.pop(key) for key in ("function", "data", "opener", "other")
)
POOL = re.compile(r"<([a-z]+)>")


def word(rng: random.Random) -> str:
    """A word this model does not know: invented, or from some pool."""
    return invent(rng) if rng.random() < 0.6 else rng.choice(rng.choice(list(WORDS.values())))


def salad(rng: random.Random) -> str:
    """Words in a row that ask for nothing; a third of the salads contain words of the trade."""
    share = rng.choice((0.0, 0.0, 0.15, 0.3, 0.5))
    words = []
    for _ in range(rng.choice((2, 3, 4, 5, 6, 7, 8, 9, 11, 13))):
        kind = rng.random()
        if kind < share:
            words.append(rng.choice(DATA_WORDS))
        elif kind < share + (1 - share) * 0.6:
            words.append(rng.choice(FUNCTION_WORDS))
        else:
            words.append(word(rng))
    if rng.random() < 0.6:
        words.insert(0, rng.choice(OPENERS))
    return " ".join(words) + rng.choice(("", "", "?", "?", ".", "!"))


ELSEWHERE = (
    "in {o}, {q}", "{o}: {q}", "{q} in {o}", "{q} in {o}", "{q} with {o}", "{q} using {o}", "{q}, in {o}",
    "what's the {o} equivalent of {q}", "how do I do this in {o}: {q}", "{o} {q}", "{q} ({o})",
    "I use {o}. {q}", "my data is in {o}. {q}", "write a {o} query: {q}", "{q}, but in {o}",
)  # fmt: skip
OURS = re.compile(r"pandas|numpy|\bnp\b|matplotlib|plt|python|jupyter|data ?frame|\bdf\b|</", re.I)


def elsewhere(question: str, rng: random.Random) -> str | None:
    """A question on a step, asked of another program; None where it names one of ours."""
    if OURS.search(question):
        return None
    other = rng.choice(OTHERS)
    text = rng.choice(ELSEWHERE).format(o=other, q=question.rstrip("?.! "))
    return (text.lower() if rng.random() < 0.2 else text) + rng.choice(("", "?"))


def _fill(template: str, rng: random.Random) -> str:
    text = grammar.expand(template, rng)
    made = rng.random() < 0.3  # invented words in the place of known ones
    for name in POOL.findall(text):
        new = invent(rng) if made and rng.random() < 0.6 else rng.choice(WORDS[name])
        text = text.replace(f"<{name}>", new, 1)
    for mark, maker in (("$w", word), ("$n", lambda r: identifier(r, "frame"))):
        while mark in text:
            text = text.replace(mark, maker(rng), 1)
    for mark in ("$a", "$b", "$c"):
        text = text.replace(mark, str(rng.choice((rng.randint(1, 99), rng.randint(1, 2100)))))
    return text


def _noise(rng: random.Random) -> str:
    if rng.random() < 0.5:
        low, high = rng.choice(
            ((0x430, 0x44F), (0x3041, 0x3096), (0x4E00, 0x4FFF), (0xE0, 0xFF), (0x627, 0x64A),
             (0xAC00, 0xAD00), (0x3B1, 0x3C9), (0x905, 0x939), (0x5D0, 0x5EA), (0x1F600, 0x1F640))
        )  # fmt: skip
        return " ".join(
            "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 7)))
            for _ in range(rng.randint(1, 5))
        )
    letters = "abcdefghijklmnopqrstuvwxyz     0123456789.,?!;"
    return "".join(rng.choice(letters) for _ in range(rng.randint(2, 40))).strip() or "?"


def question(rng: random.Random) -> str:
    """One question that must be refused."""
    kind = rng.random()
    if kind < 0.16:
        return salad(rng)
    if kind < 0.20:
        return _noise(rng)
    if kind < 0.26:
        return _fill(rng.choice(FORMS["foreign"]), rng)
    text = _fill(rng.choice(FORMS["general" if kind < 0.44 else "near"]), rng)
    return rough.rough(text, rng)
