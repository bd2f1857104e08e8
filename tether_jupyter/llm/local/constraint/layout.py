"""The shapes of all parts of a schema, and which of them have values at all."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.constraint import keywords, numbers, scalars
from tether_jupyter.llm.local.constraint.clauses import Clause, Entries, Items, Node, Text, key, kind
from tether_jupyter.llm.local.constraint.reading import Reader
from tether_jupyter.llm.local.constraint.shapes import MAX_VALUE, Mapping, Scalar, Sequence, Shape

MAX_NODES = 2000
MAX_PATTERNS = 3
MAX_NAMES = 500


class Layout:
    """The shapes of a schema and of all that it leads to.

    Raises
    ------
    InvalidRequest
        The schema holds what cannot be kept, or nothing satisfies it.
    """

    def __init__(self, schema: Any) -> None:
        self.reader = Reader(schema)
        self.root = self.reader.node(schema)
        self.known: dict[Node, list[Shape]] = {}
        self.order: dict[Node, int] = {}
        self.ready: dict[Node, list[Shape]] = {}
        todo = [self.root]
        while todo:
            node = todo.pop()
            if node in self.known:
                continue
            if len(self.known) >= MAX_NODES:
                raise keywords.too_large()
            self.order[node] = len(self.order)
            found = [shape for clause in self.reader.clauses(node) for shape in self.shapes(clause)]
            self.known[node] = found
            children = [child for shape in found if not isinstance(shape, Scalar) for child in shape.nodes()]
            todo += reversed([child for child in dict.fromkeys(children) if child not in self.known])
        self.good = self.with_values()
        if self.root not in self.good:
            raise InvalidRequest(
                "No value satisfies the schema in `response_format`: parts of it contradict each other, "
                "or it leads back to itself without an end."
            )

    def with_values(self) -> set[Node]:
        """Return the nodes that have values of finite length, and refuse where even the shortest is long."""
        sizes: dict[Node, int] = {}
        users: dict[Node, list[Node]] = {}
        for node, shapes in self.known.items():
            for shape in shapes:
                for child in () if isinstance(shape, Scalar) else shape.nodes():
                    users.setdefault(child, []).append(node)
        todo = list(self.known)
        while todo:
            self.reader.spend()
            node = todo.pop()
            found = [shape.size(sizes) for shape in self.known[node]]
            size = min((each for each in found if each is not None), default=None)
            if size is not None and size < sizes.get(node, MAX_VALUE + 2):
                sizes[node] = size
                todo += users.get(node, [])
        if sizes.get(self.root, 0) > MAX_VALUE:
            raise keywords.too_large()
        return set(sizes)

    def usable(self, node: Node) -> list[Shape]:
        """Return the shapes of a node that have values."""
        if node not in self.ready:
            self.ready[node] = [each for each in self.known[node] if each.possible(self.good)]
        return self.ready[node]

    def different(self, shape: Sequence) -> int:
        """Return how many different items there are at least for an array whose items must differ."""
        if not shape.items.unique:
            return keywords.MAX_COUNT
        found = self.usable(shape.items.item(0)) if shape.items.item(0) in self.good else []
        return max((each.many for each in found if isinstance(each, Scalar)), default=0)

    def literals(self) -> Iterator[str]:
        """Yield names and values that stand in the schema itself, as answers spell them."""
        for node in self.good:
            for shape in self.usable(node):
                if isinstance(shape, Scalar):
                    yield from shape.literals
                elif isinstance(shape, Mapping):
                    yield from (json.dumps(name, ensure_ascii=False) for name, _, _ in shape.named)

    def endings(self) -> Iterator[str]:
        """Yield endings by which texts may come to what their patterns ask for."""
        for node in self.good:
            for shape in self.usable(node):
                if isinstance(shape, Scalar):
                    yield from shape.endings

    def contained(self) -> Iterator[Node]:
        """Yield the nodes of items that arrays must contain."""
        for node in self.good:
            for shape in self.usable(node):
                if isinstance(shape, Sequence) and shape.contained is not None:
                    kinds = [
                        shape.items.item(index) | shape.contained.item
                        for index in range(shape.items.first + 1)
                    ]
                    yield from (kind for kind in dict.fromkeys(kinds) if kind in self.good)

    def shapes(self, clause: Clause) -> Iterator[Shape]:
        """Yield what the values of a clause may look like."""
        self.reader.spend(2)
        if clause.values is not None:
            values = [value for value in clause.values if self.admits(clause, value)]
            if values:
                terminal = scalars.literals(values)
                simple = not any(isinstance(value, (list, dict)) for value in values)
                plain = (terminal,) if simple else ()
                yield Scalar(
                    (terminal,), plain, len(set(map(key, values))), tuple(map(scalars.spelled, values))
                )
            return
        unwanted = set(map(key, clause.excluded))
        constants = [value for value in (None, False, True) if key(value) not in unwanted]
        constants = [value for value in constants if ("null" if value is None else "boolean") in clause.types]
        if constants:
            terminal = scalars.literals(constants)
            yield Scalar((terminal,), (terminal,), len(constants))
        if "number" in clause.types:
            yield from self.number(clause)
        if "string" in clause.types:
            excluded = [value for value in clause.excluded if isinstance(value, str)]
            terminal = scalars.text(clause.text, tuple(excluded))
            if terminal:
                many, endings = scalars.how_many(clause.text), tuple(scalars.endings(clause.text))
                yield Scalar((terminal,), (terminal,), many, endings=endings)
        if "array" in clause.types and not any(isinstance(value, list) for value in clause.excluded):
            yield from self.sequence(clause.items)
        if "object" in clause.types and not any(isinstance(value, dict) for value in clause.excluded):
            yield from self.mapping(clause.entries)

    def number(self, clause: Clause) -> Iterator[Scalar]:
        """Yield the numbers of a clause."""
        unwanted = [
            each for each in clause.excluded if isinstance(each, (int, float)) and not isinstance(each, bool)
        ]
        wanted = clause.number.both(numbers.Number(excluded=tuple(unwanted)))
        forms = scalars.number(wanted) if wanted else []
        if wanted and forms:
            listed = numbers.multiples(wanted, scalars.MANY)
            plain = scalars.number(wanted, canonical=True)
            yield Scalar(tuple(forms), tuple(plain), scalars.MANY if listed is None else len(listed))

    def sequence(self, items: Items) -> Iterator[Sequence]:
        """Yield the arrays of a clause."""
        if items.unique and (items.first or items.contained):
            raise keywords.refused("uniqueItems", "it stands beside `prefixItems` or `contains`")
        if len(items.contained) > 1:
            raise keywords.refused("contains", "an array has it more than once")
        found = Sequence(items)
        if items.unique and items.most != 0:
            item = items.item(0)
            shapes = [shape for clause in self.reader.clauses(item) for shape in self.shapes(clause)]
            if items.most == 1:
                yield Sequence(Items(items.layers, items.least, 1))
                return
            if any(not isinstance(shape, Scalar) or not shape.plain for shape in shapes):
                raise keywords.refused("uniqueItems", "the items are no plain texts, numbers or constants")
            if max((shape.many for shape in shapes if isinstance(shape, Scalar)), default=0) < items.least:
                raise keywords.refused(
                    "minItems", "beside `uniqueItems` there may be too few different items"
                )
        yield found

    def mapping(self, entries: Entries) -> Iterator[Mapping]:
        """Yield the objects of a clause."""
        layers = entries.layers
        mentioned = list(dict.fromkeys(pattern for layer in layers for pattern, _ in layer.patterns))
        if len(mentioned) > MAX_PATTERNS:
            raise keywords.refused("patternProperties", f"it may have at most {MAX_PATTERNS} patterns")
        names = [clause for clause in self.reader.clauses(entries.names) if "string" in clause.types]
        listed = [value for clause in names for value in clause.values or () if self.admits(clause, value)]
        known = list(dict.fromkeys([*entries.named(), *listed]))
        if len(known) > MAX_NAMES:
            raise keywords.refused("properties", f"there may be at most {MAX_NAMES}")
        if entries.names:
            known = [name for name in known if any(self.admits(clause, name) for clause in names)]
        if any(name not in known for name in entries.required):
            return
        named = tuple((name, entries.value(name), name in entries.required) for name in known)
        extras: list[tuple[str, Node, bool]] = []
        different = 0
        for clause in names:
            if clause.values is not None:
                continue
            unwanted = [
                *entries.named(),
                *known,
                *(value for value in clause.excluded if isinstance(value, str)),
            ]
            for signs in itertools.product((True, False), repeat=len(mentioned)):
                found = clause.text.both(Text(patterns=self.distinct(mentioned, signs)))
                node: Node = frozenset()
                for layer in layers:
                    own = [each for pattern, each in layer.patterns if signs[mentioned.index(pattern)]]
                    node |= frozenset().union(*own) if own else layer.others
                if found is None or not self.reader.clauses(node):
                    continue
                if terminal := scalars.text(found, tuple(dict.fromkeys(unwanted))):
                    extras.append((terminal, node, scalars.endless(found)))
                    different = max(different, scalars.how_many(found) - len(unwanted))
        most = None if entries.most is None else min(entries.most, keywords.MAX_COUNT)
        free = not extras or any(endless for _, _, endless in extras)
        if not free and entries.least > len(named) + max(1, different):
            raise keywords.refused("minProperties", "there may be too few different names")
        yield Mapping(named, tuple(extras), entries.least, most, keywords.MAX_COUNT if free else different)

    def distinct(self, mentioned: list[str], signs: tuple[bool, ...]) -> tuple[tuple[str, bool], ...]:
        """Return patterns that a name has or has not, without those that the others rule out anyway."""
        has = [pattern for pattern, sign in zip(mentioned, signs, strict=True) if sign]
        found = [(pattern, True) for pattern in has]
        for pattern, sign in zip(mentioned, signs, strict=True):
            if not sign and not scalars.apart(has, pattern):
                found.append((pattern, False))
        return tuple(found)

    def admits(self, clause: Clause, value: Any) -> bool:
        """Return whether a value satisfies a clause."""
        if isinstance(value, str):
            return (
                "string" in clause.types and clause.text.admits(value) and not self.is_excluded(clause, value)
            )
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return clause.number.admits(value)
        if isinstance(value, list):
            return self.admits_items(clause.items, value)
        if isinstance(value, dict):
            return self.admits_entries(clause.entries, value)
        return True

    def is_excluded(self, clause: Clause, value: Any) -> bool:
        return key(value) in set(map(key, clause.excluded))

    def satisfies(self, node: Node, value: Any) -> bool:
        """Return whether a value satisfies a node."""
        self.reader.spend()
        found = (clause for clause in self.reader.clauses(node) if kind(value) in clause.types)
        return any(self.allowed(clause, value) and self.admits(clause, value) for clause in found)

    def allowed(self, clause: Clause, value: Any) -> bool:
        """Return whether a clause's own lists leave a value."""
        listed = clause.values is None or key(value) in set(map(key, clause.values))
        return listed and not self.is_excluded(clause, value)

    def admits_items(self, items: Items, value: list[Any]) -> bool:
        """Return whether an array satisfies its conditions."""
        if len(value) < items.least or (items.most is not None and len(value) > items.most):
            return False
        if items.unique and len(set(map(key, value))) < len(value):
            return False
        for each in items.contained:
            matched = sum(self.satisfies(each.item, part) for part in value)
            others = sum(self.satisfies(each.others, part) for part in value)
            if matched < each.least or (each.most is not None and len(value) - others > each.most):
                return False
        return all(
            self.satisfies(items.item(min(index, items.first)), part) for index, part in enumerate(value)
        )

    def admits_entries(self, entries: Entries, value: dict[str, Any]) -> bool:
        """Return whether an object satisfies its conditions."""
        if len(value) < entries.least or (entries.most is not None and len(value) > entries.most):
            return False
        if any(name not in value for name in entries.required):
            return False
        return all(
            self.satisfies(entries.names, name) and self.satisfies(entries.value(name), part)
            for name, part in value.items()
        )
