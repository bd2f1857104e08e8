"""Questions of a beginner, who names nothing: "How do I read a CSV file?", "What is a NameError?".

Their answers are fixed. Steps show names of their own and say so; errors are told in general.
"""

from __future__ import annotations

import random
import re

from . import context, grammar, phrases, rough, wording
from .grammar import Spans

STEPS = phrases.read("steps_frames") + phrases.read("steps_others")
MEANINGS = phrases.read("meanings")
FORMS = phrases.lists("meaning_forms")["forms"]
CLASS = re.compile(r"[A-Z][A-Za-z]+(?:Error|Warning|Interrupt|Iteration)")
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
FRAME = re.compile(r"\bdf\b")
OWN = "your own"
PLAIN = ("", "", "how do I ", "How do I ", "how to ", "how can I ", "How can I ")
ARTICLE = re.compile(r"\b([Aa])n? (?=XX)")


def written(name: str, rng: random.Random) -> str:
    """The name of an error as people write it: as it is, in lower case, in words."""
    way = rng.random()
    if way < 0.74:
        return name
    if way < 0.86:
        return name.lower()
    words = HUMP.sub(" ", name)
    return words if way < 0.9 else words.lower()


def meaning(rng: random.Random) -> tuple[str, str]:
    """What an error means in general, with no message of it."""
    item = rng.choice(MEANINGS)
    if not CLASS.fullmatch(item.message) or rng.random() < 0.2:
        return grammar.expand(rng.choice(item.say), rng), item.alone
    text = grammar.expand(rng.choice(FORMS), rng)
    if rng.random() < 0.85:
        text = ARTICLE.sub(r"\1n " if item.message[0] in "AEIOU" else r"\1 ", text)
    return text.replace("XX", written(item.message, rng)), item.alone


def question(rng: random.Random) -> tuple[str, str, Spans]:
    """A question and its answer, with the places where that repeats the question's `df`."""
    if rng.random() < 0.62:
        item = rng.choice(STEPS)
        text, answer = wording.ask(item, rng), item.answer
        if rng.random() < 0.25:
            text = rng.choice(PLAIN) + grammar.expand(rng.choice(item.plain), rng) + rng.choice(("", "?"))
    else:
        text, answer = meaning(rng)
    text = rough.rough(text, rng)
    # Beside a frame, a step that needs nothing but a frame is that frame's.
    if rng.random() < 0.1 and (OWN in answer or "```" not in answer):
        text = context.unrelated(rng) + "\n\n" + text
    spans = [(*match.span(), True) for match in FRAME.finditer(answer)] if FRAME.search(text) else []
    return text, answer, spans
