"""The fields of an answer: their names and kinds, and how each is said in JSON Schema and in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["str", "int", "float", "bool", "date", "datetime", "choice", "list", "dict", "object", "any"]

JSON_TYPES: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "any": {},
}
WORDS = {"str": "text", "int": "integer", "float": "number", "bool": "true or false"}
WORDS |= {"date": "date as YYYY-MM-DD", "datetime": "date and time in ISO 8601", "any": "any value"}
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Field:
    """One value of an answer.

    Parameters
    ----------
    kind:
        `list` holds `items`; `dict` has free keys and `items` as values; `object` has `fields` of its own.
    optional:
        Whether it may be null.
    choices:
        The texts that a `choice` may be.
    """

    name: str
    kind: Kind = "str"
    optional: bool = False
    description: str = ""
    choices: tuple[str, ...] = ()
    items: Field | None = None
    fields: tuple[Field, ...] = ()

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema of the value."""
        found: dict[str, Any]
        if self.kind == "choice":
            found = {"type": "string", "enum": list(self.choices)}
        elif self.kind == "list":
            found = {"type": "array", "items": self.items.json_schema() if self.items else {}}
        elif self.kind == "dict":
            values = self.items.json_schema() if self.items else True
            found = {"type": "object", "additionalProperties": values}
        elif self.kind == "object":
            found = json_object(self.fields)
        else:
            found = dict(JSON_TYPES[self.kind])
        if self.optional and found:
            found = {"anyOf": [found, {"type": "null"}]}
        return {**found, "description": self.description} if self.description else found

    def words(self) -> str:
        """Return the kind in words that a model reads."""
        if self.kind == "choice":
            said = " | ".join(json.dumps(choice, ensure_ascii=False) for choice in self.choices)
        elif self.kind == "list":
            said = f"[{self.items.words()}, ...]" if self.items else "[...]"
        elif self.kind == "dict":
            said = f"{{name: {self.items.words()}, ...}}" if self.items else "{...}"
        elif self.kind == "object":
            said = object_words(self.fields)
        else:
            said = WORDS[self.kind]
        said = f"{said} or null" if self.optional else said
        return f"{said} ({self.description})" if self.description else said


def json_object(fields: tuple[Field, ...]) -> dict[str, Any]:
    """Return the JSON schema of an object that has exactly these fields."""
    return {
        "type": "object",
        "properties": {field.name: field.json_schema() for field in fields},
        "required": [field.name for field in fields],
        "additionalProperties": False,
    }


def object_words(fields: tuple[Field, ...]) -> str:
    """Return an object's fields in words that a model reads."""
    return "{" + ", ".join(f"{json.dumps(f.name, ensure_ascii=False)}: {f.words()}" for f in fields) + "}"


def read_fields(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """Return the fields of an object's JSON schema; none where it does not name any."""
    shape = follow(schema, schema)
    properties = shape.get("properties")
    if not isinstance(properties, Mapping):
        return ()
    required = shape.get("required", [])
    found = []
    for name, part in properties.items():
        field = read_field(str(name), part, schema)
        found.append(field if name in required else replace(field, optional=True))
    return tuple(found)


def read_field(name: str, part: Any, root: Mapping[str, Any], depth: int = 0) -> Field:
    """Return what a part of a JSON schema says of a value; kind `any` where that is not one of the kinds."""
    if not isinstance(part, Mapping) or depth > DEEPEST:
        return Field(name, "any")
    shape = follow(part, root)
    description = str(part.get("description") or shape.get("description") or "")
    branches = [branch for word in ("anyOf", "oneOf") for branch in shape.get(word, ())]
    kinds = shape.get("type")
    if branches:
        real = [b for b in branches if not (isinstance(b, Mapping) and b.get("type") == "null")]
        field = read_field(name, real[0], root, depth + 1) if len(real) == 1 else Field(name, "any")
        optional = field.optional or len(real) < len(branches)
    elif isinstance(kinds, list):
        real = [each for each in kinds if each != "null"]
        one = {**shape, "type": real[0] if len(real) == 1 else None}
        field = read_field(name, one, root, depth + 1)
        optional = "null" in kinds
    else:
        field, optional = of_type(name, shape, kinds, root, depth), False
    return replace(field, optional=optional or field.optional, description=description)


def of_type(name: str, shape: Mapping[str, Any], kind: Any, root: Mapping[str, Any], depth: int) -> Field:
    """Return the field for a part that has one JSON type, or an enumeration."""
    listed = [shape["const"]] if "const" in shape else shape.get("enum")
    if isinstance(listed, list) and listed:
        texts = [each for each in listed if each is not None]
        if texts and all(isinstance(each, str) for each in texts):
            return Field(name, "choice", optional=len(texts) < len(listed), choices=tuple(texts))
    if kind == "array":
        return Field(name, "list", items=read_field("", shape.get("items"), root, depth + 1))
    if kind == "object":
        if isinstance(shape.get("properties"), Mapping):
            required = shape.get("required", [])
            parts = (
                (read_field(str(key), part, root, depth + 1), key in required)
                for key, part in shape["properties"].items()
            )
            inner = tuple(part if needed else replace(part, optional=True) for part, needed in parts)
            return Field(name, "object", fields=inner)
        values = shape.get("additionalProperties")
        items = read_field("", values, root, depth + 1) if isinstance(values, Mapping) else None
        return Field(name, "dict", items=items)
    if kind == "string":
        formats: dict[Any, Kind] = {"date": "date", "date-time": "datetime"}
        return Field(name, formats.get(shape.get("format"), "str"))
    plain: dict[Any, Kind] = {"integer": "int", "number": "float", "boolean": "bool"}
    return Field(name, plain.get(kind, "any"))


def dangling(schema: dict[str, Any], dialect: str) -> str | None:
    """Return the first `$ref` within a JSON schema that leads nowhere in it; `None` where all lead on.

    Parameters
    ----------
    dialect:
        The address of the JSON Schema that it is written in.
    """
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    root: Resource[Any] = specification_with(dialect).create_resource(schema)
    address = root.id() or ""
    left = [(root, Registry[Any]().with_resource(address, root).resolver(address))]
    while left:
        part, resolver = left.pop()
        path = part.contents.get("$ref") if isinstance(part.contents, dict) else None
        if isinstance(path, str) and path.startswith("#"):
            try:
                found = resolver.lookup(path).contents
            except (Unresolvable, ValueError, TypeError):
                # The last two come from a path that goes on within a text or a number.
                return path
            if not isinstance(found, (dict, bool)):
                return path
        left += [(inner, resolver.in_subresource(inner)) for inner in part.subresources()]
    return None


def follow(part: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part that a `$ref` within the same schema leads to; the part itself where there is none."""
    for _ in range(DEEPEST):
        path = part.get("$ref")
        if not isinstance(path, str) or not path.startswith("#/"):
            break
        found: Any = root
        for key in path[2:].split("/"):
            key = key.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            break
        part = found
    return part
