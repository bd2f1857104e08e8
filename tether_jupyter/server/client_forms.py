"""What callers send to and get from the doors of settings and presets, and how it is checked."""

from __future__ import annotations

import copy
from functools import reduce
from operator import or_
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError, create_model

from tether_jupyter.core.layers import FIELDS
from tether_jupyter.core.request import ChatRequest, explain, not_here_yet
from tether_jupyter.errors import InvalidRequest

STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)


def settable(name: str) -> tuple[Any, Any]:
    """Return a field of a request as one that may also be left open."""
    field = copy.copy(ChatRequest.model_fields[name])
    field.default = None
    return reduce(or_, (field.annotation, None)), field


ModelSettings = create_model(  # type: ignore[call-overload]
    "ModelSettings",
    __config__=STRICT,
    __doc__="What a model is asked with where a request does not say. Null stands for: not set.",
    **{name: settable(name) for name in FIELDS},
)
"""The sampling fields of a request, with the bounds that they have there."""

PresetName = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class FreeSettings(BaseModel):
    """A front end's own settings: any JSON under any names, but no secret and no address."""

    model_config = ConfigDict(extra="allow")


class ClientState(BaseModel):
    client_id: str
    llm: ModelSettings = Field(description="Only what is set.")  # type: ignore[valid-type]
    tts: dict[str, JsonValue]
    stt: dict[str, JsonValue]
    ui: dict[str, JsonValue]
    active_preset: str | None


class EffectiveValue(BaseModel):
    value: JsonValue
    layer: str = Field(
        description="`preset`, `client settings`, or where the server has it from: `server configuration`, "
        "`environment`, `.env`, `tether.yaml` or `default`."
    )


class PresetBody(BaseModel):
    model_config = STRICT

    values: ModelSettings | None = None  # type: ignore[valid-type]
    from_current: bool = Field(
        False, description="Instead of `values`: what is in force for this front end now."
    )


class NewPreset(PresetBody):
    name: PresetName = Field(description="1 to 80 printable characters, no slash.")


class ChangedPreset(PresetBody):
    name: PresetName | None = Field(None, description="Its name from now on.")


class PresetEntry(BaseModel):
    model_config = STRICT

    name: PresetName
    values: ModelSettings  # type: ignore[valid-type]


class PresetFile(BaseModel):
    """What `?download=true` gives."""

    model_config = STRICT

    presets: list[PresetEntry] = Field(max_length=100)


class PresetImport(PresetFile):
    """A file of presets, and whether it may replace what is there."""

    replace: bool = Field(False, description="Replace presets of the same name.")


class PresetState(BaseModel):
    name: str
    values: ModelSettings = Field(description="Only what is set.")  # type: ignore[valid-type]
    active: bool
    created_at: str
    updated_at: str


class PresetList(BaseModel):
    presets: list[PresetState]
    active: str | None = Field(description="The name of the one that lies over the settings.")


class DeletedPreset(BaseModel):
    name: str
    deleted: bool


Form = TypeVar("Form", bound=BaseModel)


def read(form: type[Form], fields: dict[str, Any]) -> Form:
    """Return a body that has the form.

    Raises
    ------
    InvalidRequest
        A field is unknown, is missing or holds what it cannot; the message names it and never its value.
    """
    try:
        return form.model_validate(fields)
    except ValidationError as reason:
        raise InvalidRequest(explain(reason)) from None


def read_settings(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that are named, with `None` for those that are null. Raises as `read`."""
    return settings_of(read(ModelSettings, fields))


def settings_of(settings: BaseModel) -> dict[str, Any]:
    """Return settings that were checked, as plain values.

    Raises
    ------
    InvalidRequest
        They ask for what is not there yet: a turn would go on without it, and nobody would know.
    """
    values = settings.model_dump(mode="json", exclude_unset=True)
    not_here_yet(values)
    return values


def preset_values(body: PresetBody) -> dict[str, Any] | None:
    """Return a preset's values, or `None` where they are those in force.

    Raises
    ------
    InvalidRequest
        Both are asked for, or neither.
    """
    if body.from_current == (body.values is not None):
        raise InvalidRequest("Send either `values` or `from_current: true`.")
    return None if body.values is None else settings_of(body.values)
