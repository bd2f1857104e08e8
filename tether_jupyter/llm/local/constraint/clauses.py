"""What a value may be, as alternatives of plain conditions: what a schema comes to once it is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from tether_jupyter.llm.local.constraint import formats, patterns
from tether_jupyter.llm.local.constraint.numbers import Number

Node = frozenset[tuple[int, bool]]
"""Parts of the schema that a value must all satisfy, by number: each as it stands, or its opposite."""
ANYTHING: Node = frozenset()
TYPES = frozenset({"null", "boolean", "number", "string", "array", "object"})


@dataclass(frozen=True)
class Text:
    """What a text must be: its length, patterns that it has or has not, and formats."""

    least: int = 0
    most: int | None = None
    patterns: tuple[tuple[str, bool], ...] = ()
    formats: tuple[str, ...] = ()

    def both(self, other: Text) -> Text | None:
        """Return what is both; `None` where nothing is."""
        ends = [most for most in (self.most, other.most) if most is not None]
        found = Text(
            max(self.least, other.least),
            min(ends, default=None),
            tuple(dict.fromkeys(self.patterns + other.patterns)),
            tuple(dict.fromkeys(self.formats + other.formats)),
        )
        if found.most is not None and found.most < found.least:
            return None
        return found

    def admits(self, value: str) -> bool:
        """Return whether a text is one."""
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            return False
        if any(patterns.finds(pattern, value) is not wanted for pattern, wanted in self.patterns):
            return False
        return all(patterns.finds(formats.whole(name), value) for name in self.formats)


@dataclass(frozen=True)
class Contained:
    """How many items of an array must be of a kind; `others` is what an item is that is not of it."""

    item: Node
    others: Node
    least: int
    most: int | None


@dataclass(frozen=True)
class Items:
    """What the items of an array must be: some schemas at once, each with its first items and its others."""

    layers: tuple[tuple[tuple[Node, ...], Node], ...] = ()
    least: int = 0
    most: int | None = None
    contained: tuple[Contained, ...] = ()
    unique: bool = False

    def both(self, other: Items) -> Items | None:
        """Return what is both; `None` where nothing is."""
        ends = [most for most in (self.most, other.most) if most is not None]
        found = Items(
            tuple(dict.fromkeys(self.layers + other.layers)),
            max(self.least, other.least),
            min(ends, default=None),
            tuple(dict.fromkeys(self.contained + other.contained)),
            self.unique or other.unique,
        )
        return None if found.most is not None and found.most < found.least else found

    def item(self, index: int) -> Node:
        """Return what the item at a place must be."""
        parts = (first[index] if index < len(first) else rest for first, rest in self.layers)
        return frozenset().union(*parts)

    @property
    def first(self) -> int:
        """How many items have places of their own."""
        return max((len(first) for first, _ in self.layers), default=0)


@dataclass(frozen=True)
class Layer:
    """What one schema says of an object's values.

    For `unevaluatedProperties` it matters which names it looks at: those that it names, `all`, or none where
    it does not `evaluate`.
    """

    named: tuple[tuple[str, Node], ...] = ()
    patterns: tuple[tuple[str, Node], ...] = ()
    others: Node = ANYTHING
    all: bool = False
    evaluates: bool = True

    def value(self, name: str) -> Node:
        """Return what the value under a name must be."""
        found = [node for known, node in self.named if known == name]
        for pattern, node in self.patterns:
            fits = patterns.finds(pattern, name)
            if fits is None:
                raise patterns.refusal(f"cannot be compared with the name {name[:80]!r}")
            found += [node] * fits
        return frozenset().union(*found) if found else self.others


@dataclass(frozen=True)
class Entries:
    """What the entries of an object must be: some schemas at once. `names` is what every name must be."""

    layers: tuple[Layer, ...] = ()
    required: tuple[str, ...] = ()
    least: int = 0
    most: int | None = None
    names: Node = ANYTHING

    def both(self, other: Entries) -> Entries | None:
        """Return what is both; `None` where nothing is."""
        ends = [most for most in (self.most, other.most) if most is not None]
        found = Entries(
            tuple(dict.fromkeys(self.layers + other.layers)),
            tuple(dict.fromkeys(self.required + other.required)),
            max(self.least, other.least),
            min(ends, default=None),
            self.names | other.names,
        )
        if found.most is not None and found.most < max(found.least, len(found.required)):
            return None
        return found

    def value(self, name: str) -> Node:
        """Return what the value under a name must be."""
        return frozenset().union(*(layer.value(name) for layer in self.layers))

    def rest(self, node: Node) -> Entries:
        """Return the same entries, where those that no schema looks at are of a node."""
        looking = [layer for layer in self.layers if layer.evaluates]
        if any(layer.all for layer in looking):
            return self
        named = {name: ANYTHING for layer in looking for name, _ in layer.named}
        patterns = {pattern: ANYTHING for layer in looking for pattern, _ in layer.patterns}
        added = Layer(tuple(named.items()), tuple(patterns.items()), node, all=True)
        return replace(self, layers=(*self.layers, added))

    def named(self) -> list[str]:
        """Return the names that the schemas mention, in their order."""
        names = (name for layer in self.layers for name, _ in layer.named)
        return list(dict.fromkeys([*names, *self.required]))


ANY_NUMBER = Number()


@dataclass(frozen=True)
class Clause:
    """One alternative: a type out of some, and for each of them its conditions.

    `values` are the only ones that there are, `None` for no such list; `excluded` are ones that it is not.
    """

    types: frozenset[str] = TYPES
    number: Number = ANY_NUMBER
    text: Text = Text()
    items: Items = Items()
    entries: Entries = Entries()
    values: tuple[Any, ...] | None = None
    excluded: tuple[Any, ...] = ()

    def both(self, other: Clause) -> Clause | None:
        """Return what is both; `None` where nothing is."""
        types = self.types & other.types
        if not types:
            return None
        parts: dict[str, Any] = {}
        for type, name in CONDITIONS.items():
            mine, theirs = getattr(self, name), getattr(other, name)
            both = theirs if mine is FREE[name] else mine if theirs is FREE[name] else mine.both(theirs)
            if both is None:
                types -= {type}
            parts[name] = mine if both is None else both
        values = self.values
        if values is None:
            values = other.values
        elif other.values is not None:
            known = set(map(key, other.values))
            values = tuple(value for value in values if key(value) in known)
        if values is not None:
            unwanted = set(map(key, self.excluded + other.excluded))
            values = tuple(each for each in values if kind(each) in types and key(each) not in unwanted)
            types = types & set(map(kind, values))
        if not types:
            return None
        return Clause(
            types, **parts, values=values, excluded=() if values else self.excluded + other.excluded
        )


CONDITIONS = {"number": "number", "string": "text", "array": "items", "object": "entries"}
FREE = {name: getattr(Clause(), name) for name in CONDITIONS.values()}
"""The conditions that say nothing."""


def kind(value: Any) -> str:
    """Return the type of a JSON value."""
    if value is None:
        return "null"
    for types, name in ((bool, "boolean"), ((int, float), "number"), (str, "string"), (list, "array")):
        if isinstance(value, types):
            return name
    return "object"


def key(value: Any) -> Any:
    """Return something that is equal for equal JSON values: `1` and `1.0` are, `1` and `true` are not."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, (int, float)):
        return ("number", Fraction(value))
    if isinstance(value, str):
        return ("string", value)
    if isinstance(value, list):
        return ("array", tuple(map(key, value)))
    return ("object", frozenset((name, key(part)) for name, part in value.items()))
