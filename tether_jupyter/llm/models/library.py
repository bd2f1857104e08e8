"""The models of this machine and those worth having, as one list; what is pulled and removed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tether_jupyter.errors import Conflict, RateLimited
from tether_jupyter.llm.models.catalogue import SUGGESTIONS, Suggestion
from tether_jupyter.llm.models.hub import Hub
from tether_jupyter.llm.models.progress import Report
from tether_jupyter.llm.models.pull import Pull, Pulled
from tether_jupyter.llm.models.retry import Timing
from tether_jupyter.llm.models.shelf import Entry, Shelf

if TYPE_CHECKING:
    from tether_jupyter.settings import Settings

SEES = False
"""The engine of this machine's models reads text alone, whatever a model was made for."""
MAX_PULLS = 4
"""Pulls that one server runs at once."""

SIZES = ((2e9, "under 2 GB"), (8e9, "2 to 8 GB"), (16e9, "8 to 16 GB"), (float("inf"), "over 16 GB"))
FACETS = ("place", "installed", "size", "quantization", "context_length", "architecture", "license")


class Library:
    """What `tether models`, `tether pull` and `tether rm` do, and the doors of the same names.

    Parameters
    ----------
    shelf:
        The models folder.
    endpoint, token:
        The hub that models are pulled from, and what it knows us by.
    context_length:
        Tokens of context that memory is told for; 0 for all that a model was made for.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        endpoint: str = "https://huggingface.co",
        token: str = "",
        context_length: int = 4096,
        timing: Timing | None = None,
    ) -> None:
        self.shelf = shelf
        self.endpoint = endpoint
        self.context_length = context_length
        self.timing = timing or Timing()
        self._token = token
        self._pulls = 0

    @classmethod
    def from_settings(cls, settings: Settings) -> Library:
        """Build the library. Nothing is read and nothing is reached for."""
        local = settings.local
        return cls(
            Shelf(local.models_dir),
            endpoint=local.hub_endpoint,
            token=settings.secret("HF_TOKEN"),
            context_length=local.context_length,
        )

    async def pull(self, text: str, report: Report) -> Pulled:
        """Pull what a text names; see `Pull.run`.

        Raises
        ------
        RateLimited
            Too many pulls are under way.
        """
        if self._pulls >= MAX_PULLS:
            raise RateLimited(f"{MAX_PULLS} models are being pulled already. Wait for one of them.")
        self._pulls += 1
        try:
            hub = Hub(self.endpoint, self._token)
            return await Pull(self.shelf, hub, report, self.timing).run(text)
        finally:
            self._pulls -= 1

    async def remove(self, name: str, loaded: Iterable[str] = ()) -> None:
        """Remove a model.

        Parameters
        ----------
        loaded:
            Names of models that are in memory.

        Raises
        ------
        NotFound
            There is none of that name.
        Conflict
            It is loaded, or being pulled.
        """
        if name in loaded:
            raise Conflict(f"{name!r} is loaded. Unload it first, with `models/unload`.")
        await asyncio.to_thread(self.shelf.remove, name)

    async def rows(self, running: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
        """Return what can answer or could be pulled: first what is loaded, then what is here.

        Parameters
        ----------
        running:
            What backends say of their own models: `name` at least, and any other column of a row.
        """
        return await asyncio.to_thread(self.look, running)

    def look(self, running: Sequence[Mapping[str, Any]] = ()) -> list[dict[str, Any]]:
        """Return the same, blocking."""
        rows = {entry.name: self._installed(entry) for entry in self.shelf.list()}
        for part in self.shelf.partial():
            rows.setdefault(part.name, row_of(part.name, repo=part.repo))["partial"] = part.size
        for known in SUGGESTIONS:
            row = rows.setdefault(known.name, suggested_row(known))
            row["purpose"] = known.purpose
            if not row["installed"]:
                row |= {**suggested_row(known), "partial": row["partial"]}
        for model in running:
            name = str(model["name"])
            row = rows.setdefault(name, row_of(name, installed=True))
            row |= {column: model[column] for column in row if model.get(column) is not None}
        return sorted(rows.values(), key=lambda row: (not row["loaded"], not row["installed"]))

    def facets(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """Return, for each facet, its values and how many models have them, the commonest first."""
        counted: dict[str, list[dict[str, Any]]] = {}
        for facet in FACETS:
            values = Counter(value for row in rows if (value := facet_of(row, facet)) is not None)
            counted[facet] = [{"value": value, "count": count} for value, count in values.most_common()]
        return counted

    def _installed(self, entry: Entry) -> dict[str, Any]:
        facts, header, origin = entry.facts, entry.header, entry.origin
        return row_of(
            entry.name,
            installed=True,
            size=entry.size,
            memory=facts.memory(entry.size, self.context_length) if facts else None,
            quantization=facts.quantization if facts else None,
            context_length=header.context_length if header else None,
            architecture=header.architecture if header else None,
            vision=SEES,
            license=(origin.license if origin else None) or (facts.license if facts else None),
            repo=origin.repo if origin else None,
            problem=entry.problem,
        )


def row_of(name: str, **known: Any) -> dict[str, Any]:
    """Return a model's row; what is unknown is null."""
    return {
        "name": name,
        "installed": False,
        "loaded": False,
        "active": False,
        "backend": "local",
        "place": "this machine",
        "size": None,
        "memory": None,
        "quantization": None,
        "context_length": None,
        "architecture": None,
        "vision": None,
        "license": None,
        "repo": None,
        "purpose": None,
        "partial": None,
        "problem": None,
        "approximate": False,
        "engine": None,
        **known,
    }


def suggested_row(known: Suggestion) -> dict[str, Any]:
    """Return the row of a model that could be pulled. Its figures are approximate, and say so."""
    return row_of(
        known.name,
        size=known.size,
        memory=known.memory,
        vision=SEES,
        license=known.license,
        repo=known.repo,
        purpose=known.purpose,
        approximate=True,
    )


def facet_of(row: Mapping[str, Any], facet: str) -> Any:
    """Return the value that a model has in a facet."""
    value = row[facet]
    if facet == "size" and value is not None:
        return next(label for limit, label in SIZES if value < limit)
    return value
