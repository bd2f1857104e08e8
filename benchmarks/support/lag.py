"""A server extension that notes how late the server's event loop is, for `engine_lag`.

`GET benchmark/lag?after=N` returns how many samples there are, and those from the N-th on, in seconds: how
much later than asked for a timer of two milliseconds fired.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web

PERIOD = 0.002
PATH = "benchmark/lag"


class LagHandler(JupyterHandler):
    """Tells the samples."""

    @web.authenticated
    def get(self) -> None:
        """Return how many there are, and those from `after` on; without it, none."""
        samples: list[float] = self.settings["benchmark_lag"]
        after = int(self.get_query_argument("after", str(len(samples))))
        self.finish(json.dumps({"count": len(samples), "samples": samples[after:]}))


async def watch(samples: list[float]) -> None:
    """Sleep again and again, and note by how much each sleep was too long."""
    loop = asyncio.get_running_loop()
    while True:
        wanted = loop.time() + PERIOD
        await asyncio.sleep(PERIOD)
        samples.append(loop.time() - wanted)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: Any) -> None:
    samples: list[float] = []
    app.web_app.settings["benchmark_lag"] = samples
    app.web_app.add_handlers(".*$", [(url_path_join(app.web_app.settings["base_url"], PATH), LagHandler)])
    app.io_loop.add_callback(watch, samples)
