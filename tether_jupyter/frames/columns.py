"""From answers to columns: their names, and values that a column of their kind can hold."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from tether_jupyter.client.schemas import Field, Schema
from tether_jupyter.errors import InvalidRequest

TEXT = Field("answer", "str")
WIDEST = 2**63


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that answers become: `fields` by their columns' names, and the name of the errors' own."""

    fields: dict[str, Field]
    error: str

    @property
    def names(self) -> list[str]:
        """All names, in order."""
        return [*self.fields, self.error]

    def check(self, read: tuple[str, ...]) -> None:
        """Raise `InvalidRequest` where an answer would take the place of a column that the prompt reads."""
        for name in self.names:
            if name in read:
                raise InvalidRequest(
                    f"The answers' column `{name}` would take the place of the one that the prompt reads. "
                    "Choose another with `name=`."
                )


def columns_of(schema: Schema | None, name: str | None) -> Columns:
    """Return the columns for answers of a schema: one field is a column, several are several.

    Parameters
    ----------
    schema:
        `None` for plain text, which becomes the column `answer`.
    name:
        The column's name where there is one; what the names begin with, and `_`, where there are more.
    """
    fields = schema.fields if schema is not None and schema.fields else (TEXT,)
    if len(fields) == 1:
        only = name or fields[0].name
        return Columns({only: fields[0]}, f"{only}_error")
    start = f"{name}_" if name else ""
    found = {f"{start}{field.name}": field for field in fields}
    error = f"{start}error"
    return Columns(found, error if error not in found else f"{start}tether_error")


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
