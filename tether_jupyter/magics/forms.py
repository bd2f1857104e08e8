"""`--schema`: what the answer must look like, and the Python value that it becomes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import UnionType
from typing import Any, NewType, get_origin

from tether_jupyter.client.schemas import InvalidAnswer, Schema, SchemaError, parse
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.magics.mentions import near
from tether_jupyter.magics.names import as_kept

DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
LISTED = re.compile(r"list\[\s*([^\W\d][\w.]*)\s*\]")
PLAIN: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool}
ITEMS = "items"
LEAST, MOST = 256, 2048
SHARED = ("$defs", "definitions", "$schema")
KEYWORDS = {"type", "properties", "$ref", "anyOf", "oneOf", "allOf", "enum", "const", "items", "$defs"}
"""Of these, a mapping that is meant as a JSON schema has one."""


class Form:
    """A schema with what `%%tether` makes of an answer: a value, a list of values or a DataFrame.

    Parameters
    ----------
    one:
        The schema of one value.
    name:
        What the values' class is called, where there is none of the user's own.
    many:
        Whether the answer is a list of them.
    frame:
        Whether that list becomes a DataFrame.
    repairs:
        Whether an answer that does not fit is asked for once more.
    """

    def __init__(
        self,
        one: Schema,
        name: str = "Answer",
        *,
        many: bool = False,
        frame: bool = False,
        repairs: bool = True,
    ) -> None:
        self.one = one
        self.name = name
        self.many = many or frame
        self.frame = frame
        self.repairs = repairs
        self.schema = listed(one.json_schema) if self.many else one.json_schema

    @property
    def response_format(self) -> dict[str, Any]:
        """The request's `response_format`."""
        if not self.many:
            return self.one.response_format
        wanted = {**self.one.response_format["json_schema"], "schema": self.schema}
        return {"type": "json_schema", "json_schema": wanted}

    @property
    def instruction(self) -> str:
        """What the model is told of the form."""
        if not self.many:
            return self.one.instruction
        return (
            f'Answer with one JSON object {{"{ITEMS}": [...]}} and nothing else. Each of `{ITEMS}` is what '
            f"this asks for: {self.one.instruction}"
        )

    @property
    def room(self) -> int:
        """How many tokens an answer may have where nobody says."""
        return max(LEAST, min(MOST, size(self.schema, self.schema)))

    def value(self, text: str) -> Any:
        """Return what an answer means.

        Raises
        ------
        InvalidAnswer
            It does not fit; `problem` says why.
        """
        from tether_jupyter.magics import instances

        if not self.many:
            return instances.made(self.name, self.one, self.one.validate(text))
        found = [self.one.validate(json.dumps(item)) for item in items_in(text)]
        if not self.frame:
            return [instances.made(self.name, self.one, value) for value in found]
        from tether_jupyter.magics.frame import frame

        try:
            return frame(self.one, found)
        except ValueError as reason:
            raise InvalidAnswer(str(reason), text) from None

    def repair(self, problem: str, answer: str) -> str:
        """Return what is said to a model whose answer did not fit."""
        return f"This was not it:\n{answer}\n\nThat cannot be used. {problem}\n{self.instruction}"


def read(
    variables: Mapping[str, Any], text: str, *, name: str, many: bool, frame: bool, repairs: bool
) -> Form:
    """Return the form that `--schema` names or describes.

    Parameters
    ----------
    variables:
        The user's own.
    text:
        Fields in a line, JSON text, or the name of a variable that holds a class or a schema.

    Raises
    ------
    SchemaError
        It cannot be read.
    InvalidRequest
        A DataFrame is asked for, and pandas is not there.
    """
    if frame:
        from importlib.util import find_spec

        if find_spec("pandas") is None:
            raise InvalidRequest("--frame needs pandas, which is not installed here. Use --many for a list.")
    meant = meaning(text.strip(), variables, name)
    return Form(parse(meant), class_name(name), many=many, frame=frame, repairs=repairs)


def meaning(text: str, variables: Mapping[str, Any], output: str = "") -> Any:
    """Return what `--schema` stands for: a type, a schema that a variable holds, or the text itself.

    Parameters
    ----------
    output:
        The variable for the answer. It may still hold the one of the run before.
    """
    if inner := LISTED.fullmatch(text):
        of = meaning(inner[1], variables)
        if isinstance(of, str):
            raise SchemaError(f"`list[{of}]` is no type. Describe the fields of one, and add --many.")
        return list[of]  # type: ignore[valid-type]
    if text in PLAIN:
        return PLAIN[text]
    if not DOTTED.fullmatch(text):
        return text
    root, *path = map(as_kept, text.split("."))
    if root not in variables:
        if path or root[:1].isupper():
            raise SchemaError(f"There is no variable `{root}` here.{near(root, list(variables))}")
        return text
    found = variables[root]
    for part in path:
        if not hasattr(found, part):
            raise SchemaError(f"`{root}` has no `{part}`.")
        found = getattr(found, part)
    bare = not path and not root[:1].isupper()
    if is_word(found) or (bare and not is_schema(found) and (root == output or not is_table(found))):
        # The variable holds no schema: the text is a field of the same name.
        return text
    return found


def is_word(found: Any) -> bool:
    """Return whether something is a text that describes no fields."""
    return isinstance(found, str) and not re.search(r"[\s,{:]", found.strip())


def is_schema(found: Any) -> bool:
    """Return whether what a variable holds can be a schema: a type, one that was read, a mapping, a text."""
    if isinstance(found, Mapping):
        return not KEYWORDS.isdisjoint(found)
    is_type = isinstance(found, (type, UnionType, NewType)) or get_origin(found) is not None
    # Python 3.11 has this kind from `typing_extensions` alone.
    is_type = is_type or type(found).__name__ == "TypeAliasType"
    return is_type or isinstance(found, (str, Schema))


def is_table(found: Any) -> bool:
    """Return whether something has columns, which may be meant: that it is no schema is to be told."""
    return hasattr(type(found), "columns")


def class_name(variable: str) -> str:
    """Return the name of a class for values of a variable: `Person` for `person`."""
    return "".join(part[:1].upper() + part[1:] for part in variable.split("_")) or "Answer"


def listed(one: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that holds a list of what a schema describes."""
    inner = {word: part for word, part in one.items() if word not in SHARED}
    place = f"#/properties/{ITEMS}/items"
    return {
        "type": "object",
        "properties": {ITEMS: {"type": "array", "items": moved(inner, place)}},
        "required": [ITEMS],
        "additionalProperties": False,
        **{word: moved(one[word], place) for word in SHARED if word in one},
    }


def moved(schema: Any, place: str) -> Any:
    """Return a part of a schema whose references lead to where the old root stands now."""
    if isinstance(schema, list):
        return [moved(part, place) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {word: moved(part, place) for word, part in schema.items()}
    target = found.get("$ref")
    # What is shared stays at the root, and an anchor is found wherever it stands.
    inside = isinstance(target, str) and (target == "#" or target.startswith("#/"))
    if isinstance(target, str) and inside and not target.startswith(("#/$defs", "#/definitions")):
        found["$ref"] = f"{place}{target[1:]}"
    return found


def items_in(text: str) -> list[Any]:
    """Return the list in an answer: that of the form, or a bare one."""
    from tether_jupyter.client.schemas import NOTHING, read_json

    found = read_json(text)
    if isinstance(found, dict) and isinstance(found.get(ITEMS), list):
        return list(found[ITEMS])
    if isinstance(found, list):
        return found
    why = "There is no JSON in it." if found is NOTHING else f"It has no list `{ITEMS}`."
    raise InvalidAnswer(why, text)


def size(schema: Any, root: Any, depth: int = 0) -> int:
    """Return how many tokens an answer of a schema may well take: a generous guess."""
    if not isinstance(schema, dict) or depth > 6:
        return 64
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return size(resolved(reference, root), root, depth + 1)
    branches = [part for word in ("anyOf", "oneOf") for part in schema.get(word, [])]
    if branches:
        return max(size(part, root, depth + 1) for part in branches)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        return 8 + sum(8 + size(part, root, depth + 1) for part in properties.values())
    kind = schema.get("type")
    if kind == "array" or "items" in schema:
        return 16 * size(schema.get("items", {}), root, depth + 1)
    return {"string": 96, "integer": 12, "number": 16, "boolean": 4, "null": 2}.get(str(kind), 96)


def resolved(reference: str, root: Any) -> Any:
    """Return the part of a schema that a reference leads to; `None` where it leads elsewhere."""
    found = root
    for step in reference.removeprefix("#").split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        found = found.get(step) if isinstance(found, dict) else None
    return found
