"""A server without doors, to be killed: `python -m tests.faults.history_server URL`.

It says `ready` when its history can be used, waits for a line, and then answers questions without end, in
several conversations at once. Each thing that somebody was told is a line of JSON first.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from typing import Any

from traitlets.config import Config

from tether_jupyter import settings
from tether_jupyter.core.request import read_chat
from tether_jupyter.services import Services

TOGETHER = 3
SCRIPT: list[dict[str, Any]] = [
    {"repeat": [60, {"delta": "abcdefgh "}, 0.004]},
    {"repeat": [20, {"delta": "x" * 600 + " "}, 0.01]},
    {"repeat": [60, {"delta": "abcdefgh "}, 0.004]},
]
"""An answer that comes slowly, then fast, then slowly again."""
ANSWER = "".join(step["repeat"][1]["delta"] * step["repeat"][0] for step in SCRIPT)


def tell(**what: Any) -> None:
    """Write a line at once: nothing of it may be lost with this process."""
    os.write(1, (json.dumps(what) + "\n").encode())


async def converse(services: Services, number: int) -> None:
    """Ask one question after the other in a conversation."""
    conversation: str | None = None
    for n in itertools.count():
        question = f"question {n} of {number} of {os.getpid()}"
        request = read_chat({"message": question, "conversation_id": conversation}, max_message_length=10_000)
        generation = await services.ask(request, "ann", "trace")
        size = 0
        async for _, events in generation.follow():
            for event in events:
                if "meta" in event:
                    conversation = event["meta"]["conversation_id"]
                    sheltered = services.history.problem is not None
                    # What only memory holds is acknowledged under a banner that says so.
                    tell(
                        asked=event["meta"]["parent_id"],
                        text=question,
                        answer=generation.id,
                        banner=sheltered,
                    )
                elif "delta" in event:
                    size += len(event["delta"])
                elif "done" in event:
                    tell(done=generation.id, at=time.monotonic(), banner=services.history.problem is not None)
            tell(said=generation.id, size=size, at=time.monotonic())


async def main(url: str) -> None:
    """Serve until killed."""
    config = Config({"Tether": {"backend": "mock"}, "MockLLM": {"script": SCRIPT}})
    services = Services(settings.load(config, environment={"DATABASE_URL": url}))
    await services.history.conversations("ann", limit=1)
    tell(ready=True, problem=services.history.problem)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    tasks = [asyncio.create_task(converse(services, number)) for number in range(TOGETHER)]
    tasks.append(asyncio.create_task(report(services)))
    await asyncio.gather(*tasks)


async def report(services: Services) -> None:
    """Say when the history fails and when it works again."""
    before = None
    while True:
        if (problem := services.history.problem) != before:
            before = problem
            tell(problem=problem)
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
