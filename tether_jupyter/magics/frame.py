"""`--frame`: a list of values as a DataFrame whose columns have their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tether_jupyter.client.fitting import fitted, text_of

if TYPE_CHECKING:
    from tether_jupyter.client.schema_fields import Field
    from tether_jupyter.client.schemas import Schema

DTYPES = {"str": "string", "int": "Int64", "float": "Float64", "bool": "boolean"}
DTYPES |= {"date": "datetime64[s]", "datetime": "datetime64[us, UTC]"}
"""With room for what is missing; a column that needs none gets NumPy's own."""
PLAIN = {"int": "int64", "float": "float64", "bool": "bool"}


def frame(schema: Schema, values: list[Any]) -> Any:
    """Return a DataFrame with a row for each value and a column for each field.

    Raises
    ------
    ValueError
        A value is none that a row can be made of; the text says why.
    """
    import pandas as pd  # type: ignore[import-untyped]

    rows = [row_of(schema, value) for value in values]
    if not schema.fields:
        return pd.DataFrame({"answer": [row["answer"] for row in rows]}, columns=["answer"])
    found = {field.name: column(pd, [row[field.name] for row in rows], field) for field in schema.fields}
    return pd.DataFrame(found)


def row_of(schema: Schema, value: Any) -> dict[str, Any]:
    """Return a value's fields by name, each as its column holds it."""
    try:
        row = schema.columns(value)
    except AttributeError:
        # A schema that leaves its root's type open takes a list where it names fields.
        raise ValueError("One of the rows is no object with the schema's fields.") from None
    return row | {field.name: cell(row[field.name], field) for field in schema.fields}


def cell(value: Any, field: Field) -> Any:
    """Return a value as a column with a type of its own holds it; others as they are."""
    if value is None or field.kind not in DTYPES:
        return value
    return text_of(value) if field.kind == "str" else fitted(value, field)


def column(pd: Any, values: list[Any], field: Field) -> Any:
    """Return a column with the type of its field; as pandas makes it where there is none for it."""
    if field.kind == "choice":
        # A JSON schema may say one twice.
        return pd.Series(values, dtype=pd.CategoricalDtype(list(dict.fromkeys(field.choices))))
    if field.kind in PLAIN and not field.optional and None not in values:
        return pd.Series(values, dtype=PLAIN[field.kind])
    return pd.Series(values, dtype=DTYPES.get(field.kind))
