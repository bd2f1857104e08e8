"""The worker, unchanged but for the time of its events: each says `at` when it was handed to the pipe.

That is the moment at which an engine in the same process would have called whoever listens. The clock is
`time.perf_counter`, which on Linux is one for all processes.
"""

from __future__ import annotations

import time

from tether_jupyter.llm.local import pipe, worker


class StampedSender(pipe.Sender):
    """A sender that notes the time first."""

    def send_all(self, events: list[pipe.Message]) -> None:
        """See `pipe.Sender`."""
        now = time.perf_counter()
        super().send_all([{**event, "at": now} for event in events])


if __name__ == "__main__":
    pipe.Sender = StampedSender  # type: ignore[misc]  # it is looked up when the worker starts
    worker.main()
