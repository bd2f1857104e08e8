"""How people really write: fillers, left-out words, typos, words nobody knows, no capitals."""

from __future__ import annotations

import random
import re

from . import grammar, phrases
from .names import invent

SPACES = re.compile(r"  +")
CAPITALS = phrases.words("talk")["capitals"]
PROPER = re.compile(
    r"(?<![\w.$`'/%-])(" + "|".join(re.escape(word.lower()) for word in CAPITALS) + r")(?![\w.`'/(=:-])"
)
WRITTEN = {word.lower(): word for word in CAPITALS}
SETTINGS = phrases.lists("settings")["setting"]
TALK = phrases.words("talk")
HEADS, TAILS, FILLERS = TALK["head"], TALK["tail"], TALK["filler"]
DROPPABLE, WEAK = set(TALK["droppable"]), set(TALK["weak"])


def typo(word: str, rng: random.Random) -> str:
    """The word with one letter swapped, lost, doubled or wrong."""
    if len(word) < 4 or not word.isalpha():
        return word
    i = rng.randrange(len(word) - 1)
    kind = rng.random()
    if kind < 0.35:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if kind < 0.65:
        return word[:i] + word[i + 1 :]
    if kind < 0.85:
        return word[: i + 1] + word[i:]
    return word[:i] + rng.choice("abcdefghijklmnopqrstuvwxyz") + word[i + 1 :]


def _plain(word: str) -> bool:
    return "$" not in word


def rough(text: str, rng: random.Random, amount: float = 0.35) -> str:
    """Write the sentence the way people do: fillers, left-out words, typos, no capitals."""
    if rng.random() < 0.4:
        text = PROPER.sub(lambda m: WRITTEN[m[0]], text)
    if rng.random() < 0.1 * amount:
        text = rng.choice(HEADS) + " " + text
    if rng.random() < 0.1 * amount:
        text = text.rstrip("?.!") + rng.choice((" ", ", ", " ", ". ")) + rng.choice(TAILS)
    if rng.random() < 0.04 * amount:
        talk = grammar.expand(rng.choice(SETTINGS), rng)
        first = rng.random() < 0.5
        text = f"{talk}{rng.choice(('. ', ', ', ': '))}{text}" if first else f"{text} {talk}"
    words = text.split(" ")
    if rng.random() < 0.04 * amount:  # a word it does not know in the place of a weak one
        at = [i for i, w in enumerate(words) if w in WEAK]
        if at:
            words[rng.choice(at)] = invent(rng).lower()
    if rng.random() < 0.15 * amount:
        at = [i for i, w in enumerate(words) if w in DROPPABLE]
        for i in rng.sample(at, min(len(at), rng.choice((1, 1, 2, 4)))):
            words[i] = ""
        words = [w for w in words if w] or text.split(" ")
    if rng.random() < 0.04 * amount:
        words.insert(rng.randrange(len(words) + 1), rng.choice(FILLERS))
    if rng.random() < 0.07 * amount:
        at = [i for i, w in enumerate(words) if _plain(w) and len(w) > 3]
        for i in rng.sample(at, min(len(at), rng.choice((1, 1, 2)))):
            words[i] = typo(words[i], rng)
    style = rng.random()
    if style < 0.25:
        words = [w.lower() if _plain(w) else w for w in words]
    elif style < 0.6 and words[0][:1].isalpha():
        words[0] = words[0][0].upper() + words[0][1:]
    elif style < 0.605:
        words = [w.upper() if _plain(w) else w for w in words]
    text = SPACES.sub(" ", " ".join(words)).strip()
    ending = rng.random()
    if ending < 0.12:
        text = text.rstrip("?.!")
    elif ending < 0.2 and text[-1:].isalnum():
        text += rng.choice(("?", ".", "!", "...", "??", " ?"))
    return text
