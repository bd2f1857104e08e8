"""Texts, numbers and constants as terminals of a grammar."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from tether_jupyter.llm.local.constraint import characters as ch
from tether_jupyter.llm.local.constraint import formats, guidance, keywords, numbers, patterns
from tether_jupyter.llm.local.constraint.clauses import Text
from tether_jupyter.llm.local.constraint.numbers import Number

MANY = 300
"""Numbers that are rather listed than described."""
MAX_STEP = 10**6
MAX_ENDING = 60


def spelled(value: Any) -> str:
    """Return the one spelling of a JSON value."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def literal(value: Any) -> str:
    """Return an expression for one JSON value in one spelling."""
    return ch.escaped(spelled(value))


def literals(values: Iterable[Any]) -> str:
    """Return a terminal for some values; empty for none."""
    found = "|".join(dict.fromkeys(map(literal, values)))
    return f"/{found}/" if found else ""


@lru_cache(maxsize=256)
def text(wanted: Text, excluded: tuple[str, ...] = ()) -> str:
    """Return a terminal for a text in its quotes; empty for none."""
    found = [patterns.inside(pattern) for pattern, positive in wanted.patterns if positive]
    found += [patterns.inside(formats.whole(name)) for name in wanted.formats if formats.PATTERNS[name]]
    unwanted = [patterns.inside(pattern, outer=True) for pattern, positive in wanted.patterns if not positive]
    if excluded:
        spelled = (ch.escaped(json.dumps(each, ensure_ascii=False)[1:-1]) for each in excluded)
        unwanted.append("|".join(dict.fromkeys(spelled)) or "(?:)")
    if wanted.least or wanted.most is not None or not found:
        most = "" if wanted.most is None else min(wanted.most, keywords.MAX_LENGTH)
        if wanted.least > keywords.MAX_LENGTH:
            return ""
        bounds = f"{{{wanted.least},{most}}}" if wanted.least or most != "" else "*"
        found.append(ch.CHARACTER + bounds)
    without = "".join(f" & ~/{each or '(?:)'}/" for each in unwanted)
    if len(found) == 1 and not without:
        definition = f'/"(?:{found[0]})"/'
    else:
        definition = f'"\\"" ({" & ".join(map(guidance.terminal, dict.fromkeys(found)))}{without}) "\\""'
    plain = not wanted.patterns and not wanted.formats and wanted.most is None
    return definition if plain or guidance.possible(definition) else ""


def endings(wanted: Text) -> list[str]:
    """Return endings of texts, by which one that has begun may become one that is wanted."""
    found = [pattern for pattern, positive in wanted.patterns if positive]
    found += [formats.whole(name) for name in wanted.formats]
    examples = [patterns.example(pattern)[:MAX_ENDING] for pattern in found]
    return [example[start:] for example in examples for start in range(len(example))]


def apart(has: Sequence[str], pattern: str) -> bool:
    """Return whether no text that has some patterns has another one too."""
    parts = [*map(patterns.inside, has), patterns.inside(pattern, outer=True)]
    return bool(has) and not guidance.possible(" & ".join(map(guidance.terminal, parts)))


def endless(wanted: Text) -> bool:
    """Return whether there is no end of such texts, whatever their beginning."""
    positive = [pattern for pattern, wanted_ in wanted.patterns if wanted_]
    if (
        wanted.most is not None
        or wanted.formats
        or len(positive) != len(wanted.patterns)
        or len(positive) > 1
    ):
        return False
    return all(map(patterns.endless, positive))


@lru_cache(maxsize=256)
def number(wanted: Number, canonical: bool = False) -> list[str]:
    """Return what a rule may be for a number: terminals and schemas of the library; none for no number.

    Parameters
    ----------
    canonical:
        Whether each number must have one spelling.
    """
    if (listed := numbers.multiples(wanted, MANY)) is not None:
        return [literals(listed)] if listed else []
    if not wanted.factors:
        return ranged(wanted, canonical)
    plain = replace(wanted, factors=())
    if (decimals := numbers.halves(wanted)) and not wanted.whole:
        return ranged(plain, canonical, decimals)
    found = []
    step = None if wanted.fraction else numbers.whole_step(wanted)
    if step == 1:
        found += ranged(replace(wanted, whole=True, factors=()), canonical)
    elif step is not None and step < MAX_STEP and not (canonical or wanted.excluded or wanted.apart):
        whole = Number(wanted.least, wanted.most, whole=True)
        least, most = (max(-(10**18), min(10**18, int(bound))) for bound in numbers.limits(whole))
        schema = {"type": "integer", "multipleOf": step, "minimum": least, "maximum": most}
        if -(-least // step) * step <= most:
            found.append(f"%json {json.dumps(schema)}")
    near = numbers.small_multiples(wanted, MANY)
    near = [value for value in near if step is None or not found or not float(value).is_integer()]
    return found + [each for each in [literals(near)] if each]


def ranged(wanted: Number, canonical: bool, beside: str = "") -> list[str]:
    """Return a terminal for the numbers within bounds, or none."""
    within = numbers.expression(wanted)
    if not within:
        return []
    unwanted = numbers.without(wanted)
    also = [numbers.FRACTION] if wanted.fraction else []
    also += [numbers.CANONICAL] if canonical else []
    also += [beside] if beside else []
    found = guidance.terminal(within) + "".join(f" & /{each}/" for each in also)
    found += f" & ~/{unwanted}/" if unwanted else ""
    return [found] if not (also or unwanted) or guidance.possible(found) else []


def how_many(wanted: Text) -> int:
    """Return how many such texts there are at least."""
    if endless(wanted) or (not wanted.patterns and not wanted.formats and wanted.most != 0):
        return keywords.MAX_COUNT
    found = [pattern for pattern, _ in wanted.patterns] + [formats.whole(name) for name in wanted.formats]
    if (
        len(found) > 1
        or not all(positive for _, positive in wanted.patterns)
        or wanted.least
        or wanted.most is not None
    ):
        return 1
    return min(keywords.MAX_COUNT, patterns.how_many(found[0]) if found else 1)
