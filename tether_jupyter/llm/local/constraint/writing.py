"""Shapes as a grammar in Lark's notation."""

from __future__ import annotations

from tether_jupyter.llm.local.constraint import guidance, keywords, scalars
from tether_jupyter.llm.local.constraint.clauses import Node
from tether_jupyter.llm.local.constraint.layout import Layout
from tether_jupyter.llm.local.constraint.shapes import Mapping, Scalar, Sequence

MAX_RULES = 20_000


class Writer:
    """A grammar on its way: a rule for each node with values, a terminal for each kind of text or number."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.rules: dict[str, str] = {}
        self.terminals: dict[str, str] = {}
        self.plain: set[Node] = set()
        self.text = self.whole()

    def whole(self) -> str:
        """Return the whole grammar, its start in the first line."""
        for node in self.layout.order:
            if node in self.layout.good:
                self.node(node)
        for node in self.plain:
            self.rules[f"{self.name(node)}u"] = " | ".join(
                self.form(form)
                for shape in self.layout.usable(node)
                if isinstance(shape, Scalar)
                for form in shape.plain
            )
        lines = [
            f"start: {self.name(self.layout.root)}",
            *(f"{name}: {body}" for name, body in self.rules.items()),
        ]
        lines += [f"{name}: {body}" for body, name in self.terminals.items()]
        lines += ["COMMA: /, ?/", "COLON: /: ?/", ""]
        return "\n".join(lines)

    def beginning(self, node: Node) -> str:
        """Return the grammar for the values of one node alone."""
        _, _, rest = self.text.partition("\n")
        return guidance.lark(f"start: {self.name(node)}\n{rest}")

    def name(self, node: Node) -> str:
        return f"n{self.layout.order[node]}"

    def rule(self, name: str, body: str) -> str:
        """Add a rule and return its name."""
        if len(self.rules) > MAX_RULES:
            raise keywords.too_large()
        self.rules[name] = body
        return name

    def terminal(self, definition: str) -> str:
        """Return the name of a terminal."""
        return self.terminals.setdefault(definition, f"T{len(self.terminals)}")

    def form(self, form: str) -> str:
        return form if form.startswith("%json") else self.terminal(form)

    def node(self, node: Node) -> None:
        """Add the rule for a node."""
        found: list[str] = []
        for number, shape in enumerate(self.layout.usable(node)):
            prefix = f"{self.name(node)}x{number}"
            if isinstance(shape, Scalar):
                found += map(self.form, shape.forms)
            elif isinstance(shape, Sequence):
                found.append(self.sequence(shape, prefix))
            else:
                found.append(Objects(self, shape.usable(self.layout.good) or shape, prefix).rule())
        self.rule(self.name(node), " | ".join(dict.fromkeys(found)))

    def sequence(self, shape: Sequence, prefix: str) -> str:
        """Return the rule for an array."""
        items = shape.items
        item = items.item(0)
        if shape.contained is None and not items.first:
            if item not in self.layout.good or shape.most == 0:
                return self.rule(prefix, '"[" "]"')
            value = self.name(item)
            if items.unique:
                self.plain.add(item)
                value += "u"
            inner = several(value, items.least, shape.most)
            return self.rule(prefix, f'"[" {inner} "]"')
        states = shape.states(self.layout.good)
        for index, matched in sorted(states):
            following = shape.after(index)
            loops, exits = [], ['""'] if shape.accepts(index, matched) else []
            for node, more in shape.kinds(index, matched) if following is not None else ():
                if node in self.layout.good and (following, more) in states:
                    comma = "COMMA " if index else ""
                    if (following, more) == (index, matched):
                        loops.append(f"{comma}{self.name(node)}")
                    else:
                        exits.append(f"{comma}{self.name(node)} {prefix}i{following}m{more}")
            self.rule(f"{prefix}i{index}m{matched}", self.loop(loops, exits))
        return self.rule(prefix, f'"[" {prefix}i0m0 "]"')

    def loop(self, loops: list[str], exits: list[str]) -> str:
        """Return the body for any of some parts, again and again, and then one of the ways out."""
        way = f"({' | '.join(exits)})"
        return f"({' | '.join(loops)})* {way}" if loops else way


class Objects:
    """The rules for one object: its names in their order, each counted as far as the bounds need it."""

    def __init__(self, writer: Writer, shape: Mapping, prefix: str) -> None:
        self.writer, self.shape, self.prefix = writer, shape, prefix
        needed = sum(must for _, _, must in shape.named)
        counted = shape.most is not None and shape.most < len(shape.named) + bool(shape.extras) * 10**9
        self.ceiling = max(1, shape.least if shape.least > needed else 1, (shape.most or 0) if counted else 1)
        self.most = shape.most if counted else None
        if len(shape.named) * self.ceiling > MAX_RULES:
            raise keywords.too_large()
        self.extra = self.extras()

    def extras(self) -> str:
        """Return the rule for one entry of another name; empty for none."""
        writer = self.writer
        found = [f"{writer.terminal(name)} COLON {writer.name(node)}" for name, node, _ in self.shape.extras]
        return writer.rule(f"{self.prefix}e", " | ".join(found)) if found else ""

    def rule(self) -> str:
        """Add the rules and return the name of the first."""
        shape, writer = self.shape, self.writer
        reached: set[tuple[int, int]] = set()
        good = self.good()
        todo = [(0, 0)]
        while todo:
            index, count = todo.pop()
            if (index, count) in reached:
                continue
            reached.add((index, count))
            name = f"{self.prefix}k{index}c{count}"
            if index == len(shape.named):
                writer.rule(name, self.rest(count))
                continue
            choices = []
            for (following, more), body in self.steps(index, count):
                if (following, more) in good:
                    todo.append((following, more))
                    choices.append(f"{body} {self.prefix}k{following}c{more}".strip())
            writer.rule(name, " | ".join(choices))
        return writer.rule(self.prefix, f'"{{" {self.prefix}k0c0 "}}"')

    def steps(self, index: int, count: int) -> list[tuple[tuple[int, int], str]]:
        """Return where an entry, or leaving it out, leads to."""
        name, node, must = self.shape.named[index]
        found = []
        if self.most is None or count < self.most:
            key = self.writer.terminal(f"/{scalars.literal(name)}/")
            comma = "COMMA " if count else ""
            body = f"{comma}{key} COLON {self.writer.name(node)}"
            found.append(((index + 1, min(count + 1, self.ceiling)), body))
        if not must:
            found.append(((index + 1, count), ""))
        return found

    def good(self) -> set[tuple[int, int]]:
        """Return from where the object can end."""
        end = len(self.shape.named)
        found = {(end, count) for count in range(self.ceiling + 1) if self.enough(count)}
        for index in range(end - 1, -1, -1):
            for count in range(self.ceiling + 1):
                if any(state in found for state, _ in self.steps(index, count)):
                    found.add((index, count))
        return found

    def enough(self, count: int) -> bool:
        """Return whether so many entries do, or can be made enough by others."""
        return self.missing(count) == 0 or (bool(self.extra) and (self.most is None or count < self.most))

    def missing(self, count: int) -> int:
        needed = sum(must for _, _, must in self.shape.named)
        return 0 if self.shape.least <= needed else max(0, self.shape.least - count)

    def rest(self, count: int) -> str:
        """Return what follows the last name."""
        if not self.extra:
            return '""'
        most = None if self.most is None else self.most - count
        if most == 0:
            return '""'
        least = self.missing(count)
        if count == 0:
            return several(self.extra, least, most)
        return again(f"COMMA {self.extra}", least, most)


def several(part: str, least: int, most: int | None) -> str:
    """Return parts with commas between them."""
    if most == 0:
        return '""'
    more = f"{part} {again(f'COMMA {part}', max(0, least - 1), None if most is None else most - 1)}"
    return more if least else f"({more})?"


def again(part: str, least: int, most: int | None) -> str:
    """Return a part a number of times."""
    if most == 0:
        return '""'
    if most is None:
        return f"({part})*" if least == 0 else f"({part}){{{least},}}"
    return f"({part}){{{least},{most}}}"
