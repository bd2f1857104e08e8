"""`--frame`: a list of values as a DataFrame whose columns have their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tether_jupyter.client.schema_fields import Field
    from tether_jupyter.client.schemas import Schema

DTYPES = {"str": "string", "int": "Int64", "float": "Float64", "bool": "boolean"}
"""With room for what is missing; a column that needs none gets NumPy's own."""
PLAIN = {"int": "int64", "float": "float64", "bool": "bool"}


def frame(schema: Schema, values: list[Any]) -> Any:
    """Return a DataFrame with a row for each value and a column for each field."""
    import pandas as pd  # type: ignore[import-untyped]

    names = [field.name for field in schema.fields] or ["answer"]
    rows = [schema.columns(value) for value in values]
    table = pd.DataFrame({name: [row.get(name) for row in rows] for name in names}, columns=names)
    for field in schema.fields:
        table[field.name] = typed(pd, table[field.name], field)
    return table


def typed(pd: Any, column: Any, field: Field) -> Any:
    """Return a column with the type of its field; as it is where there is none for it."""
    if field.kind in ("date", "datetime"):
        return pd.to_datetime(column, errors="coerce", utc=True if field.kind == "datetime" else None)
    if field.kind == "choice":
        return column.astype(pd.CategoricalDtype(list(field.choices)))
    if field.kind not in DTYPES:
        return column
    if field.kind in PLAIN and not field.optional and not column.isna().any():
        return column.astype(PLAIN[field.kind])
    return column.astype(DTYPES[field.kind])
