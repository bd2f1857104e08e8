"""Which value of a setting is in force, and which layer it came from.

Strongest first: the request · the preset that it names, else the active one · the client's settings · the
server's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tether_jupyter.core.request import ChatRequest

FIELDS = (
    "model",
    "system",
    "temperature",
    "max_tokens",
    "top_p",
    "top_k",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
    "logit_bias",
    "stop",
    "seed",
    "response_format",
    "tools",
    "tool_names",
    "see",
)
"""The fields of a request that a front end can be set to: all that shapes an answer, none that asks."""

REQUEST, PRESET, CLIENT, DEFAULT = "request", "preset", "client settings", "default"


@dataclass(frozen=True, slots=True)
class InForce:
    """A value and the layer that it came from."""

    value: Any
    layer: str

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        return {"value": self.value, "layer": self.layer}


def in_force(
    request: Mapping[str, Any],
    *,
    named: Mapping[str, Any] | None = None,
    active: Mapping[str, Any] | None = None,
    client: Mapping[str, Any] | None = None,
    server: Mapping[str, InForce] | None = None,
) -> dict[str, InForce]:
    """Return every field's value and layer.

    Parameters
    ----------
    request:
        The fields that a request sets. `None` sets nothing, here as in every layer.
    named:
        The preset that the request names. It takes the active one's place as a whole: nobody expects a value
        of a preset that they did not ask for.
    active:
        The client's active preset.
    client:
        The client's settings.
    server:
        The server's settings, which know their own layers.
    """
    layers = (
        (REQUEST, request),
        (PRESET, active if named is None else named),
        (CLIENT, client),
    )
    found: dict[str, InForce] = {}
    for name in FIELDS:
        for layer, values in layers:
            if values and values.get(name) is not None:
                found[name] = InForce(values[name], layer)
                break
        else:
            found[name] = (server or {}).get(name, InForce(None, DEFAULT))
    return found


@dataclass(frozen=True, slots=True)
class Preset:
    """A named layer: values under the names of a request's fields."""

    name: str
    values: dict[str, Any]
    active: bool
    created_at: datetime
    updated_at: datetime

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "name": self.name,
            "values": self.values,
            "active": self.active,
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Layers:
    """What lies between a request and the server's settings: a preset, and a client's settings.

    Parameters
    ----------
    client:
        The client's settings.
    active:
        Values of the active preset; `None` where none is active.
    named:
        Values of the preset that a request names; `None` where it names none.
    preset:
        The name of the preset that counts: the named one, else the active one.
    """

    client: Mapping[str, Any] = field(default_factory=dict)
    active: Mapping[str, Any] | None = None
    named: Mapping[str, Any] | None = None
    preset: str | None = None

    def kept(self) -> dict[str, Any]:
        """Return what is set here, the preset over the client's settings, without the server's share."""
        found = self.in_force()
        return {name: found[name].value for name in FIELDS if found[name].layer != DEFAULT}

    def in_force(
        self, request: Mapping[str, Any] | None = None, server: Mapping[str, InForce] | None = None
    ) -> dict[str, InForce]:
        """Return every field's value and layer."""
        return in_force(
            request or {}, named=self.named, active=self.active, client=self.client, server=server
        )

    def apply(self, request: ChatRequest) -> ChatRequest:
        """Return a copy with each field filled that the request leaves open; itself where nothing is set."""
        kept = self.kept() if self.client or self.active or self.named else {}
        given = said(request)
        missing = {name: value for name, value in kept.items() if name not in given}
        if "see" in kept:
            from tether_jupyter.core.request import See

            own = request.see.model_dump(exclude_none=True) if request.see else {}
            missing["see"] = See(**{**kept["see"], **own})
        return request.model_copy(update=missing) if missing else request


def said(request: ChatRequest) -> dict[str, Any]:
    """Return the fields that a request sets itself: `null` stands for one that it leaves open."""
    return {
        name: value
        for name in FIELDS
        if name in request.model_fields_set and (value := getattr(request, name)) is not None
    }
