"""Where in a JSON text an answer is, as far as a grammar cannot tell: which names and items there were."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from tether_jupyter.llm.local.constraint.clauses import Node
from tether_jupyter.llm.local.constraint.layout import Layout
from tether_jupyter.llm.local.constraint.shapes import Mapping, Sequence

STOP = re.compile(rb'["\\]')


class Frame(NamedTuple):
    """An object or array that is open.

    `seen` holds the names so far, or the items of an array whose items must differ. `nodes` are what it may
    be, where that is needed to find such arrays; `name` and `position` are of the value that comes.
    """

    is_object: bool
    unique: bool
    nodes: tuple[Node, ...]
    seen: frozenset[bytes] = frozenset()
    name: bytes = b""
    position: int = 0


class Place(NamedTuple):
    """A place between two bytes of a JSON text.

    `part` is what there is so far of a name, or of an item that must differ from others.
    """

    frames: tuple[Frame, ...] = ()
    in_text: bool = False
    escaped: bool = False
    is_name: bool = False
    wants_name: bool = False
    part: bytes = b""

    def after(self, data: bytes, tree: Tree) -> Place | None:
        """Return the place after some bytes; `None` where a name or an item comes a second time."""
        frames, in_text, escaped, is_name, wants_name, part = self
        at, end = 0, len(data)
        while at < end:
            if in_text:
                if escaped:
                    stop, escaped = at, False
                else:
                    found = STOP.search(data, at)
                    stop = found.start() if found else end - 1
                    if found and data[stop] == 0x5C:
                        escaped = True
                    elif found:
                        in_text = False
                part += data[at : stop + 1]
                at = stop + 1
                if not in_text and is_name:
                    top = frames[-1]
                    name = part[:-1]
                    if name in top.seen:
                        return None
                    frames = (*frames[:-1], top._replace(seen=top.seen | {name}, name=name))
                    is_name, part = False, b""
                elif not in_text and not frames[-1:]:
                    part = b""
                continue
            sign = data[at]
            at += 1
            if sign == 0x22:
                in_text, is_name = True, wants_name
                part = b"" if is_name else b'"'
            elif sign in b"{[":
                is_object = sign == 0x7B
                frames = (*frames, tree.opened(frames, is_object))
                wants_name, part = is_object, b""
            elif sign in b"}],":
                top = frames[-1]
                if top.unique and part:
                    if part in top.seen:
                        return None
                    top = top._replace(seen=top.seen | {part})
                part = b""
                frames = (
                    (*frames[:-1], top._replace(position=top.position + 1)) if sign == 0x2C else frames[:-1]
                )
                wants_name = sign == 0x2C and top.is_object
            elif sign == 0x3A:
                wants_name = False
            elif sign != 0x20 and frames and frames[-1].unique:
                part += data[at - 1 : at]
        return Place(frames, in_text, escaped, is_name, wants_name, part)

    @property
    def at_risk(self) -> bool:
        """Return whether what comes could still be a name or an item that there was."""
        if not self.frames or not (seen := self.frames[-1].seen):
            return False
        if self.frames[-1].is_object:
            if not self.is_name:
                return self.wants_name
        elif not self.frames[-1].unique:
            return False
        return any(known.startswith(self.part) for known in seen)

    @property
    def depth(self) -> int:
        """How many objects and arrays are open."""
        return len(self.frames)


class Tree:
    """Which arrays of a schema have items that must differ."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        all_shapes = [shape for node in layout.good for shape in layout.usable(node)]
        self.has_unique = any(isinstance(shape, Sequence) and shape.items.unique for shape in all_shapes)
        extras = [each for shape in all_shapes if isinstance(shape, Mapping) for each in shape.extras]
        self.careful = self.has_unique or not all(endless for _, _, endless in extras)
        """Whether names or items may run out."""
        self.names = min((shape.different for shape in all_shapes if isinstance(shape, Mapping)), default=0)
        self.items = min(
            (layout.different(each) for each in all_shapes if isinstance(each, Sequence)), default=0
        )
        """How many different names and items there are at least, wherever there may be more than those that
        the schema names."""
        self.known: dict[tuple[tuple[Node, ...], bool], Frame] = {}

    def may_run_out(self, place: Place) -> bool:
        """Return whether it must be looked up if there is a name or an item left that was not there yet."""
        if not self.careful or not place.at_risk:
            return False
        top = place.frames[-1]
        return bool(place.part) or len(top.seen) >= (self.names if top.is_object else self.items)

    def opened(self, frames: tuple[Frame, ...], is_object: bool) -> Frame:
        """Return the frame of an object or array that begins inside others."""
        if not self.has_unique:
            return Frame(is_object, False, ())
        nodes = (self.layout.root,) if not frames else tuple(self.inside(frames[-1]))
        if (nodes, is_object) not in self.known:
            self.known[nodes, is_object] = self.frame(nodes, is_object)
        return self.known[nodes, is_object]

    def frame(self, nodes: tuple[Node, ...], is_object: bool) -> Frame:
        """Return the frame of an object or array that may be of some nodes."""
        kind = Mapping if is_object else Sequence
        found = [node for node in nodes if any(isinstance(each, kind) for each in self.layout.usable(node))]
        unique = not is_object and any(
            isinstance(each, Sequence) and each.items.unique
            for node in found
            for each in self.layout.usable(node)
        )
        return Frame(is_object, unique, tuple(found))

    def inside(self, frame: Frame) -> list[Node]:
        """Return what the value that comes in a frame may be."""
        found: list[Node] = []
        for node in frame.nodes:
            for shape in self.layout.usable(node):
                if isinstance(shape, Mapping) and frame.is_object:
                    found += shape.value(json.loads(b'"' + frame.name + b'"'))
                elif isinstance(shape, Sequence) and not frame.is_object:
                    for matched in (0, 10**9):
                        found += [each for each, _ in shape.kinds(frame.position, matched)]
        return list(dict.fromkeys(node for node in found if node in self.layout.good))
