"""Kill a server in the middle of its answers, start it again, and look at what it has kept."""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults.history_server import ANSWER

if TYPE_CHECKING:
    import psycopg

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
MILLISECONDS, BYTES = 250.0, 2048
"""How much of an answer may be lost: one or the other."""


@dataclass
class Answer:
    """What somebody was told of an answer: how much of it had come, and when."""

    question: str
    text: str
    banner: bool
    seen: list[tuple[float, int]] = field(default_factory=list)
    done: bool = False


@dataclass
class Found:
    """What kills have done."""

    kills: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    unmarked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    lost_bytes: list[int] = field(default_factory=list)
    too_much: list[str] = field(default_factory=list)
    interrupted: int = 0
    ready_s: list[float] = field(default_factory=list)
    backends: int = 0

    def bad(self) -> list[str]:
        """Return everything that must not be."""
        return [*self.lost, *self.damaged, *self.unmarked, *self.wrong, *self.too_much]


class Server:
    """A server that can be killed, and what it has said."""

    def __init__(self, url: str) -> None:
        self.started = time.monotonic()
        command = [sys.executable, "-m", "tests.faults.history_server", url]
        self.child = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.answers: dict[str, Answer] = {}
        self.problem: str | None = None
        self.last = time.monotonic()
        self._rest = b""

    def lines(self, seconds: float) -> Iterator[dict[str, Any]]:
        """Yield what it says for a while, or until it ends."""
        limit = time.monotonic() + seconds
        assert self.child.stdout is not None
        while (left := limit - time.monotonic()) > 0:
            if not select.select([self.child.stdout], [], [], left)[0]:
                return
            if not (piece := os.read(self.child.stdout.fileno(), 65536)):
                return
            *whole, self._rest = (self._rest + piece).split(b"\n")
            for line in whole:
                yield json.loads(line)

    def wait_ready(self) -> float:
        """Return how long it took until it could be used."""
        for line in self.lines(PATIENCE):
            if "ready" in line:
                return time.monotonic() - self.started
        raise AssertionError("The server did not become ready.")

    def go(self) -> None:
        """Let it begin."""
        assert self.child.stdin is not None
        self.child.stdin.write(b"go\n")

    def listen(self, seconds: float, *, until_well: bool = False) -> None:
        """Take in what it says for a while; `until_well` ends when its history works."""
        for line in self.lines(seconds):
            if "asked" in line:
                self.answers[line["answer"]] = Answer(line["asked"], line["text"], line["banner"])
            elif "said" in line:
                self.answers[line["said"]].seen.append((line["at"], line["size"]))
            elif "done" in line:
                self.answers[line["done"]].done = True
                self.answers[line["done"]].banner |= line["banner"]
            elif "problem" in line:
                self.problem = line["problem"]
                if until_well and self.problem is None:
                    return

    def kill(self) -> float:
        """Kill it, take in its last words, and return when."""
        at = time.monotonic()
        self.child.send_signal(signal.SIGKILL)
        self.child.wait(PATIENCE)
        self.listen(1.0)
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.close()
        self.child.stdout.close()
        return at


@contextlib.contextmanager
def server(url: str) -> Iterator[Server]:
    """Run a server, which is killed at the end at the latest."""
    running = Server(url)
    try:
        yield running
    finally:
        if running.child.poll() is None:
            running.kill()


def kill_often(url: str, times: int, seed: int = 0, break_backends: bool = False) -> Found:
    """Kill a server so many times at random moments; with PostgreSQL, its backend processes now and then."""
    chance = random.Random(seed)  # noqa: S311 - the same moments each time
    found = Found()
    known: dict[str, Answer] = {}
    check: tuple[dict[str, Answer], float] | None = None
    for number in range(times + 1):
        with server(url) as running:
            took = running.wait_ready()
            if check is not None:
                found.ready_s.append(took)
                examine(url, *check, found)
                known |= check[0]
            if number == times:
                break
            running.go()
            running.listen(chance.uniform(0.02, 1.2))
            if break_backends and number % 4 == 3:
                found.backends += kill_backend(url)
                running.listen(0.3)
                running.listen(PATIENCE if running.problem else 0.0, until_well=True)
                assert running.problem is None, "the history was not found to work again"
                running.listen(chance.uniform(0.02, 1.2))
            at = running.kill()
            found.kills += 1
            check = running.answers, at
    rows = rows_of(url)
    for id, answer in known.items():
        if not answer.banner and rows.get(answer.question, ("", ""))[1] != answer.text:
            found.lost.append(f"the question {answer.question} of {id} is gone in the end")
    return found


def examine(url: str, answers: dict[str, Answer], killed: float, found: Found) -> None:
    """Hold what is kept against what was said."""
    if not url.startswith("postgresql"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            said = connection.execute("PRAGMA integrity_check").fetchone()[0]
            if said != "ok":
                found.damaged.append(said)
    rows = rows_of(url)
    for id, (status, text) in rows.items():
        if status == "running":
            found.unmarked.append(f"{id} is still running")
        if status == "interrupted" and not ANSWER.startswith(text):
            found.wrong.append(f"{id} is no beginning of the answer")
    for id, answer in answers.items():
        if answer.banner:
            continue
        found.acknowledged += 1
        if rows.get(answer.question, ("", ""))[1] != answer.text:
            found.lost.append(f"{answer.text} ({answer.question})")
        status, text = rows.get(id, ("missing", ""))
        if answer.done:
            if (status, text) != ("complete", ANSWER):
                found.wrong.append(f"{id} had ended, and is {status} with {len(text)} characters")
            continue
        found.interrupted += status == "interrupted"
        if status not in ("interrupted", "complete"):
            found.unmarked.append(f"{id} is {status}")
        missing = [(at, size) for at, size in answer.seen if size > len(text)]
        late = max((killed - at) * 1000 for at, _ in missing) if missing else 0.0
        gone = max((size for _, size in answer.seen), default=0) - len(text)
        found.late_ms.append(max(late, 0.0))
        found.lost_bytes.append(max(gone, 0))
        if late > MILLISECONDS and gone > BYTES:
            found.too_much.append(f"{gone} bytes of {late:.0f} ms are gone of {id}")


def rows_of(url: str) -> dict[str, tuple[str, str]]:
    """Return the state and the text of each message, by its id."""
    query = "SELECT id, status, text FROM messages"
    if url.startswith("postgresql"):
        with recovered(url) as connection:
            return {id: (status, text) for id, status, text in connection.execute(query)}
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)) as lite:
        return {id: (status, text) for id, status, text in lite.execute(query)}


def recovered(url: str) -> psycopg.Connection[Any]:
    """Connect to PostgreSQL, which may be recovering from a process that was killed."""
    import psycopg

    limit = time.monotonic() + PATIENCE
    while True:
        try:
            return psycopg.connect(url)
        except psycopg.OperationalError:
            if time.monotonic() > limit:
                raise


def kill_backend(url: str) -> int:
    """Kill a process of PostgreSQL that serves the server; all others end with it, and it starts anew."""
    import psycopg

    killed = 0
    # The one who asks loses its connection as well.
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()"
        found = [pid for (pid,) in connection.execute(query)]
        if found:
            os.kill(found[0], signal.SIGKILL)
            killed = 1
    return killed
