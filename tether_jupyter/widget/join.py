"""A turn that is under way elsewhere, read from its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tether_jupyter.client import http
from tether_jupyter.client.sync import Client, Stream

if TYPE_CHECKING:
    import httpx


class Join(Stream):
    """The events of a turn that somebody has asked for: a cell, the sidebar. Leaving does not stop it.

    Parameters
    ----------
    generation_id:
        The turn: its answer's id. Where it has ended and is not kept any more, opening raises `NotFound`.
    """

    def __init__(self, client: Client, generation_id: str) -> None:
        super().__init__(client, {})
        self._path = f"generations/{quote(generation_id, safe='')}/events?after=0"

    def open(self) -> httpx.Response:
        """Send the request, if that has not been done, and wait for the answer's beginning."""
        if self._response is None:
            self._response = self._client._send("GET", self._path, accept=http.NDJSON, stream=True)
        return self._response
