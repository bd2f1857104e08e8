"""The doors of a server whose settings are bad: each says which one, to those who may ask."""

from __future__ import annotations

import sys

from tether_jupyter import __version__
from tether_jupyter.errors import ModelNotReady, TetherError
from tether_jupyter.server.base import TetherHandler
from tether_jupyter.server.v1_door import V1Door

ADVICE = "Correct it and restart Jupyter; `tether doctor` looks at all that is set."


class BadSetting(ModelNotReady):
    """A setting cannot be what it is set to: asking again helps nobody before Jupyter is restarted."""

    retryable = False


class UnreadyHandler(TetherHandler):
    """Any door."""

    max_body_size = sys.maxsize  # That a body is too large is not what its sender need know.

    def initialize(self, reason: TetherError) -> None:
        self.reason = BadSetting(reason.message, hint=reason.hint or ADVICE)

    def data_received(self, chunk: bytes) -> None:
        """Keep nothing of a body: nobody reads it."""

    def _allowed_origin(self) -> str:
        """Return no origin: the settings that list some cannot be read."""
        return ""

    async def tell(self, *_: str) -> None:
        raise self.reason

    get = head = post = put = patch = delete = tell


class UnreadyV1(V1Door, UnreadyHandler):
    """Any door in OpenAI's form."""

    get = head = post = put = patch = delete = UnreadyHandler.tell


class UnreadyHealth(UnreadyHandler):
    """`GET health`, in the form that it always has."""

    _track_activity = False

    async def get(self, *_: str) -> None:
        unknown = "unknown"
        self.answer(
            {
                "status": "unhealthy",
                "model": "",
                "backend": unknown,
                "llm_service": {"type": unknown, "ready": False},
                "database": {"kind": unknown, "ok": True, "problem": None},
                "gpu": None,
                "version": __version__,
                "demo": False,
                "place": "this machine",
                "problem": f"{self.reason.message} {self.reason.hint}",
            },
            503,
        )


def routes(reason: TetherError) -> list[tuple[str, type[UnreadyHandler], dict[str, TetherError]]]:
    """Return the doors of a server that has no more to say than this."""
    return [
        (pattern, handler, {"reason": reason})
        for pattern, handler in (
            (r"/tether/health", UnreadyHealth),
            (r"/tether/v1/.*", UnreadyV1),
            (r"/tether/.*", UnreadyHandler),
        )
    ]
