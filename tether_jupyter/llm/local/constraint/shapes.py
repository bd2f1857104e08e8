"""What a value may look like: a text, number or constant, an array, or an object."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace

from tether_jupyter.llm.local.constraint import keywords
from tether_jupyter.llm.local.constraint.clauses import Contained, Items, Node

MAX_STATES = 4000
MAX_VALUE = 5000
"""Constants, texts, names and brackets that the shortest value of a schema may have."""


@dataclass(frozen=True)
class Scalar:
    """Values without parts.

    `forms` are what a rule may be for them, `plain` those in which each value has one spelling, and `many`
    how many there are at least. `literals` are the values where they are listed, `endings` what may complete
    a text.
    """

    forms: tuple[str, ...]
    plain: tuple[str, ...]
    many: int
    literals: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()

    def size(self, sizes: dict[Node, int]) -> int | None:
        """Return how many parts the shortest one has; `None` where none is known."""
        return 1

    def possible(self, good: Container[Node]) -> bool:
        """Return whether there is such a value, as far as the nodes with values are known."""
        return True


@dataclass(frozen=True)
class Sequence:
    """An array: what may come at each place."""

    items: Items

    def kinds(self, index: int, matched: int) -> Iterator[tuple[Node, int]]:
        """Yield what may stand at a place, with how many items of the wanted kind there are after it."""
        item = self.items.item(min(index, self.items.first))
        for each in self.items.contained[:1]:
            if each.most is None:
                if matched < each.least:
                    yield item | each.item, matched + 1
                yield item, matched
            else:
                if matched < each.most:
                    yield item | each.item, matched + 1
                yield item | each.others, matched
            return
        yield item, 0

    @property
    def contained(self) -> Contained | None:
        return self.items.contained[0] if self.items.contained else None

    @property
    def most(self) -> int | None:
        return None if self.items.most is None else min(self.items.most, keywords.MAX_COUNT)

    @property
    def last(self) -> int:
        """The place from which on all are alike."""
        return max(self.items.first, self.items.least, 1) if self.most is None else self.most

    def accepts(self, index: int, matched: int) -> bool:
        """Return whether the array may end with so many items."""
        return index >= self.items.least and (self.contained is None or matched >= self.contained.least)

    def after(self, index: int) -> int | None:
        """Return the place after one; `None` where there is none."""
        if self.most is None:
            return min(index + 1, self.last)
        return index + 1 if index < self.most else None

    def nodes(self) -> Iterator[Node]:
        """Yield all nodes of items."""
        if self.most == 0:
            return
        for index in range(self.items.first + 1):
            for matched in (0, 10**9):
                yield from (node for node, _ in self.kinds(index, matched))

    def possible(self, good: Container[Node]) -> bool:
        """Return whether there is such an array, as far as the nodes with values are known."""
        return (0, 0) in self.states(good)

    def size(self, sizes: dict[Node, int]) -> int | None:
        """Return how many parts the shortest one has; `None` where none is known."""
        if not self.possible(sizes):
            return None
        least = max(self.items.least, self.contained.least if self.contained else 0)
        places = [
            min((sizes[node] for node, _ in self.kinds(place, 0) if node in sizes), default=0)
            for place in range(self.items.first + 1)
        ]
        return min(MAX_VALUE + 1, 1 + sum(places[min(place, self.items.first)] for place in range(least)))

    def states(self, good: Container[Node]) -> set[tuple[int, int]]:
        """Return from where the array can end: the places, with the number of items of the wanted kind."""
        found: set[tuple[int, int]] = set()
        most_matched = 0
        if self.contained is not None:
            most_matched = self.contained.least if self.contained.most is None else self.contained.most
            most_matched = most_matched if self.most is None else min(most_matched, self.most)
        if (self.last + 1) * (most_matched + 1) > MAX_STATES:
            raise keywords.refused("contains", "the array may be too long for it")
        for index in range(self.last, -1, -1):
            for matched in range(most_matched, -1, -1):
                following = self.after(index)
                if self.accepts(index, matched) or (
                    following is not None
                    and any(
                        (following, more) in found
                        for node, more in self.kinds(index, matched)
                        if node in good
                    )
                ):
                    found.add((index, matched))
        return found


@dataclass(frozen=True)
class Mapping:
    """An object: the names in their order, and the entries of other names.

    `named` holds names, their nodes and whether they must be there; `extras` holds terminals for names, the
    nodes, and whether there is no end of such names.
    """

    named: tuple[tuple[str, Node, bool], ...]
    extras: tuple[tuple[str, Node, bool], ...]
    least: int
    most: int | None
    different: int = keywords.MAX_COUNT
    """How many other names there are at least."""

    def nodes(self) -> Iterator[Node]:
        """Yield all nodes of values."""
        yield from (node for _, node, _ in self.named)
        yield from (node for _, node, _ in self.extras)

    def usable(self, good: Container[Node]) -> Mapping | None:
        """Return the object with those entries that have values; `None` where one must be and has none."""
        if any(needed and node not in good for _, node, needed in self.named):
            return None
        named = tuple(each for each in self.named if each[1] in good)
        extras = tuple(each for each in self.extras if each[1] in good)
        return replace(self, named=named, extras=extras)

    def possible(self, good: Container[Node]) -> bool:
        """Return whether there is such an object, as far as the nodes with values are known."""
        usable = self.usable(good)
        if usable is None:
            return False
        if self.most is not None and sum(needed for _, _, needed in usable.named) > self.most:
            return False
        return bool(usable.extras) or len(usable.named) >= self.least

    def size(self, sizes: dict[Node, int]) -> int | None:
        """Return how many parts the shortest one has; `None` where none is known."""
        if not self.possible(sizes):
            return None
        needed = [sizes[node] for _, node, must in self.named if must]
        return min(MAX_VALUE + 1, 1 + len(needed) + sum(needed))

    def value(self, name: str) -> list[Node]:
        """Return what the value under a name may be."""
        for known, node, _ in self.named:
            if known == name:
                return [node]
        return [node for _, node, _ in self.extras]


Shape = Scalar | Sequence | Mapping
