"""From a JSON Schema to clauses: every keyword is kept, said by others, or refused by name.

A part may be asked for as it stands or turned into its opposite. The opposite leaves out what has no clause,
so it may take less than all that the part refuses, but never what the part takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, cast
from urllib.parse import unquote

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.constraint.clauses import (
    ANYTHING,
    FREE,
    Clause,
    Contained,
    Entries,
    Items,
    Layer,
    Node,
    key,
    kind,
)
from tether_jupyter.llm.local.constraint.keywords import (
    ARRAYS,
    CHOICES,
    OBJECTS,
    check_words,
    count,
    named,
    number_of,
    refused,
    schemas,
    text_of,
    texts,
    too_large,
    types_of,
    values_of,
)
from tether_jupyter.llm.local.constraint.opposites import opposite

Clauses = list[Clause]
MAX_DEPTH = 60
MAX_CLAUSES = 300
MAX_LEFT = 16
MAX_WORK = 10_000
MAX_PARTS = 5000
MAX_SIZE = 120_000
MAX_BOUND = 10**40


class LeadsBack(InvalidRequest):
    """A part is needed to say what it is itself."""


def check_size(schema: Any) -> None:
    """Refuse what is too deep or too long to be read, and what is no JSON."""
    size, todo = 0, [(schema, 0)]
    while todo:
        value, depth = todo.pop()
        size += 8 + (len(value) if isinstance(value, str) else 0)
        if depth > MAX_DEPTH or size > MAX_SIZE:
            raise too_large()
        if isinstance(value, dict):
            todo += [(part, depth + 1) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            todo += [(part, depth + 1) for part in value]
        elif isinstance(value, str):
            if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
                raise InvalidRequest("A text in `response_format` holds half of a character.")
        elif isinstance(value, (int, float)):
            if not -MAX_BOUND <= value <= MAX_BOUND:
                raise InvalidRequest("A number in `response_format` is too large.")
        elif value is not None:
            raise InvalidRequest("`response_format` is no JSON.")


class Reader:
    """One schema that is being read.

    Parameters
    ----------
    schema:
        A JSON Schema of draft 2020-12: an object, `True` or `False`.

    Raises
    ------
    InvalidRequest
        It holds what cannot be kept, in any method; the message names the keyword.
    """

    def __init__(self, schema: Any) -> None:
        check_size(schema)
        self.schema = schema
        self.parts: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.known: dict[tuple[int, bool], Clauses] = {}
        self.under_way: set[tuple[int, bool]] = set()
        self.whole: dict[Node, Clauses] = {}
        self.work = 0

    def node(self, schema: Any, positive: bool = True) -> Node:
        """Return the node for a part of the schema, or for its opposite."""
        if schema is True or schema == {}:
            return ANYTHING if positive else self.node(False)
        if not isinstance(schema, dict) and schema is not False:
            raise InvalidRequest("A part of the schema in `response_format` is no schema.")
        number = self.numbers.get(id(schema))
        if number is None:
            number = self.numbers[id(schema)] = len(self.parts)
            self.parts.append(schema)
            if number > MAX_PARTS:
                raise too_large()
        return frozenset({(number, positive)})

    def clauses(self, node: Node) -> Clauses:
        """Return the alternatives for a node; none where nothing satisfies it."""
        if node not in self.whole:
            self.whole[node] = self.product(*(self.part(*each) for each in sorted(node)))
        return self.whole[node]

    def of(self, schema: Any, positive: bool = True) -> Clauses:
        """Return the alternatives for a part of the schema, or for its opposite."""
        return self.clauses(self.node(schema, positive))

    def part(self, number: int, positive: bool) -> Clauses:
        """Return the alternatives for one part by its number."""
        name = (number, positive)
        if name not in self.known:
            if name in self.under_way:
                raise LeadsBack("A choice in `response_format` leads back to itself.")
            if len(self.under_way) > MAX_DEPTH:
                raise too_large()
            self.under_way.add(name)
            try:
                schema = self.parts[number]
                if schema is False:
                    self.known[name] = [] if positive else [Clause()]
                else:
                    check_words(schema)
                    if "$id" in schema and schema is not self.schema:
                        raise refused("$id", "only the whole schema may have one")
                    self.known[name] = self.positive(schema) if positive else opposite(self, schema)
            finally:
                self.under_way.discard(name)
        return self.known[name]

    def product(self, *sides: Clauses) -> Clauses:
        """Return the alternatives of values that satisfy one clause of each side."""
        found = [Clause()]
        for side in sides:
            self.spend(1 + len(found) * len(side))
            pairs = (one.both(other) for one in found for other in side)
            found = [each for each in pairs if each is not None]
            if len(found) > MAX_CLAUSES:
                raise InvalidRequest("The schema in `response_format` has too many choices. Make it simpler.")
        return found

    def spend(self, amount: int = 1) -> None:
        """Count steps, and refuse a schema that takes too many."""
        self.work += amount
        if self.work > MAX_WORK:
            raise InvalidRequest("The schema in `response_format` has too many choices. Make it simpler.")

    def positive(self, schema: dict[str, Any]) -> Clauses:
        """Return the alternatives for a part as it stands."""
        base = self.plain(schema)
        sides: list[Clauses] = [[base]] if base.types else [[]]
        if "$ref" in schema:
            sides.append(self.clauses(self.reference(schema["$ref"])))
        sides += [self.of(part) for part in schemas(schema, "allOf")]
        if "anyOf" in schema:
            sides.append([clause for part in schemas(schema, "anyOf") for clause in self.of(part)])
        if "oneOf" in schema:
            sides.append(self.one_of(schemas(schema, "oneOf")))
        if "not" in schema:
            sides.append(self.of(schema["not"], False))
        if "if" in schema and ("then" in schema or "else" in schema):
            then = self.product(self.of(schema["if"]), self.of(schema.get("then", True)))
            sides.append(then + self.product(self.of(schema["if"], False), self.of(schema.get("else", True))))
        for name, needed in named(schema, "dependentRequired"):
            sides.append([self.absent(name), self.present([name, *texts(needed, "dependentRequired")])])
        for name, part in named(schema, "dependentSchemas"):
            sides.append([self.absent(name), *self.product([self.present([name])], self.of(part))])
        found = self.product(*sides)
        if "unevaluatedProperties" in schema:
            node = self.node(schema["unevaluatedProperties"])
            found = [replace(clause, entries=clause.entries.rest(node)) for clause in found]
        return found

    def one_of(self, parts: list[Any]) -> Clauses:
        """Return the alternatives of values that satisfy exactly one part."""
        nodes = [self.node(part) for part in parts]
        tags = [self.tags(node) for node in nodes]
        found: Clauses = []
        for index, node in enumerate(nodes):
            mine = self.clauses(node)
            for other, schema in enumerate(parts):
                if other == index or told_apart(tags[index], tags[other]):
                    continue
                if any(map(self.possible, self.product(mine, self.clauses(nodes[other])))):
                    left = self.product(mine, self.of(schema, False))
                    mine = [clause for clause in left if self.possible(clause)][:MAX_LEFT]
            found += mine
        if nodes and not found:
            raise refused("oneOf", "its parts take the same values. Try `anyOf`")
        return found

    def tags(self, node: Node) -> dict[str, set[Any]] | None:
        """Return the constants that objects of a node must have under names; `None` for other values."""
        known = self.clauses(node)
        if len(known) != 1 or known[0].types != {"object"}:
            return None
        found = {}
        for name in known[0].entries.required:
            try:
                listed = [clause.values for clause in self.clauses(known[0].entries.value(name))]
            except LeadsBack:
                continue
            if listed and all(values is not None for values in listed):
                found[name] = {key(value) for values in listed for value in values or ()}
        return found

    def possible(self, clause: Clause, depth: int = 3) -> bool:
        """Return whether there may be values for a clause: `True` unless it is plain that there are none."""
        if clause.types - {"object", "array"} or depth == 0:
            return True
        needed: list[Node] = []
        if "object" in clause.types:
            needed = [clause.entries.value(name) for name in clause.entries.required]
        elif clause.items.least:
            needed = [clause.items.item(index) for index in range(clause.items.first)][: clause.items.least]
        if clause.types == {"object", "array"}:
            return True
        try:
            return all(any(self.possible(each, depth - 1) for each in self.clauses(node)) for node in needed)
        except LeadsBack:
            return True

    def absent(self, name: str) -> Clause:
        """Return the condition that an object has no entry of a name."""
        return Clause(entries=Entries(layers=(Layer(((name, self.node(False)),), evaluates=False),)))

    def present(self, names: Iterable[str]) -> Clause:
        """Return the condition that a value is an object with entries of some names."""
        return Clause(types=frozenset({"object"}), entries=Entries(required=tuple(names)))

    def plain(self, schema: dict[str, Any]) -> Clause:
        """Return the conditions that stand in a part itself, its references and choices aside."""
        types, whole = types_of(schema)
        number, text = number_of(schema, whole), text_of(schema)
        items, entries = self.items(schema), self.entries(schema)
        if text.most is not None and text.most < text.least:
            types -= {"string"}
        if items.most is not None and items.most < items.least:
            types -= {"array"}
        if entries.most is not None and entries.most < max(entries.least, len(entries.required)):
            types -= {"object"}
        values = values_of(schema)
        if values is not None:
            values = tuple(value for value in values if kind(value) in types)
            types &= frozenset(map(kind, values))
        return Clause(types, number, text, items, entries, values)

    def items(self, schema: dict[str, Any]) -> Items:
        """Return what a part says of arrays."""
        if not any(word in schema for word in ARRAYS):
            return cast(Items, FREE["items"])
        if isinstance(schema.get("items"), list):
            raise refused("items", "it is a list. Say `prefixItems`")
        first = tuple(self.node(part) for part in schemas(schema, "prefixItems"))
        others = schema.get("items", self.unevaluated_items(schema))
        contained: tuple[Contained, ...] = ()
        least, most = count(schema, "minContains", 1), count(schema, "maxContains", None)
        if "contains" in schema and (least or most is not None):
            part = schema["contains"]
            contained = (Contained(self.node(part), self.node(part, False), least or 0, most),)
        unique = schema.get("uniqueItems", False)
        if not isinstance(unique, bool):
            raise refused("uniqueItems", "it must be true or false")
        layers = ((first, self.node(others)),) if first or others is not True else ()
        least, most = count(schema, "minItems", 0), count(schema, "maxItems", None)
        return Items(layers, least or 0, most, contained, unique)

    def entries(self, schema: dict[str, Any]) -> Entries:
        """Return what a part says of objects."""
        if not any(word in schema for word in OBJECTS):
            return cast(Entries, FREE["entries"])
        layers: tuple[Layer, ...] = ()
        if any(word in schema for word in ("properties", "patternProperties", "additionalProperties")):
            properties = tuple((name, self.node(part)) for name, part in named(schema, "properties"))
            found = tuple((pattern, self.node(part)) for pattern, part in named(schema, "patternProperties"))
            others = self.node(schema.get("additionalProperties", True))
            layers = (Layer(properties, found, others, all="additionalProperties" in schema),)
        return Entries(
            layers,
            tuple(dict.fromkeys(texts(schema.get("required", []), "required"))),
            count(schema, "minProperties", 0) or 0,
            count(schema, "maxProperties", None),
            self.node(schema.get("propertyNames", True)),
        )

    def unevaluated_items(self, schema: dict[str, Any]) -> Any:
        """Return what a part says of the items that it does not mention."""
        if "unevaluatedItems" in schema and (
            beside := [word for word in (*CHOICES, "contains") if word in schema]
        ):
            raise refused("unevaluatedItems", f"it stands beside `{beside[0]}`")
        return schema.get("unevaluatedItems", True)

    def reference(self, target: Any) -> Node:
        """Return the node that a `$ref` leads to."""
        if not isinstance(target, str):
            raise refused("$ref", "it must be a text")
        base = self.schema.get("$id") if isinstance(self.schema, dict) else None
        path = target.removeprefix(base.rstrip("#")) if isinstance(base, str) else target
        if path not in ("", "#") and not path.startswith("#/"):
            found = [part for part in self.anchored(self.schema) if path == f"#{part['$anchor']}"]
            if not found:
                raise refused("$ref", f"{target[:80]!r} does not point into the schema itself")
            return self.node(found[0])
        place: Any = self.schema
        for step in unquote(path).lstrip("#").split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(place, list) and step.isdecimal() and int(step) < len(place):
                place = place[int(step)]
            elif isinstance(place, dict) and step in place:
                place = place[step]
            else:
                raise refused("$ref", f"{target[:80]!r} leads nowhere")
        return self.node(place)

    def anchored(self, value: Any) -> Iterable[dict[str, Any]]:
        """Yield the parts of the schema that have an anchor."""
        if isinstance(value, dict):
            if isinstance(value.get("$anchor"), str):
                yield value
            value = list(value.values())
        for part in value if isinstance(value, list) else ():
            yield from self.anchored(part)


def told_apart(one: dict[str, set[Any]] | None, other: dict[str, set[Any]] | None) -> bool:
    """Return whether a constant tells the objects of two nodes apart."""
    if not one or not other:
        return False
    return any(one[name].isdisjoint(other[name]) for name in one.keys() & other.keys())
