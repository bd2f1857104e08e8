"""The opposite of a schema: the values that break one of its keywords at least."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tether_jupyter.llm.local.constraint import keywords
from tether_jupyter.llm.local.constraint.clauses import (
    ANYTHING,
    TYPES,
    Clause,
    Contained,
    Entries,
    Items,
    Layer,
    Node,
    Text,
)
from tether_jupyter.llm.local.constraint.numbers import Number

if TYPE_CHECKING:
    from tether_jupyter.llm.local.constraint.reading import Reader


def opposite(reader: Reader, schema: dict[str, Any]) -> list[Clause]:
    """Return alternatives that a part does not take: all of those that can be said."""
    reader.plain(schema)  # What is not well-formed is refused here too.
    return [
        *plain(schema),
        *arrays(reader, schema),
        *objects(reader, schema),
        *(clause for found in choices(reader, schema) for clause in found),
    ]


def plain(schema: dict[str, Any]) -> Iterator[Clause]:
    """Yield what breaks the keywords for single values."""
    if "type" in schema:
        types, whole = keywords.types_of(schema)
        if TYPES - types:
            yield Clause(TYPES - types)
        if whole:
            yield numeric(Number(fraction=True))
    values = keywords.values_of(schema)
    if values is not None:
        yield Clause(excluded=values)
    for word in keywords.NUMBERS:
        if word in schema:
            bound = (schema[word], not word.startswith("ex"))
            yield numeric(Number(most=bound) if "inimum" in word else Number(least=bound))
    if "multipleOf" in schema:
        yield numeric(Number(whole=True, apart=(schema["multipleOf"],)))
        if float(schema["multipleOf"]).is_integer():
            yield numeric(Number(fraction=True))
    text = keywords.text_of(schema)
    if text.least:
        yield textual(Text(most=text.least - 1))
    if text.most is not None:
        yield textual(Text(least=text.most + 1))
    if text.patterns:
        yield textual(Text(patterns=((schema["pattern"], False),)))


def arrays(reader: Reader, schema: dict[str, Any]) -> Iterator[Clause]:
    """Yield what breaks the keywords for arrays."""
    items = reader.items(schema)
    if items.least:
        yield listed(Items(most=items.least - 1))
    if items.most is not None:
        yield listed(Items(least=items.most + 1))
    first = keywords.schemas(schema, "prefixItems")
    for index, part in enumerate(first):
        before = (ANYTHING,) * index
        yield listed(Items((((*before, reader.node(part, False)), ANYTHING),), least=index + 1))
    if "items" in schema and not first:
        part = schema["items"]
        yield listed(Items(contained=(Contained(reader.node(part, False), reader.node(part), 1, None),)))
    for each in items.contained:
        if each.least == 1 and each.most is None:
            yield listed(Items((((), each.others),)))
            continue
        if each.least:
            yield listed(Items(contained=(Contained(each.item, each.others, 0, each.least - 1),)))
        if each.most is not None:
            yield listed(Items(contained=(Contained(each.item, each.others, each.most + 1, None),)))


def objects(reader: Reader, schema: dict[str, Any]) -> Iterator[Clause]:
    """Yield what breaks the keywords for objects."""
    entries = reader.entries(schema)
    for name in entries.required:
        yield entered(Entries((Layer(((name, reader.node(False)),), evaluates=False),)))
    for name, part in keywords.named(schema, "properties"):
        yield holding(name, reader.node(part, False))
    if entries.least:
        yield entered(Entries(most=entries.least - 1))
    if entries.most is not None:
        yield entered(Entries(least=entries.most + 1))
    for name, needed in keywords.named(schema, "dependentRequired"):
        for other in keywords.texts(needed, "dependentRequired"):
            yield entered(
                Entries((Layer(((other, reader.node(False)),), evaluates=False),), required=(name,))
            )


def choices(reader: Reader, schema: dict[str, Any]) -> Iterator[list[Clause]]:
    """Yield what breaks references and choices."""
    if "$ref" in schema:
        yield reader.clauses(turned(reader, reader.reference(schema["$ref"])))
    for part in keywords.schemas(schema, "allOf"):
        yield reader.of(part, False)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            parts = keywords.schemas(schema, word)
            yield reader.product(*(reader.of(part, False) for part in parts))
    parts = keywords.schemas(schema, "oneOf")
    for index, part in enumerate(parts):
        for other in parts[:index]:
            yield reader.product(reader.of(part), reader.of(other))
    if "not" in schema:
        yield reader.of(schema["not"])
    if "if" in schema:
        if "then" in schema:
            yield reader.product(reader.of(schema["if"]), reader.of(schema["then"], False))
        if "else" in schema:
            yield reader.product(reader.of(schema["if"], False), reader.of(schema["else"], False))
    for name, part in keywords.named(schema, "dependentSchemas"):
        yield reader.product([reader.present([name])], reader.of(part, False))


def turned(reader: Reader, node: Node) -> Node:
    """Return the opposite of a node of one part."""
    if node == ANYTHING:
        return reader.node(False)
    return frozenset((number, not positive) for number, positive in node)


def numeric(number: Number) -> Clause:
    return Clause(frozenset({"number"}), number=number)


def textual(text: Text) -> Clause:
    return Clause(frozenset({"string"}), text=text)


def listed(items: Items) -> Clause:
    return Clause(frozenset({"array"}), items=items)


def entered(entries: Entries) -> Clause:
    return Clause(frozenset({"object"}), entries=entries)


def holding(name: str, node: Node) -> Clause:
    return entered(Entries((Layer(((name, node),), evaluates=False),), required=(name,)))
