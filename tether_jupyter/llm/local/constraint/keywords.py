"""The keywords of one part of a schema, checked for their form."""

from __future__ import annotations

from typing import Any, cast

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.constraint import formats, patterns
from tether_jupyter.llm.local.constraint.clauses import FREE, TYPES, Text, key
from tether_jupyter.llm.local.constraint.numbers import Number

NOTES = {
    "title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly",
    "$schema", "$id", "$comment", "$defs", "definitions", "$anchor", "contentMediaType", "contentEncoding",
    "contentSchema", "discriminator", "externalDocs",
}  # fmt: skip
"""Keywords that say nothing of which values there are."""
CHOICES = ("$ref", "allOf", "anyOf", "oneOf", "not", "if", "dependentRequired", "dependentSchemas")
NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
ARRAYS = (
    "prefixItems", "items", "minItems", "maxItems", "contains", "minContains", "maxContains", "uniqueItems",
    "unevaluatedItems",
)  # fmt: skip
OBJECTS = (
    "properties", "patternProperties", "additionalProperties", "propertyNames", "required", "minProperties",
    "maxProperties",
)  # fmt: skip
TAKEN = {
    *CHOICES, *NUMBERS, *ARRAYS, *OBJECTS, "then", "else", "type", "enum", "const", "multipleOf", "minLength",
    "maxLength", "pattern", "format", "unevaluatedProperties",
}  # fmt: skip
MAX_COUNT = 1000
MAX_LENGTH = 10_000


def refused(word: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"The local model cannot keep `{word[:80]}` in `response_format`: {why}.")


def too_large() -> InvalidRequest:
    return InvalidRequest("The schema in `response_format` is too large. Make it simpler.")


def check_words(schema: dict[str, Any]) -> None:
    """Refuse keywords that have no meaning here."""
    for word in schema:
        if word not in TAKEN and word not in NOTES and not word.startswith("x-"):
            raise refused(word, "it does not know this keyword. Leave it out")


def schemas(schema: dict[str, Any], word: str) -> list[Any]:
    """Return the list of schemas under a keyword."""
    found = schema.get(word, [])
    if not isinstance(found, list) or (word in schema and not found):
        raise refused(word, "it must be a list with schemas")
    return found


def named(schema: dict[str, Any], word: str) -> list[tuple[str, Any]]:
    """Return the entries under a keyword."""
    found = schema.get(word, {})
    if not isinstance(found, dict):
        raise refused(word, "it must be an object")
    return list(found.items())


def texts(value: Any, word: str) -> list[str]:
    """Return a list of texts."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise refused(word, "it must list texts")
    return value


def count(schema: dict[str, Any], word: str, default: int | None) -> int | None:
    """Return a number of things."""
    value = schema.get(word, default)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    ceiling = MAX_LENGTH if word.endswith("Length") else MAX_COUNT
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise refused(word, "it must be a whole number from 0 on")
    if value is not None and value > ceiling and word.startswith("min"):
        raise refused(word, f"it may be at most {ceiling}")
    return value


def types_of(schema: dict[str, Any]) -> tuple[frozenset[str], bool]:
    """Return the types that `type` allows, and whether numbers must be whole."""
    found = schema.get("type", sorted(TYPES))
    known = [found] if isinstance(found, str) else found
    if not isinstance(known, list) or not known or not all(each in (*TYPES, "integer") for each in known):
        raise refused("type", "it must name types of JSON")
    whole = "integer" in known and "number" not in known
    return frozenset("number" if each == "integer" else each for each in known), whole


def values_of(schema: dict[str, Any]) -> tuple[Any, ...] | None:
    """Return the values that `enum` and `const` leave."""
    if "enum" not in schema:
        return (schema["const"],) if "const" in schema else None
    found = schema["enum"]
    if not isinstance(found, list) or not found:
        raise refused("enum", "it must be a list with entries")
    return tuple(each for each in found if "const" not in schema or key(each) == key(schema["const"]))


def number_of(schema: dict[str, Any], whole: bool) -> Number:
    """Return what a part says of numbers."""
    found = Number(whole=True) if whole else FREE["number"]
    for word in (*NUMBERS, "multipleOf"):
        value = schema.get(word)
        if word not in schema:
            continue
        if (
            not isinstance(value, (int, float))
            or isinstance(value, bool)
            or (word == "multipleOf" and value <= 0)
        ):
            raise refused(word, "it must be a number" + (" above 0" if word == "multipleOf" else ""))
        if word == "multipleOf":
            bound = Number(factors=(value,))
        elif "inimum" in word:
            bound = Number(least=(value, word.startswith("ex")))
        else:
            bound = Number(most=(value, word.startswith("ex")))
        found = found.both(bound) or found
    if schema.get("format") in formats.BOUNDS:
        low, high = formats.BOUNDS[schema["format"]]
        found = found.both(Number((low, False), (high, False), whole=True)) or found
    return found


def text_of(schema: dict[str, Any]) -> Text:
    """Return what a part says of texts."""
    pattern, form = schema.get("pattern"), schema.get("format")
    if "pattern" in schema:
        if not isinstance(pattern, str):
            raise refused("pattern", "it must be a text")
        patterns.inside(pattern)
    if "format" in schema and (
        not isinstance(form, str) or form not in (*formats.PATTERNS, *formats.BOUNDS, *formats.INEXACT)
    ):
        raise refused("format", f"it does not know {str(form)[:80]!r}")
    if not any(word in schema for word in ("minLength", "maxLength", "pattern", "format")):
        return cast(Text, FREE["text"])
    return Text(
        count(schema, "minLength", 0) or 0,
        count(schema, "maxLength", None),
        ((pattern, True),) if isinstance(pattern, str) else (),
        (form,) if isinstance(form, str) and form in formats.PATTERNS else (),
    )
