"""Random JSON schemas of the kind that tools and DataFrame maps ask for, each with an end in sight."""

from __future__ import annotations

import random
from typing import Any

NAMES = [
    *("name", "title", "city", "price", "total", "count", "score", "kind", "status", "created_at", "email"),
    *("tags", "items", "notes", "level", "unit", "first-name", "größe", "名前", "is_active", "x", "y"),
]
WORDS = ["low", "medium", "high", '"quoted"', "back\\slash", "new\nline", "ünïcode"]
MAX_DEPTH = 3
MAX_TEXT, MAX_ITEMS, MAX_ENTRIES = 24, 4, 5


def schema(seed: int) -> dict[str, Any]:
    """Return a schema for an object; the same one for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    return an_object(chance, 0)


def part(chance: random.Random, depth: int) -> dict[str, Any]:
    """Return a schema for any value."""
    simple = [a_text, a_number, a_choice, a_constant, a_flag]
    if depth >= MAX_DEPTH or chance.random() < 0.6:
        return chance.choice(simple)(chance)
    return chance.choice([an_object, an_array, an_alternative, a_nullable])(chance, depth + 1)


def a_text(chance: random.Random) -> dict[str, Any]:
    """Return a schema for a text with a greatest length, and at times a least one."""
    longest = chance.randint(1, MAX_TEXT)
    found: dict[str, Any] = {"type": "string", "maxLength": longest}
    if chance.random() < 0.3:
        found["minLength"] = chance.randint(0, longest)
    return found


def a_number(chance: random.Random) -> dict[str, Any]:
    """Return a schema for a number."""
    return {"type": chance.choice(["integer", "number"])}


def a_flag(chance: random.Random) -> dict[str, Any]:
    """Return a schema for hardly anything."""
    return {"type": chance.choice(["boolean", "null"])}


def a_choice(chance: random.Random) -> dict[str, Any]:
    """Return a schema for one of some values."""
    values: list[Any] = chance.sample(WORDS, chance.randint(1, 4))
    return {"enum": values + chance.sample([0, -1.5, True, None], chance.randint(0, 2))}


def a_constant(chance: random.Random) -> dict[str, Any]:
    """Return a schema for one value."""
    return {"const": chance.choice([*WORDS, 7, False, None])}


def an_object(chance: random.Random, depth: int) -> dict[str, Any]:
    """Return a schema for an object whose entries are required, or not."""
    names = chance.sample(NAMES, chance.randint(1, MAX_ENTRIES))
    required = [name for name in names if chance.random() < 0.7]
    return {
        "type": "object",
        "properties": {name: part(chance, depth + 1) for name in names},
        "required": required,
        "additionalProperties": False,
    }


def an_array(chance: random.Random, depth: int) -> dict[str, Any]:
    """Return a schema for an array with a greatest length."""
    most = chance.randint(0, MAX_ITEMS)
    return {
        "type": "array",
        "items": part(chance, depth + 1),
        "minItems": chance.randint(0, most),
        "maxItems": most,
    }


def an_alternative(chance: random.Random, depth: int) -> dict[str, Any]:
    """Return a schema for one of some kinds of values."""
    return {"anyOf": [part(chance, depth + 1) for _ in range(chance.randint(2, 3))]}


def a_nullable(chance: random.Random, depth: int) -> dict[str, Any]:
    """Return a schema for a text or nothing, as pydantic writes an optional field."""
    return {"anyOf": [a_text(chance), {"type": "null"}]}
