"""From answers to columns: their names, and the field that each one holds."""

from __future__ import annotations

from dataclasses import dataclass

from tether_jupyter.client.schemas import Field, Schema
from tether_jupyter.errors import InvalidRequest

TEXT = Field("answer", "str")


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
