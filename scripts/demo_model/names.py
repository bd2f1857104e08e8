"""Names of frames, columns, functions and packages; many of them invented for one example.

A name the model has never seen can only be answered by copying it from the question. That is the
whole trick of this model, so three of ten names in the text are made up on the spot: syllables,
pieces of template words, pieces of the vocabulary, random letters.
"""

from __future__ import annotations

import random

from . import marks, phrases

WORDS = phrases.words("names")
NOUNS = [
    word.lower()
    for pool, some in phrases.words("refused_words").items()
    if pool in ("thing", "animal", "adj")  # "the mean price in Spain" is no frame
    for word in some
]
HELD_OUT = {key.removeprefix("held "): WORDS[key] for key in WORDS if key.startswith("held ")}
RESERVED = set(WORDS["reserved"])
UNMARKED = sorted(word for word in marks.TRADE if len(word) > 3 and word not in RESERVED)

# Letter tokens of the vocabulary and words of the templates; filled by train.py and corpus.py, so
# that every token is part of a copied name now and then (the cure for the last copy errors).
pieces: list[str] = []
fragments: list[str] = []


def syllable(rng: random.Random) -> str:
    """One pronounceable syllable."""
    coda = rng.choice(WORDS["coda"]) if rng.random() < 0.35 else ""
    return rng.choice(WORDS["onset"]) + rng.choice(WORDS["nucleus"]) + coda


def _cut(rng: random.Random) -> str:
    word = rng.choice(fragments)
    length = rng.choice((2, 3, 4, 5, 9, 9))
    start = rng.randrange(max(1, len(word) - length + 1))
    return word[start : start + length]


def _part(rng: random.Random) -> str:
    kind = rng.random()
    few = rng.choice((1, 1, 1, 2, 2, 3))
    if kind < 0.50:
        return "".join(syllable(rng) for _ in range(few))
    if kind < 0.74 and pieces:
        return "".join(rng.choice(pieces) for _ in range(few))
    if kind < 0.90 and fragments:
        return "".join(_cut(rng) for _ in range(few))
    letters = rng.choice((1, 1, 2, 3, 4, 6))
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(letters))


def invent(rng: random.Random) -> str:
    """A made-up identifier: one or two parts, sometimes with digits or capitals."""
    word = _part(rng)
    if rng.random() < 0.17:
        word += "_" + _part(rng)
    style = rng.random()
    if style < 0.08:
        number = rng.choice((rng.randint(1, 9), rng.randint(10, 99), rng.randint(1990, 2030)))
        word += rng.choice(("", "_")) + str(number)
    elif style < 0.15:
        word = word.capitalize()
    elif style < 0.165:
        word = word.upper()
    elif style < 0.2:
        word += _part(rng).capitalize()
    return word + "x" if word in RESERVED else word


def identifier(rng: random.Random, kind: str, held: bool = False) -> str:
    """A name of this kind; ``held`` draws from the held-out words instead of the known ones."""
    if held:
        return rng.choice(HELD_OUT[kind]) if rng.random() < 0.5 else invent(rng)
    source = rng.random()
    if source < 0.36:
        return rng.choice(WORDS[kind])
    if source < 0.66:  # any noun will do, alone or with another word
        word = rng.choice(rng.choice((NOUNS, WORDS["noun"])))
        other = rng.choice(
            rng.choice((NOUNS, WORDS["noun"], WORDS["column"], WORDS["frame"], WORDS["value"]))
        )
        camel = word + "".join(part.capitalize() for part in other.split("_"))
        numbered = f"{word}{rng.choice(('', '_'))}{rng.randint(1, 99)}"
        return rng.choice(
            (word, word, word, f"{word}_{other}", f"{word}_{other}", camel, f"{word}s", numbered)
        )
    if source < 0.70:  # a known word with a beginning of its own: "invoices" must not become "voices"
        return syllable(rng) + rng.choice(rng.choice((NOUNS, WORDS["column"], WORDS["frame"])))
    if source < 0.73:  # "the mean of joined": a word that the question has for itself as a rule
        return rng.choice(UNMARKED)
    return invent(rng)


def distinct(rng: random.Random, kinds: dict[str, str], held: bool = False) -> dict[str, str]:
    """One name for each slot; no two slots share one, so that the answer is never ambiguous."""
    names: dict[str, str] = {}
    for slot, kind in kinds.items():
        word = identifier(rng, kind, held)
        while word in names.values():
            word = identifier(rng, kind, held)
        names[slot] = word
    return names
