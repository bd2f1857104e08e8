"""What an answer must look like, whichever way it was said: as text, as a type, or as a JSON schema.

`parse` takes the short text of `schema_text`, a pydantic class, any type that pydantic knows
(`Literal["a", "b"]`, `list[int]`, a dataclass), a JSON schema as a dict, or one as JSON text. Pydantic and
jsonschema are imported with the first schema that needs them.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tether_jupyter.client import schema_text
from tether_jupyter.client.fitting import plain
from tether_jupyter.client.schema_fields import (
    Field,
    dangling,
    follow,
    json_object,
    object_words,
    read_field,
    read_fields,
)
from tether_jupyter.client.schema_text import SchemaError
from tether_jupyter.core.redact import safe
from tether_jupyter.errors import UpstreamError

WRAPPED = "answer"
SHARED = ("$defs", "definitions", "$schema")
FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)```", re.DOTALL)
SHOWN = 500

__all__ = ["Field", "InvalidAnswer", "Schema", "SchemaError", "parse"]


class InvalidAnswer(UpstreamError):
    """A model's answer is not what the schema asks for.

    Parameters
    ----------
    problem:
        What is wrong with it, without the answer's own words.
    answers:
        What the model wrote, the first attempt first.
    """

    retryable = False

    def __init__(self, problem: str, *answers: str) -> None:
        shown = "\n".join(
            f"{name}: {cut(answer)}" for name, answer in zip(("It wrote", "and then"), answers, strict=False)
        )
        super().__init__(
            f"The model's answer does not follow the schema: {problem}",
            hint=shown or None,
        )
        self.problem = problem
        self.answers = answers


@dataclass(frozen=True)
class Schema:
    """A schema, ready to be sent and to read answers with. Made by `parse`.

    Parameters
    ----------
    json_schema:
        The JSON schema of the answer, whose root is an object.
    fields:
        What the answer holds, by name; one field, `answer`, where the schema is no object.
    wrapped:
        Whether the value asked for stands in the object's only field, because the schema is no object.
    """

    json_schema: dict[str, Any]
    fields: tuple[Field, ...]
    wrapped: bool = False
    _check: Callable[[Any], Any] = field(default=lambda found: found, repr=False, compare=False)

    @cached_property
    def response_format(self) -> dict[str, Any]:
        """The request's `response_format`."""
        wanted: dict[str, Any] = {"name": "answer", "schema": self.json_schema}
        if is_closed(self.json_schema):
            # Services that know this word refuse it for a schema that leaves anything open.
            wanted["strict"] = True
        return {"type": "json_schema", "json_schema": wanted}

    @cached_property
    def instruction(self) -> str:
        """What a model is told, for a grammar alone does not say what the fields mean."""
        known = self.fields and not any(has_any(each) for each in self.fields)
        shape = object_words(self.fields) if known else json.dumps(self.json_schema, ensure_ascii=False)
        kind = "of this form" if known else "that follows this JSON schema"
        return f"Answer with one JSON object {kind}, and nothing else: {shape}"

    def validate(self, text: str) -> Any:
        """Return the value that an answer holds: a dict, an instance of the class, or the bare value.

        Text around the JSON, such as a fence, is passed over.

        Raises
        ------
        InvalidAnswer
            There is no JSON in it, or not of this form.
        """
        found = read_json(text)
        if found is NOTHING:
            raise InvalidAnswer("There is no JSON object in it." if text.strip() else "It is empty.", text)
        # A model that ignores the wrapper gives the bare value.
        if self.wrapped and isinstance(found, dict) and WRAPPED in found:
            found = found[WRAPPED]
        try:
            return self._checked(found)
        except Refused as reason:
            raise InvalidAnswer(str(reason), text) from None

    def prepare(self) -> None:
        """Import and build what `validate` needs, which the first answer would otherwise wait for."""
        with contextlib.suppress(Refused):
            self._checked(None)

    def _checked(self, found: Any) -> Any:
        """Return what the check makes of a value; raise `Refused` where it does not take it, or fails."""
        try:
            return self._check(found)
        except Refused:
            raise
        except Exception as reason:
            # A validator is somebody's own code, and may raise anything.
            said = safe(f"{type(reason).__name__}: {reason}", limit=200)
            raise Refused(f"The schema's own check failed on it ({said}).") from reason

    def columns(self, value: Any) -> dict[str, Any]:
        """Return a value's fields by name, as plain Python."""
        if self.wrapped or not self.fields:
            return {WRAPPED: plain(value)}
        held = plain(value)
        return {each.name: held.get(each.name) for each in self.fields}

    def repair(self, problem: str) -> str:
        """Return what to say to a model whose answer was not valid: `problem` is `InvalidAnswer.problem`."""
        return f"That answer cannot be used. {problem} {self.instruction}"


class Refused(ValueError):
    """A value is not what a schema says; the text says why."""


def parse(schema: Any) -> Schema:
    """Return the schema that something stands for; a `Schema` stays as it is.

    Parameters
    ----------
    schema:
        Text such as `'name, age int, tags list[str]'`, JSON text, a dict, a pydantic class or another type.

    Raises
    ------
    SchemaError
        It cannot be read; the message shows the place.
    """
    if isinstance(schema, Schema):
        return schema
    if isinstance(schema, str):
        if not schema.lstrip().startswith("{"):
            return of_fields(schema_text.read(schema))
        schema = from_text(schema)
    if isinstance(schema, Mapping):
        return of_json(dict(schema))
    return of_type(schema)


def from_text(text: str) -> dict[str, Any]:
    """Return the JSON schema in a text."""
    try:
        found = json.loads(text)
    except ValueError as reason:
        where = (
            f"line {reason.lineno}, column {reason.colno}" if isinstance(reason, json.JSONDecodeError) else ""
        )
        raise SchemaError(f"The JSON schema is no JSON: look at {where or 'its form'}.") from None
    if not isinstance(found, dict):
        raise SchemaError("A JSON schema must be an object.")
    return found


def of_fields(fields: tuple[Field, ...]) -> Schema:
    """Return the schema of an object that has these fields."""
    check: list[Callable[[Any], Any]] = []

    def late(found: Any) -> Any:
        if not check:
            check.append(pydantic_check(typed_dict(fields)))
        held = check[0](found)
        return {each.name: held.get(each.name) for each in fields}

    return Schema(json_object(fields), fields, _check=late)


def of_json(schema: dict[str, Any]) -> Schema:
    """Return the schema for a JSON schema."""
    from jsonschema import FormatChecker  # type: ignore[import-untyped]
    from jsonschema import SchemaError as Wrong
    from jsonschema.validators import validator_for  # type: ignore[import-untyped]

    kind = validator_for(schema)
    try:
        kind.check_schema(schema)
    except Wrong as reason:
        place = ".".join(str(part) for part in reason.absolute_path) or "its root"
        raise SchemaError(f"The JSON schema cannot be used, at {place}: {reason.message[:200]}") from None
    if path := dangling(schema, kind.META_SCHEMA["$schema"]):
        raise SchemaError(f"The JSON schema cannot be used: there is no schema in it at `{path[:200]}`.")
    validator = kind(schema, format_checker=FormatChecker())

    def check(found: Any) -> Any:
        for problem in validator.iter_errors(found):
            place = ".".join(str(part) for part in problem.absolute_path)
            where = f"`{place[:100]}`: " if place else ""
            raise Refused(f"{where}{problem.message[:200]}.")
        return found

    return of_root(schema, check)


def of_type(type_: Any) -> Schema:
    """Return the schema for a type that pydantic knows."""
    from pydantic import PydanticSchemaGenerationError, TypeAdapter
    from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError

    try:
        schema = TypeAdapter(type_).json_schema()
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema, PydanticUserError, NameError):
        name = getattr(type_, "__name__", None) or type(type_).__name__
        raise SchemaError(
            f"`{name}` is nothing that an answer can be made into. Give a text such as 'name, age int', a "
            "pydantic class, a type, or a JSON schema as a dict."
        ) from None
    return of_root(schema, pydantic_check(type_))


def of_root(schema: dict[str, Any], check: Callable[[Any], Any]) -> Schema:
    """Return the schema for a JSON schema; what is no object is put into one."""
    fields = read_fields(schema)
    if fields:
        # A class that holds itself is all reference: services want an object at the root.
        root = {**follow(schema, schema), **{word: schema[word] for word in SHARED if word in schema}}
        return Schema(root, fields, _check=check)
    inner = {word: part for word, part in schema.items() if word not in SHARED}
    wrapper: dict[str, Any] = {
        "type": "object",
        "properties": {WRAPPED: inner},
        "required": [WRAPPED],
        "additionalProperties": False,
        # References lead from the root.
        **{word: schema[word] for word in SHARED if word in schema},
    }
    return Schema(wrapper, (read_field(WRAPPED, inner, schema),), wrapped=True, _check=check)


def pydantic_check(type_: Any) -> Callable[[Any], Any]:
    """Return what makes JSON values into a type, or raises `Refused`."""
    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(type_)

    def check(found: Any) -> Any:
        try:
            # Through text, because JSON has no dates: a strict class takes them from text alone.
            return adapter.validate_json(json.dumps(found))
        except ValidationError as reason:
            told = reason.errors(include_url=False, include_input=False, include_context=False)[:5]
            said = []
            for problem in told:
                place = ".".join(str(part) for part in problem["loc"])
                said.append(f"`{place[:100]}`: {problem['msg']}." if place else f"{problem['msg']}.")
            raise Refused(" ".join(said)) from None

    return check


def typed_dict(fields: tuple[Field, ...]) -> Any:
    """Return a type for an object; a class would not take every name."""
    from typing import NotRequired

    import typing_extensions
    from pydantic import ConfigDict

    # Pydantic takes this one alone before Python 3.12.
    make: Any = typing_extensions.TypedDict
    members = {each.name: NotRequired[python(each)] if each.optional else python(each) for each in fields}
    made: Any = make("Answer", members)
    made.__pydantic_config__ = ConfigDict(extra="ignore", coerce_numbers_to_str=True)
    return made


def python(field: Field) -> Any:
    """Return the type of a field's values."""
    import datetime as dt
    from typing import Annotated, Literal

    from pydantic import Field as Limit

    simple = {
        "str": str,
        "int": int,
        "bool": bool,
        "float": Annotated[float, Limit(allow_inf_nan=False)],
        "date": dt.date,
        "datetime": dt.datetime,
        "any": Any,
    }
    made: Any
    if field.kind == "choice":
        made = Literal[field.choices]
    elif field.kind == "list":
        made = list[python(field.items)] if field.items else list[Any]  # type: ignore[misc]
    elif field.kind == "dict":
        made = dict[str, python(field.items)] if field.items else dict[str, Any]  # type: ignore[misc]
    elif field.kind == "object":
        made = typed_dict(field.fields)
    else:
        made = simple[field.kind]
    return made | None if field.optional else made


NOTHING = object()


def read_json(text: str) -> Any:
    """Return the JSON in an answer: all of it, a fenced part, or its first object; else `NOTHING`."""
    decoder = json.JSONDecoder(parse_constant=lambda word: None)
    candidates = [text.strip(), *(found[1].strip() for found in FENCE.finditer(text))]
    for candidate in candidates:
        try:
            return decoder.decode(candidate)
        except (ValueError, RecursionError):
            continue
    start = text.find("{")
    if start >= 0:
        try:
            return decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            return NOTHING
    return NOTHING


def is_closed(schema: Any) -> bool:
    """Return whether every object in a JSON schema names all that it holds, and needs it."""
    if isinstance(schema, list):
        return all(is_closed(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        names = schema.get("properties")
        if not isinstance(names, dict) or schema.get("additionalProperties") is not False:
            return False
        if set(schema.get("required", [])) != set(names):
            return False
    return all(is_closed(part) for part in schema.values())


def has_any(field: Field) -> bool:
    """Return whether a field holds something that has no word of its own."""
    inside = [field.items] if field.items else []
    return field.kind == "any" or any(has_any(each) for each in (*inside, *field.fields))


def cut(text: str) -> str:
    """Return the beginning of an answer, for a message."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
