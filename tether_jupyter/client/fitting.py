"""An answer's values as a column holds them: plain Python, the schema's names, their field's kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from tether_jupyter.client.schema_fields import Field

WIDEST = 2**63


def plain(value: Any) -> Any:
    """Return a value in plain Python: models and dataclasses as dicts, members of an enum as values."""
    from enum import Enum

    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    kind = type(value)
    if getattr(kind, "__pydantic_root_model__", False):
        return plain(value.root)
    names = kind.model_fields if hasattr(value, "model_dump") else getattr(kind, "__dataclass_fields__", None)
    if names is None:
        return value
    return {label(kind, name): plain(getattr(value, name)) for name in names}


def label(kind: type, name: str) -> str:
    """Return what the JSON schema of a class calls one of its attributes."""
    info = getattr(kind, "__pydantic_fields__", {}).get(name)
    config = getattr(kind, "model_config" if hasattr(kind, "model_dump") else "__pydantic_config__", {})
    if info is None or config.get("validate_by_alias") is False:
        return name
    alias = info.validation_alias or info.alias
    # Of several, pydantic shows the first that is no way into another value.
    ways = [getattr(each, "path", [each]) for each in getattr(alias, "choices", [])]
    if ways:
        alias = next((way[0] for way in ways if len(way) == 1), None)
    return alias if isinstance(alias, str) else name


def fitted(value: Any, field: Field) -> Any:
    """Return a value as its column holds it: dates from text, times without a zone (in UTC).

    Raises
    ------
    ValueError
        A column of this kind cannot hold it; the text says why.
    """
    if value is None:
        return None
    if isinstance(value, str) and field.kind not in ("date", "datetime"):
        return whole(value)
    if field.kind == "int":
        if not -WIDEST <= value < WIDEST:
            raise ValueError(f"`{field.name}` is larger than a column of integers can hold.")
        # JSON Schema takes 3.0 for an integer.
        return int(value)
    if field.kind == "float":
        return as_float(value, field)
    if field.kind == "date":
        return as_date(value, field)
    if field.kind == "datetime":
        return as_time(value, field)
    if field.kind == "list" and field.items:
        return [fitted(each, field.items) for each in value]
    if field.kind == "dict" and field.items:
        return {key: fitted(each, field.items) for key, each in value.items()}
    if field.kind == "object":
        return {inner.name: fitted(value.get(inner.name), inner) for inner in field.fields}
    return value


def whole(text: str) -> str:
    """Return a text without halves of characters, which neither a column nor a connection can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def as_float(value: Any, field: Field) -> float:
    """Return a number, which JSON may write with more digits than there is room for."""
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"`{field.name}` is larger than a column of numbers can hold.") from None


def as_date(value: Any, field: Field) -> dt.date:
    """Return a day."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"`{field.name}` is no date.") from None


def as_time(value: Any, field: Field) -> dt.datetime:
    """Return a time without a zone, in UTC where it had one."""
    if not isinstance(value, dt.datetime):
        try:
            value = dt.datetime.fromisoformat(str(value))
        except ValueError:
            raise ValueError(f"`{field.name}` is no date and time.") from None
    time: dt.datetime = value
    try:
        return time.astimezone(dt.UTC).replace(tzinfo=None) if time.tzinfo else time
    except OverflowError:
        # In the year 1 or 9999, which stand for no date at all.
        raise ValueError(f"`{field.name}` is no time that there is in UTC.") from None


def text_of(value: Any) -> str:
    """Return a value of a column of texts: a class may have made a UUID, a time or a path of it."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    return whole(str(value))
