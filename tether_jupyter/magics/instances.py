"""Values with attributes, made of answers that follow a schema without a class of its own."""

from __future__ import annotations

import keyword
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tether_jupyter.client import schemas

if TYPE_CHECKING:
    from pydantic import BaseModel

    from tether_jupyter.client.schema_fields import Field
    from tether_jupyter.client.schemas import Schema


def made(name: str, schema: Schema, value: Any) -> Any:
    """Return a value that was checked, as an instance of a class with its fields; others as they are.

    What pydantic has made into a class of the user's own stays so, and so does what is no object.
    """
    if schema.wrapped or not schema.fields or not isinstance(value, dict):
        return value
    return instance(name, schema.fields, value)


def instance(name: str, fields: tuple[Field, ...], value: dict[str, Any]) -> Any:
    """Return an object as an instance of a pydantic class, objects within it as well."""
    model, labels = made_class(name, fields)
    held = {labels[each.name]: inner(name, each, value.get(each.name)) for each in fields}
    rest = {attribute(key, set(held)): each for key, each in value.items() if key not in labels}
    return model.model_construct(**held, **rest)


@lru_cache(maxsize=64)
def made_class(name: str, fields: tuple[Field, ...]) -> tuple[type[BaseModel], dict[str, str]]:
    """Return the class of objects with these fields, the same each time, and each field's attribute."""
    from pydantic import ConfigDict, create_model
    from pydantic import Field as Slot

    labels: dict[str, str] = {}
    slots: dict[str, Any] = {}
    for each in fields:
        label = labels[each.name] = attribute(each.name, set(labels.values()))
        alias = each.name if label != each.name else None
        slot = Slot(None if each.optional else ..., alias=alias, description=each.description or None)
        slots[label] = (schemas.python(each) if simple(each) else Any, slot)
    config = ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())
    return create_model(name, __config__=config, **slots), labels


def inner(name: str, field: Field, value: Any) -> Any:
    """Return a field's value, with instances for the objects in it."""
    if field.kind == "object" and field.fields and isinstance(value, dict):
        return instance(f"{name}{attribute(field.name, set()).title().replace('_', '')}", field.fields, value)
    if field.kind == "list" and field.items is not None and isinstance(value, list):
        return [inner(f"{name}{attribute(field.name, set()).title()}", field.items, each) for each in value]
    return value


def simple(field: Field) -> bool:
    """Return whether a field's type can be said in Python as it stands."""
    inside = [field.items] if field.items else []
    return field.kind not in ("object", "any") and all(simple(each) for each in inside)


def attribute(name: str, taken: set[str]) -> str:
    """Return a name that an attribute can have and no other one has: `total_cost` for `total-cost`."""
    from pydantic import BaseModel

    made = re.sub(r"\W", "_", name).lstrip("_") or "field"
    if made[0].isdigit():
        made = f"field_{made}"
    if keyword.iskeyword(made) or hasattr(BaseModel, made):
        made = f"{made}_"
    while made in taken:
        made = f"{made}_"
    return made
