"""Random JSON Schemas of draft 2020-12, each with a value that it takes, the same for the same seed.

They hold what people write: nested objects, lists, choices, references, bounds, patterns, formats and notes,
in any mix. As each has an example, none may be refused for having no answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Schema = dict[str, Any]
Made = tuple[Schema, Any]
NAMES = [
    *("id", "name", "title", "age", "price", "tags", "kind", "email", "address", "city", "zip_code"),
    *("created_at", "isActive", "total-cost", "é", "items", "notes", "status", "x", "y", "parent"),
    *("名前", "$type", "a.b"),
]
TEXTS = [
    *("", "a", "red", "blue", "light green", 'say "hi"', "back\\slash", "two\nlines", "tab\there"),
    *("é", "日本", "😀"),
]
VALUES = [*TEXTS, 0, 1, -7, 2.5, -0.125, 10**12, True, False, None, [], {}, [1, "a"], {"a": {"b": [None]}}]
FORMATS = {
    "date": "2024-02-29",
    "time": "12:30:00Z",
    "date-time": "2024-12-31T23:59:00+01:00",
    "duration": "P3DT4H",
    "email": "ada@example.org",
    "hostname": "www.example.org",
    "ipv4": "192.168.0.1",
    "ipv6": "::1",
    "uri": "https://example.org/a?b=c",
    "uri-reference": "/a/b",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "json-pointer": "/a/0",
    "regex": "^a+$",
}
PATTERNS = {
    "^[a-z]+$": "abc",
    "^[A-Z]{2}[0-9]{4}$": "AB1234",
    r"^\d{3}-\d{4}$": "555-1234",
    r"^\+?[1-9]\d{1,14}$": "+4912345678",
    "^(red|green|blue)$": "green",
    "^#[0-9a-fA-F]{6}$": "#00ffAA",
    r"^v?\d+\.\d+\.\d+(-[a-z]+)?$": "v1.20.3-beta",
    "foo": "a foo b",
    "^ab": "abc",
    "yz$": "xyz",
    "^[^,;]*$": "no comma",
    r"^\w+( \w+)*$": "two words",
    r"^\S+@\S+$": "a@b",
    "^(ab|c){2,3}$": "abcab",
    '^"[^"]*"$': '"quoted"',
    r"^C:\\[a-z\\]*$": "C:\\a\\b",
    "^.{3,5}$": "four",
    "^a?b*c+$": "bcc",
    "^$": "",
    "^(?:x|y)*z?$": "xyz",
}
"""Each with a text that matches. Python and ECMAScript differ only in `\\d`, `\\s` and `\\w` beyond ASCII."""


@dataclass(frozen=True)
class Case:
    """A schema, a value that it takes, and the keywords in it that say which values there are."""

    schema: Schema
    example: Any
    words: frozenset[str]


def cases(count: int, seed: int = 0, depth: int = 3) -> Iterator[Case]:
    """Yield so many schemas; `depth` bounds how far they nest."""
    for number in range(count):
        maker = Maker(random.Random(f"{seed}/{number}"), depth)  # noqa: S311
        schema, example = maker.root()
        yield Case(schema, example, frozenset(maker.words))


class Maker:
    """Makes one schema. Every method returns a part and a value that it takes."""

    def __init__(self, chance: random.Random, depth: int) -> None:
        self.chance = chance
        self.depth = depth
        self.words: set[str] = set()
        self.shared: dict[str, Made] = {}

    def maybe(self, share: float = 0.5) -> bool:
        return self.chance.random() < share

    def using(self, **schema: Any) -> Schema:
        """Return a part of a schema and remember its keywords; those that are Python's end in `_`."""
        named = {word.rstrip("_"): value for word, value in schema.items()}
        self.words |= named.keys()
        return named

    def root(self) -> Made:
        """Return a whole schema, which may be one that leads back to itself."""
        if self.maybe(0.12):
            return self.chance.choice([self.tree, self.chain, self.expression])()
        makers: list[Callable[[int], Made]] = [self.object] * 6 + [self.array, self.choice, self.joined]
        makers += [self.scalar, self.exclusive, self.conditional, self.negated]
        schema, example = self.chance.choice(makers)(self.depth)
        if self.shared:
            self.words.add("$defs")
            schema = {**schema, "$defs": {name: part for name, (part, _) in self.shared.items()}}
        if self.maybe(0.3):
            schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        return schema, example

    def part(self, depth: int) -> Made:
        """Return any part."""
        if depth <= 0:
            made = self.scalar(0)
        else:
            makers: list[Callable[[int], Made]] = [self.scalar] * 6 + [self.object] * 3 + [self.array] * 2
            makers += [self.choice, self.exclusive, self.joined, self.reference, self.mixed, self.anything]
            made = self.chance.choice(makers)(depth)
        return self.noted(*made)

    def noted(self, schema: Schema, example: Any) -> Made:
        """Return a part with notes that change nothing."""
        notes: Schema = {
            "title": "A title",
            "description": 'What it is, "quoted"',
            "default": example,
            "examples": [example],
            "deprecated": True,
            "readOnly": False,
            "$comment": "for people",
            "x-order": 3,
        }
        for word in notes:
            if self.maybe(0.06):
                schema = {**schema, word: notes[word]}
        return schema, example

    def anything(self, _: int) -> Made:
        return {}, self.chance.choice(VALUES)

    def scalar(self, _: int) -> Made:
        makers = [self.text, self.text, self.integer, self.number, self.flag, self.listed, self.constant]
        return self.chance.choice(makers)()

    def flag(self) -> Made:
        if self.maybe(0.25):
            return self.using(type="null"), None
        return self.using(type="boolean"), self.maybe()

    def constant(self) -> Made:
        value = self.chance.choice(VALUES)
        return self.using(const=value), value

    def listed(self) -> Made:
        values = self.chance.sample(TEXTS if self.maybe(0.6) else VALUES, self.chance.randint(1, 6))
        schema = self.using(enum=values)
        if all(isinstance(value, str) for value in values) and self.maybe():
            schema |= self.using(type="string")
        return schema, self.chance.choice(values)

    def text(self) -> Made:
        style = self.chance.randrange(5)
        if style == 0:
            return self.using(type="string"), self.chance.choice(TEXTS)
        if style == 1:
            name, example = self.chance.choice(list(FORMATS.items()))
            return self.using(type="string", format=name), example
        if style == 2:
            pattern, example = self.chance.choice(list(PATTERNS.items()))
            schema = self.using(type="string", pattern=pattern)
            if self.maybe(0.3):
                schema |= self.using(maxLength=len(example) + self.chance.randint(0, 20))
            if self.maybe(0.2):
                schema |= self.using(minLength=self.chance.randint(0, len(example)))
            return schema, example
        if style == 3:
            unchecked = self.chance.choice(["password", "colour", "int64"])
            return self.using(type="string", format=unchecked), "any text"
        least = self.chance.choice([0, 0, 1, 3, 12])
        most = least + self.chance.choice([0, 1, 5, 40, 300])
        schema = self.using(type="string")
        if least or self.maybe(0.2):
            schema |= self.using(minLength=least)
        if self.maybe(0.7):
            schema |= self.using(maxLength=most)
        return schema, "x" * least

    def integer(self) -> Made:
        schema = self.using(type="integer")
        step = self.chance.choice([1, 1, 1, 1, 2, 5, 7, 10, 100, 250])
        example = step * self.chance.choice([0, 1, -1, 3, 12, -45, 999, 123_456])
        if step > 1:
            schema |= self.using(multipleOf=step)
        return self.bounded(schema, example, [1, 4, 30, 1000, 10**9]), example

    def number(self) -> Made:
        schema = self.using(type="number")
        if self.maybe(0.2):
            step = self.chance.choice([0.5, 0.25, 0.1, 0.01, 2, 3, 1.5])
            example = step * self.chance.choice([0, 1, 2, -4, 10])
            return self.bounded(schema | self.using(multipleOf=step), example, [5, 100]), example
        example = self.chance.choice([0, 1.5, -2.25, 0.001, 99.9, -1000, 12345.678])
        return self.bounded(schema, example, [0.5, 0.01, 1, 10, 1e6]), example

    def bounded(self, schema: Schema, example: float, widths: list[float]) -> Schema:
        """Return a schema for numbers with bounds around the example on neither, one or both sides."""
        if self.maybe():
            if self.maybe(0.3):
                schema |= self.using(exclusiveMinimum=example - self.chance.choice(widths))
            else:
                schema |= self.using(minimum=example - self.chance.choice([0, *widths]))
        if self.maybe():
            if self.maybe(0.3):
                schema |= self.using(exclusiveMaximum=example + self.chance.choice(widths))
            else:
                schema |= self.using(maximum=example + self.chance.choice([0, *widths]))
        return schema

    def mixed(self, _: int) -> Made:
        """Return a part that takes several types, with words that each mean only one of them."""
        schema = self.using(type=["string", "null"])
        if self.maybe():
            schema = self.using(type=self.chance.sample(["integer", "boolean", "null", "string", "array"], 3))
        if self.maybe(0.4):
            schema |= self.using(maxLength=self.chance.randint(1, 20), minimum=self.chance.randint(-5, 5))
        kinds = {"string": "a", "null": None, "integer": 17, "boolean": True, "array": []}
        return schema, kinds[self.chance.choice(schema["type"])]

    def array(self, depth: int) -> Made:
        style = self.chance.randrange(6)
        if style == 0:  # a tuple
            made = [self.part(depth - 1) for _ in range(self.chance.randint(1, 3))]
            schema = self.using(type="array", prefixItems=[part for part, _ in made], items=False)
            if self.maybe(0.3):
                schema["items"] = self.using(type="integer")
            if self.maybe(0.6):
                schema |= self.using(minItems=len(made))
            return schema, [example for _, example in made]
        if style == 1:  # a set
            few = self.chance.sample(TEXTS, 5) if self.maybe() else list(range(1, 6))
            item = self.using(enum=few)
            if few[0] == 1 and self.maybe():
                item = self.using(type="integer", minimum=1, maximum=9)
            most = self.chance.randint(1, 5)
            schema = self.using(type="array", items=item, uniqueItems=True, maxItems=most)
            if self.maybe():
                schema |= self.using(minItems=self.chance.randint(0, most))
            return schema, few[:most]
        if style == 2 and self.maybe(0.4):
            one, example = self.constant()
            return self.using(type="array", contains=one, items={}), [example]
        part, example = self.part(depth - 1)
        schema, count = self.using(type="array", items=part), self.chance.randint(0, 3)
        if self.maybe():
            schema |= self.using(minItems=self.chance.randint(0, count))
        if self.maybe():
            schema |= self.using(maxItems=count + self.chance.choice([0, 1, 10, 100]))
        return schema, [example] * count

    def object(self, depth: int) -> Made:
        if self.maybe(0.15):
            return self.map(depth)
        names = self.chance.sample(NAMES, self.chance.randint(0, 5))
        made = {name: self.part(depth - 1) for name in names}
        schema = self.using(type="object", properties={name: part for name, (part, _) in made.items()})
        firm = names if self.maybe(0.4) else [name for name in names if self.maybe()]
        example = {name: value for name, (_, value) in made.items() if name in firm or self.maybe()}
        if firm or self.maybe():
            schema |= self.using(required=self.chance.sample(firm, len(firm)))
        others = self.chance.randrange(6)
        if others < 3:
            schema |= self.using(additionalProperties=False)
        elif others == 3:
            schema |= self.using(additionalProperties=True)
        elif others == 4:
            schema |= self.using(additionalProperties=self.part(depth - 1)[0])
        elif self.maybe(0.5):  # required, and without a schema
            schema["required"] = [*schema.get("required", []), "unnamed"]
            self.words.add("required")
            example["unnamed"] = self.chance.choice(VALUES)
        if self.maybe(0.1):
            schema |= self.using(minProperties=self.chance.randint(0, len(example)))
        if self.maybe(0.1):
            schema |= self.using(maxProperties=len(example) + self.chance.randint(0, 3))
        if len(example) > 1 and self.maybe(0.08):
            first, second, *_ = example
            schema |= self.using(dependentRequired={first: [second]})
        return schema, example

    def map(self, depth: int) -> Made:
        """Return an object whose names are not known beforehand."""
        part, value = self.part(depth - 1)
        style = self.chance.randrange(4)
        if style == 0:
            schema = self.using(type="object", patternProperties={"^k_": part})
            return schema | self.using(additionalProperties=self.maybe()), {"k_1": value}
        schema = self.using(type="object", additionalProperties=part)
        example = {"one": value, "two": value}
        if style == 1:
            schema |= self.using(propertyNames=self.using(pattern="^[a-z]{1,8}$"))
        elif style == 2:
            schema |= self.using(propertyNames=self.using(enum=["one", "two", "three"]))
        if self.maybe(0.3):
            schema |= self.using(minProperties=self.chance.randint(0, 2))
        if self.maybe(0.3):
            schema |= self.using(maxProperties=self.chance.randint(2, 5))
        return schema, example

    def choice(self, depth: int) -> Made:
        made = [self.part(depth - 1) for _ in range(self.chance.randint(1, 4))]
        return self.using(anyOf=[part for part, _ in made]), self.chance.choice(made)[1]

    def exclusive(self, depth: int) -> Made:
        """Return a `oneOf`: by type, by a name that tells which, by what is required, or with an overlap."""
        style = self.chance.randrange(5)
        if style == 0:
            part, example = self.object(depth - 1)
            if self.maybe():
                return self.using(oneOf=[part, self.using(type="null")]), example
            return self.using(oneOf=[self.using(type="string"), part]), "either"
        if style == 1:
            kinds = self.chance.sample(["circle", "square", "line", "point"], self.chance.randint(2, 4))
            branches = []
            for kind in kinds:
                part, value = self.part(depth - 1)
                properties = {"kind": self.using(const=kind), "value": part}
                branches.append(self.using(type="object", properties=properties, required=["kind", "value"]))
                example = {"kind": kind, "value": value}
            return self.using(oneOf=branches), example
        if style == 2:
            low = self.using(type="integer", maximum=5)
            return self.using(oneOf=[low, self.using(type="integer", minimum=self.chance.choice([3, 6]))]), 9
        if style == 3:
            needs = [self.using(required=["a"]), self.using(required=["b"])]
            whole = self.using(type="integer")
            return self.using(type="object", properties={"a": whole, "b": whole}, oneOf=needs), {"a": 1}
        texts = [self.using(type="string", pattern="^a"), self.using(type="string", maxLength=4)]
        return self.using(oneOf=texts), "abcdefgh"

    def joined(self, depth: int) -> Made:
        """Return an `allOf`: objects that go together, bounds, or a reference with more beside it."""
        style = self.chance.randrange(3)
        if style == 0:
            one, two = self.part(depth - 1), self.part(depth - 1)
            base = self.using(type="object", properties={"one": one[0]}, required=["one"])
            more = self.using(properties={"two": two[0]})
            if self.maybe():
                more |= self.using(required=["two"])
            schema = self.using(allOf=[base, more])
            if self.maybe(0.3):
                schema |= self.using(unevaluatedProperties=False)
            return schema, {"one": one[1], "two": two[1]}
        if style == 1:
            bounds = [self.using(type="integer", minimum=1), self.using(maximum=50), self.using(multipleOf=3)]
            return self.using(allOf=bounds[: self.chance.randint(1, 3)]), 12
        part, example = self.reference(depth)
        return self.using(allOf=[part], description="more"), example

    def reference(self, depth: int) -> Made:
        if not self.shared or self.maybe(0.4):
            name = self.chance.choice(["item", "money", "a~b/c", "Ünit"]) + str(len(self.shared))
            made = self.scalar(0) if self.maybe() else self.object(depth - 1)
            self.shared[name] = made
        name = self.chance.choice(list(self.shared))
        target = quote(name.replace("~", "~0").replace("/", "~1"))
        return self.using(**{"$ref": f"#/$defs/{target}"}), self.shared[name][1]

    def negated(self, depth: int) -> Made:
        style = self.chance.randrange(3)
        if style == 0:
            return self.using(type="string", not_=self.using(enum=["", "none"])), "some"
        if style == 1:
            return self.using(type="integer", minimum=0, not_=self.using(multipleOf=2)), 7
        return self.using(not_=self.using(type=["object", "array"])), 1

    def conditional(self, _: int) -> Made:
        paid = self.using(properties={"paid": self.using(const=True)}, required=["paid"])
        properties = {"paid": self.using(type="boolean"), "receipt": self.using(type="string")}
        schema = self.using(type="object", properties=properties, required=["paid"])
        schema |= self.using(if_=paid, then=self.using(required=["receipt"]))
        if self.maybe():
            schema |= self.using(else_={"properties": {"receipt": False}})
        return schema, {"paid": True, "receipt": "r"} if self.maybe() else {"paid": False}

    def tree(self) -> Made:
        part, value = self.scalar(0)
        children = self.using(type="array", items=self.using(**{"$ref": "#"}))
        if self.maybe():
            children |= self.using(maxItems=self.chance.randint(1, 4))
        properties = {"value": part, "children": children}
        schema = self.using(type="object", properties=properties, required=["value"])
        schema |= self.using(additionalProperties=False)
        return schema, {"value": value, "children": [{"value": value}]}

    def chain(self) -> Made:
        part, value = self.scalar(0)
        following = self.using(anyOf=[self.using(**{"$ref": "#/$defs/node"}), self.using(type="null")])
        properties = {"value": part, "next": following}
        node = self.using(type="object", properties=properties, required=["value", "next"])
        schema = self.using(**{"$ref": "#/$defs/node", "$defs": {"node": node}})
        return schema, {"value": value, "next": {"value": value, "next": None}}

    def expression(self) -> Made:
        term = self.using(**{"$ref": "#/$defs/term"})
        operation = self.using(
            type="object",
            properties={"op": self.using(enum=["+", "-"]), "left": term, "right": term},
            required=["op", "left", "right"],
            additionalProperties=False,
        )
        either = self.using(oneOf=[self.using(type="integer"), operation])
        return {**self.using(**{"$defs": {"term": either}}), **term}, {"op": "+", "left": 1, "right": 2}
