"""A worker's words are read by the event loop that waits for them, or else by a thread."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tether_jupyter.llm.local import pipe
from tether_jupyter.llm.local.intake import Intake

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread reads always")
WAIT = 30


class Reading:
    """An intake in its thread, with the writing end of its pipe, and who took what."""

    def __init__(self) -> None:
        self.incoming, self.outgoing = os.pipe()
        self.taken: list[tuple[int, str]] = []
        self.came = threading.Condition()
        self.failure: Exception | None = None
        self.intake = Intake(self.incoming, self.take, 1 << 16)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        try:
            self.intake.read()
        except (pipe.PipeError, OSError) as reason:
            self.failure = reason

    def take(self, messages: list[pipe.Message]) -> None:
        with self.came:
            self.taken += [(threading.get_ident(), message["event"]) for message in messages]
            self.came.notify_all()

    def say(self, *words: str) -> None:
        pipe.write(self.outgoing, b"".join(pipe.encode({"event": word}) for word in words))

    def wait(self, count: int) -> list[tuple[int, str]]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.taken) >= count, WAIT)
        return self.taken

    async def meet(self, count: int) -> list[tuple[int, str]]:
        """Wait for so many words with the event loop free to read."""
        await asyncio.get_running_loop().run_in_executor(None, self.wait, count)
        return self.taken

    def finish(self) -> None:
        os.close(self.outgoing)
        self.thread.join(WAIT)
        assert not self.thread.is_alive()
        os.close(self.incoming)


@pytest.fixture
def reading() -> Iterator[Reading]:
    before = descriptors()
    found = Reading()
    yield found
    if found.thread.is_alive():
        found.finish()
    assert descriptors() == before, "every descriptor is given back"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def in_a_loop(work: Any) -> Any:
    """Run a coroutine in an event loop whose own descriptors are gone afterwards."""
    return asyncio.run(work)


def test_without_a_loop_a_thread_reads(reading: Reading) -> None:
    reading.say("one", "two")
    assert reading.wait(2) == [(reading.thread.ident, "one"), (reading.thread.ident, "two")]


def test_a_loop_that_waits_reads_for_itself(reading: Reading) -> None:
    async def talk() -> None:
        reading.intake.lend(asyncio.get_running_loop())
        reading.intake.lend(asyncio.get_running_loop())
        for number in range(3):
            reading.say(str(number))
            await reading.meet(number + 1)

    in_a_loop(talk())
    here = threading.get_ident()
    assert reading.taken == [(here, "0"), (here, "1"), (here, "2")]


def test_beside_a_second_loop_the_thread_reads_for_both(reading: Reading) -> None:
    async def talk() -> None:
        reading.intake.lend(asyncio.get_running_loop())
        reading.say("mine")
        await reading.meet(1)
        other = threading.Thread(target=in_a_loop, args=(visit(),))
        other.start()
        # This loop stands still meanwhile, and the other one is served all the same.
        other.join(WAIT)
        assert not other.is_alive()
        reading.intake.lend(asyncio.get_running_loop())
        reading.say("again")
        await reading.meet(3)

    async def visit() -> None:
        reading.intake.lend(asyncio.get_running_loop())
        reading.say("theirs")
        await reading.meet(2)

    in_a_loop(talk())
    thread = reading.thread.ident
    assert reading.taken == [(threading.get_ident(), "mine"), (thread, "theirs"), (thread, "again")]


def test_after_a_loop_that_was_closed_the_next_one_reads(reading: Reading) -> None:
    async def talk(word: str) -> None:
        reading.intake.lend(asyncio.get_running_loop())
        reading.say(word)
        await reading.meet(len(reading.taken) + 1)

    for word in ("one", "two", "three"):
        in_a_loop(talk(word))
    assert reading.taken == [(threading.get_ident(), word) for word in ("one", "two", "three")]


def test_the_end_is_noticed_while_the_loop_stands_still_and_nothing_is_lost(reading: Reading) -> None:
    async def talk() -> None:
        reading.intake.lend(asyncio.get_running_loop())
        reading.say("one")
        await reading.meet(1)
        reading.say("two", "three")
        reading.finish()  # Blocks this loop until the thread has seen the end.

    in_a_loop(talk())
    assert [word for _, word in reading.taken] == ["one", "two", "three"]
    assert reading.failure is None


@pytest.mark.parametrize("lent", [False, True], ids=["in the thread", "in a loop"])
def test_nonsense_ends_the_reading_with_its_reason(reading: Reading, lent: bool) -> None:
    async def talk() -> None:
        if lent:
            reading.intake.lend(asyncio.get_running_loop())
        reading.say("one")
        await reading.meet(1)
        pipe.write(reading.outgoing, b"]\n")
        await asyncio.get_running_loop().run_in_executor(None, reading.thread.join, WAIT)

    in_a_loop(talk())
    assert isinstance(reading.failure, pipe.PipeError)
    reading.finish()


def test_what_comes_while_a_loop_is_being_lent_the_pipe_keeps_its_order(reading: Reading) -> None:
    words = [str(number) for number in range(2000)]

    async def talk() -> None:
        for word in words[1000:]:
            reading.intake.lend(asyncio.get_running_loop())
            reading.say(word)
            await asyncio.sleep(0)
        await reading.meet(len(words))

    for word in words[:1000]:
        reading.say(word)
    in_a_loop(talk())
    assert [word for _, word in reading.taken] == words


def test_where_no_file_can_be_opened_the_thread_reads(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    async def talk() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "dup", full)
            reading.intake.lend(asyncio.get_running_loop())
        reading.say("one")
        await reading.meet(1)

    in_a_loop(talk())
    assert reading.taken == [(reading.thread.ident, "one")]


def test_after_the_end_nothing_is_lent(reading: Reading) -> None:
    reading.finish()

    async def talk() -> None:
        reading.intake.lend(asyncio.get_running_loop())

    in_a_loop(talk())
    assert reading.taken == []
