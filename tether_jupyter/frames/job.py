"""What a run is asked to do: everything but the rows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tether_jupyter.client.discovery import Server
from tether_jupyter.client.schemas import Schema, parse
from tether_jupyter.errors import InvalidRequest

MOST_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Job:
    """The settings of a run. It can be sent to another process; its `repr` and its hash hold no token.

    Parameters
    ----------
    schema:
        As the user gave it.
    sampling:
        The request's fields that choose tokens.
    server:
        Which server to ask; the one that belongs to the process where it is `None`.
    """

    prompt: Any
    schema: Any
    name: str | None
    model: str | None
    system: str | None
    sampling: dict[str, Any]
    concurrency: int | None
    retries: int
    skip_null: bool
    cache: bool | str | Path
    dry_run: bool
    confirm: bool
    max_cost: float | None
    progress: bool | None
    server: Server | None

    def __post_init__(self) -> None:
        if self.concurrency is not None and not 1 <= self.concurrency <= MOST_AT_ONCE:
            raise InvalidRequest(f"`concurrency` must be from 1 to {MOST_AT_ONCE}.")
        if self.retries < 0:
            raise InvalidRequest("`retries` must be 0 or more.")
        if self.max_cost is not None and not self.max_cost >= 0:
            raise InvalidRequest("`max_cost` must be an amount in US dollars.")
        if self.name is not None and not (isinstance(self.name, str) and self.name):
            raise InvalidRequest("`name` must be a column's name.")

    def __dask_tokenize__(self) -> Any:
        """Return what makes this another job for dask; the token does not."""
        told = [(each.name, getattr(self, each.name)) for each in fields(self) if each.name != "server"]
        return [*told, ("server", self.server.url if self.server else None)]

    def parsed(self) -> Schema | None:
        """Return the schema, or raise `SchemaError`."""
        return None if self.schema is None else parse(self.schema)
