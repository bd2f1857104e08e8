"""The fake API of the tests, as a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator

from benchmarks.support.process import process


class Upstream:
    """A running fake. Its model's name is its script, such as `n=200,first=0.2,gap=0.02`."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid
        self.url = f"http://127.0.0.1:{port}/v1"

    def stats(self, connection: http.client.HTTPConnection) -> dict[str, int]:
        """Return its counts: `open`, `finished`, `aborted`, `requests`."""
        connection.request("GET", "/stats")
        counts: dict[str, int] = json.loads(connection.getresponse().read())
        return counts

    @contextlib.contextmanager
    def watch(self, pause: float = 0.002) -> Iterator[Watch]:
        """Note the moment at which a caller of it goes away, looking every `pause` seconds."""
        watch = Watch(self, pause)
        try:
            yield watch
        finally:
            watch.stop()


class Watch:
    """Looks at the fake's count of aborted answers; `gone` waits for the next one."""

    def __init__(self, upstream: Upstream, pause: float) -> None:
        self._upstream = upstream
        self._pause = pause
        self._ended = threading.Event()
        self._seen = threading.Event()
        self._at = 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def gone(self, seconds: float) -> float | None:
        """Return when (`time.time()`) an answer was broken off; `None` if that did not happen in time."""
        return self._at if self._seen.wait(seconds) else None

    def stop(self) -> None:
        """End the watch."""
        self._ended.set()
        self._thread.join(5)

    def _look(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._upstream.port, timeout=5)
        before = self._upstream.stats(connection)["aborted"]
        while not self._ended.wait(self._pause):
            if self._upstream.stats(connection)["aborted"] > before:
                self._at = time.time()
                self._seen.set()
                break
        connection.close()


@contextlib.contextmanager
def upstream() -> Iterator[Upstream]:
    """Run a fake API."""
    with process([sys.executable, "-m", "tests.support.fake_openai"], pipes=True) as child:
        assert child.stdout is not None
        yield Upstream(int(child.stdout.readline()), child.pid)
