"""Eight processes that write turns into one SQLite file for a minute.

Each keeps questions and states of answers, as servers do, as fast as they are taken. A write is refused when
it ends as an error, such as "database is locked".
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import tempfile
import time

from benchmarks.support.process import process
from benchmarks.support.result import Row
from benchmarks.support.turns import spread
from tether_jupyter.core.history import StoredMessage, new_id
from tether_jupyter.errors import TetherError
from tether_jupyter.store.database import Database
from tether_jupyter.store.history import SqlHistory
from tether_jupyter.store.presence import prepare

ROUNDS = 1
SECONDS = 900
WRITERS = 8
LASTS, QUICK = 60.0, 5.0
STATES = 4
"""How often an answer is kept while it grows."""


def run(rounds: int, quick: bool) -> list[Row]:
    """Let them write."""
    lasts = QUICK if quick else LASTS
    found = [minute(lasts) for _ in range(rounds)]
    seconds = [[value for one in writers for value in one["seconds"]] for writers in found]
    refused = [sum(len(one["refused"]) for one in writers) for writers in found]
    for reason in sorted({reason for writers in found for one in writers for reason in one["refused"]}):
        print(f"refused: {reason}")
    shares = [min(len(one["seconds"]) for one in w) / max(len(one["seconds"]) for one in w) for w in found]
    return [
        Row("writes refused", "", refused, at_most=0, each=True),
        Row("a write, p99", "ms", [1000 * spread(each, 0.99) for each in seconds], at_most=250, each=True),
        Row("a write, p50", "ms", [1000 * spread(each, 0.5) for each in seconds]),
        Row("a write, slowest", "ms", [1000 * max(each) for each in seconds]),
        Row("writes of all", "a second", [len(each) / lasts for each in seconds]),
        Row("the slowest process's writes, of the fastest's", "", shares),
    ]


def minute(lasts: float) -> list[dict[str, list[float]]]:
    """Run the writers, and return what each has measured."""
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as folder, contextlib.ExitStack() as stack:
        command = [sys.executable, "-m", "benchmarks.history_writers"]
        command += [f"sqlite:///{folder}/history.db", str(lasts)]
        writers = [stack.enter_context(process(command, pipes=True)) for _ in range(WRITERS)]
        for writer in writers:
            assert writer.stdout is not None
            if writer.stdout.readline() != "ready\n":
                raise RuntimeError("A writer did not start.")
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.write("go\n")
            writer.stdin.flush()
        return [json.loads(writer.communicate(timeout=lasts + 120)[0]) for writer in writers]


async def write(url: str, lasts: float) -> None:
    """Write turns for a while, and print how long each write took."""
    history = SqlHistory(Database(url, prepare))
    conversation = await history.create("ann")
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    seconds: list[float] = []
    refused: list[str] = []

    async def keep(*messages: StoredMessage) -> None:
        begun = time.perf_counter()
        try:
            await history.add("ann", conversation.id, *messages)
        except TetherError as reason:
            refused.append(reason.message)
        seconds.append(time.perf_counter() - begun)

    end = time.perf_counter() + lasts
    parent: str | None = None
    for number in itertools.count():
        if time.perf_counter() >= end:
            break
        question = StoredMessage(new_id("m"), "user", f"question {number}", parent)
        answer = StoredMessage(new_id("m"), "assistant", "", question.id, status="running")
        await keep(question, answer)
        for state in range(STATES):
            answer.content += "some more words of an answer " * 40
            answer.status = "complete" if state == STATES - 1 else "running"
            await keep(answer)
        parent = answer.id
    await history.close()
    await history.database.close()
    print(json.dumps({"seconds": seconds, "refused": refused}))


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], float(sys.argv[2])))
