"""Many answers at once: each says what it would alone, everybody gets a turn, and whoever stops, stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.core import events
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.errors import InvalidRequest, RateLimited
from tether_jupyter.llm.local.service import LocalService

LETTERS = tiny_gguf.only("ABCDEFGHIJKLMNOP")
GREEDY: dict[str, Any] = {"temperature": 0.0, "max_tokens": 40, "logit_bias": LETTERS}
QUESTIONS = [
    f"question {number} " + "lorem ipsum dolor " * times
    for number, times in [(0, 0), (2, 0), (1, 1), (5, 1), (1, 4), (5, 4), (7, 9), (9, 9)]
]
"""The model's choices in its answers to these are clear ones: the best two are 0.02 apart or more."""


@pytest.fixture(scope="module")
def thinking(models: Path) -> Path:
    """A model with random weights."""
    shape = tiny_gguf.Shape(layers=4, width=256, inner=704, context=2048)
    return tiny_gguf.write(models / "together.gguf", shape=shape, precise=True)


@pytest.fixture(scope="module")
def alone(thinking: Path) -> list[str]:
    """What each question is answered by an engine that has nothing else to do and guesses nothing."""

    async def ask() -> list[str]:
        async with lm.running(thinking, slots=1, speculation=False) as local:
            return [lm.answer(await lm.ask(local, text, seed=0, **GREEDY)) for text in QUESTIONS]

    found = asyncio.run(ask())
    assert len(set(found)) == len(QUESTIONS)
    return found


@pytest.mark.parametrize("speculation", [True, False])
@pytest.mark.parametrize(("slots", "n_batch"), [(1, 512), (2, 32), (8, 512), (8, 40)])
async def test_each_answer_is_the_one_that_it_would_be_alone(
    thinking: Path, alone: list[str], slots: int, n_batch: int, speculation: bool
) -> None:
    async with lm.running(thinking, slots=slots, n_batch=n_batch, speculation=speculation) as local:
        for _ in range(2):  # The second time from what the first one left.
            answers = await lm.together(local, map(lm.prompt, QUESTIONS), **GREEDY)
            assert [lm.answer(events) for events in answers] == alone


async def test_answers_that_come_and_go_leave_the_others_as_they_were(
    thinking: Path, alone: list[str]
) -> None:
    async with lm.running(thinking, slots=4, n_batch=64) as local:
        first = local.stream(lm.prompt(QUESTIONS[0]), Sampling(**GREEDY))
        said = [await anext(first) for _ in range(3)]
        joined = [asyncio.create_task(lm.ask(local, QUESTIONS[n], **GREEDY)) for n in (1, 2)]
        leaving = local.stream(lm.prompt("z" * 700), Sampling(temperature=1.0))
        said += [await anext(first) for _ in range(3)]
        stopped = [asyncio.create_task(anext(leaving)), asyncio.create_task(lm.ask(local, "y" * 500))]
        said += [await anext(first) for _ in range(3)]
        for task in stopped:
            task.cancel()
        late = [asyncio.create_task(lm.ask(local, QUESTIONS[n], **GREEDY)) for n in (3, 7, 5)]
        said += [event async for event in first]
        assert lm.answer(said) == alone[0]
        for task, number in zip([*joined, *late], (1, 2, 3, 7, 5), strict=True):
            assert lm.answer(await task) == alone[number]
        await asyncio.gather(*stopped, return_exceptions=True)
        await leaving.aclose()
        assert (await lm.until(local, running=0))["waiting"] == 0


async def test_answers_go_on_while_a_long_prompt_is_read(tmp_path: Path) -> None:
    """With 32 tokens a step, 1,500 of them take at least 48, each of which has a token of the answer, too."""
    order: list[str] = []
    pieces = [f" s{number}" for number in range(20)]
    shape = tiny_gguf.Shape(layers=4, width=256, context=4096)
    steady = tiny_gguf.write(tmp_path / "steady.gguf", says=pieces, again=True, shape=shape)

    async def follow(name: str, wanted: Prompt, **sampling: Any) -> None:
        async for event in local.stream(wanted, Sampling(temperature=0.0, **sampling)):
            if "delta" in event:
                order.append(name)  # noqa: PERF401 - two of these write to one list, in turns

    async with lm.running(steady, slots=2, n_batch=32, speculation=False) as local:
        await local.initialize()
        going = asyncio.create_task(follow("a", lm.prompt("go on")))
        while "a" not in order:
            await lm.status(local)
        before = len(order)
        await follow("b", lm.prompt("z" * 1500), max_tokens=2)
        assert order.index("b") - before > 30
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)


async def test_one_answers_failure_is_its_own(thinking: Path, alone: list[str]) -> None:
    async with lm.running(thinking, slots=4) as local:
        bad = [lm.run(local, lm.prompt("x"), logit_bias={"77777": 1.0}) for _ in range(3)]
        good = [lm.ask(local, text, **GREEDY) for text in QUESTIONS]
        outcomes = await asyncio.gather(*bad, *good, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[:3]] == [InvalidRequest] * 3
        assert [lm.answer(events) for events in outcomes[3:]] == alone  # type: ignore[arg-type]


async def test_there_may_be_more_answers_than_tokens_in_a_step(speaking: Path) -> None:
    async with lm.running(speaking, slots=40, n_batch=32, max_waiting=64, speculation=False) as local:
        answers = await lm.together(local, [lm.prompt("hi")] * 40, temperature=0.0)
        assert {lm.answer(events) for events in answers} == {"Hello world é \u2009😀 end."}


# -- who comes first


class Queue:
    """Questions to an engine whose one slot is taken."""

    def __init__(self, local: LocalService) -> None:
        self.local = local
        self.tasks: list[asyncio.Task[None]] = []
        self.places: dict[str, list[int]] = {}
        """What each was told of its place, by which the order of the answers is known.

        The engine may have answered all before anybody here reads the first answer.
        """
        self.told = asyncio.Event()
        self.first = local.stream(lm.prompt("first", caller="a"), Sampling())

    async def __aenter__(self) -> Self:
        assert "delta" in await anext(self.first)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def put(self, name: str, *, batch: bool = False, low: bool = False) -> asyncio.Task[None]:
        """Ask, as the caller whose letter the name begins with, and wait for its place in the queue."""
        wanted = lm.prompt(f"this is {name}", caller=name[0], batch=batch)
        sampling = Sampling(max_tokens=2)

        async def ask() -> None:
            filled = self.local.infill(f"this is {name}", "", sampling, caller=name[0], low=True)
            async for event in filled if low else self.local.stream(wanted, sampling):
                if "queued" in event:
                    self.places.setdefault(name, []).append(event["queued"]["position"])
                    self.told.set()

        self.tasks.append(asyncio.create_task(ask()))
        await self.until(lambda: name in self.places)
        return self.tasks[-1]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what they were told is so."""
        while not condition():
            self.told.clear()
            await self.told.wait()

    async def run(self) -> None:
        """Let the slot go, and wait for all answers."""
        await self.first.aclose()
        await asyncio.gather(*(task for task in self.tasks if not task.cancelled()))


async def test_nobodys_many_questions_go_before_anothers_first(endless: Path) -> None:
    async with lm.running(endless, slots=1) as local, Queue(local) as queue:
        for name in ("a2", "a3", "b1", "b2", "c1"):
            await queue.put(name)
        await queue.run()
        # Answered are b1, c1, a2, b2 and a3: those behind move up, or back for whose caller had no turn yet.
        assert queue.places == {
            "a2": [1, 2, 3, 4, 2, 1],
            "a3": [2, 3, 4, 5, 3, 2, 1],
            "b1": [1],
            "b2": [2, 3, 4, 2, 1],
            "c1": [2, 1],
        }


async def test_people_go_before_rows_that_nobody_waits_for(endless: Path) -> None:
    async with lm.running(endless, slots=1) as local, Queue(local) as queue:
        await queue.put("r1", batch=True)
        await queue.put("r2", batch=True)
        await queue.put("b1")
        await queue.put("b2")
        await queue.run()
        assert queue.places == {"r1": [1, 2, 3, 2, 1], "r2": [2, 3, 4, 3, 2, 1], "b1": [1], "b2": [2, 1]}


async def test_a_completion_that_nobody_asked_for_goes_after_people_and_before_rows(endless: Path) -> None:
    async with lm.running(endless, slots=1) as local, Queue(local) as queue:
        await queue.put("r1", batch=True)
        await queue.put("g1", low=True)
        await queue.put("b1")
        await queue.put("a2")
        await queue.run()
        assert queue.places == {
            "r1": [1, 2, 3, 4, 3, 2, 1],
            "g1": [1, 2, 3, 2, 1],
            "b1": [1],
            "a2": [2, 1],
        }


async def test_a_completion_that_nobody_asked_for_begins_at_once_where_there_is_room(endless: Path) -> None:
    async with lm.running(endless, slots=2) as local:
        row, talking = (
            local.stream(lm.prompt(name, caller="a", batch=name == "row"), Sampling())
            for name in ("row", "me")
        )
        for free in (row, talking):
            assert "delta" in await anext(free)
            ghost = local.infill("x = ", "", Sampling(max_tokens=2), caller="a", low=True)
            # No place in a queue is told: the last slot is kept for people, and nobody wants it now.
            kinds = [next(iter(event)) async for event in ghost]
            assert kinds[0] == "delta"
            assert kinds[-1] == "done"
            await free.aclose()


async def test_a_completion_under_way_ends_when_somebody_asks_and_all_slots_are_taken(endless: Path) -> None:
    async with lm.running(endless, slots=2) as local:
        talking = local.stream(lm.prompt("me"), Sampling())
        assert "delta" in await anext(talking)
        ghost = local.infill("x = ", "", Sampling(), low=True)
        said = [await anext(ghost)]
        asked = await lm.ask(local, "somebody", max_tokens=2)
        # It did not wait for either of them, and was told no place.
        assert [next(iter(event)) for event in asked if "queued" in event] == []
        assert lm.answer(asked) == " w0 w1"
        said += [event async for event in ghost]
        assert said[-1] == events.done("length")
        assert lm.usage(said)["completion_tokens"] >= 1
        assert "delta" in await anext(talking)
        await talking.aclose()


async def test_a_completion_whose_prompt_is_still_read_waits_and_loses_nothing(endless: Path) -> None:
    async with lm.running(endless, slots=1, n_batch=32) as local:
        await local.initialize()
        ghost = local.infill("y = 1\n" * 200, "", Sampling(max_tokens=4), conversation="ghost", low=True)
        first = asyncio.create_task(anext(ghost))
        await lm.until(local, running=1)
        asked = await lm.ask(local, "somebody", max_tokens=2)
        assert [next(iter(event)) for event in asked if "queued" in event] == []
        said = [await first, *[event async for event in ghost]]
        # It was told that it waits, like anybody in the queue, and then said all that it would have.
        assert "queued" in said[0]
        assert lm.usage(said)["completion_tokens"] == 4


async def test_the_last_slot_is_kept_for_people(endless: Path) -> None:
    async with lm.running(endless, slots=3) as local:
        await local.initialize()
        rows = [asyncio.create_task(lm.run(local, lm.prompt(f"row {n}", batch=True))) for n in range(5)]
        await lm.until(local, running=2, waiting=3)
        assert lm.answer(await lm.ask(local, "me", max_tokens=2)) == " w0 w1"
        assert not any(row.done() for row in rows)
        for row in rows:
            row.cancel()
        await asyncio.gather(*rows, return_exceptions=True)


async def test_who_leaves_the_queue_lets_the_others_move_up(endless: Path) -> None:
    async with lm.running(endless, slots=1) as local, Queue(local) as queue:
        gone = await queue.put("b1")
        await queue.put("c1")
        await queue.put("d1")
        gone.cancel()
        await queue.until(lambda: queue.places["d1"] == [3, 2])
        assert queue.places["c1"] == [2, 1]
        await queue.run()
        assert queue.places == {"b1": [1], "c1": [2, 1], "d1": [3, 2, 1]}


async def test_a_question_too_many_is_refused_and_told_when_to_come_back(endless: Path) -> None:
    async with lm.running(endless, slots=2, max_waiting=2) as local:

        async def begin(caller: str) -> Any:
            stream = local.stream(lm.prompt("go on", caller=caller), Sampling())
            task = asyncio.create_task(anext(stream))
            await asyncio.sleep(0)
            return stream, task

        await local.initialize()
        under_way = [await begin(caller) for caller in "aabbccd"]
        for caller, reason in (("a", "2 of your questions"), ("b", "2 of your questions")):
            with pytest.raises(RateLimited, match=reason) as refused:
                await lm.run(local, lm.prompt("more", caller=caller))
            assert refused.value.retry_after is not None
            assert refused.value.retry_after >= 1
            with pytest.raises(RateLimited, match=reason):
                local.check_room(caller)
        under_way.append(await begin("d"))
        with pytest.raises(RateLimited, match="has 8 questions to answer"):
            await lm.run(local, lm.prompt("a first one", caller="e"))
        for stream, task in under_way:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await stream.aclose()
        assert local.room.total == 0
        assert lm.answer(await lm.run(local, lm.prompt("now", caller="e"), max_tokens=1)) == " w0"


# -- who stops


async def going_on(local: LocalService, alone: list[str], stop: Callable[[], Any]) -> None:
    """Have answers written, do something in the middle of them, and see that they are what they would be."""
    await local.initialize()
    tasks = [asyncio.create_task(lm.ask(local, text, **GREEDY)) for text in QUESTIONS[:3]]
    while not (await lm.status(local))["tokens"]:
        pass
    await stop()
    assert [lm.answer(await task) for task in tasks] == alone[:3]
    figures = await lm.until(local, running=0, waiting=0)
    assert figures["slots"] == 4


async def test_a_prompt_that_is_given_up_half_read_harms_nobody(thinking: Path, alone: list[str]) -> None:
    async with lm.running(thinking, slots=4, n_batch=32) as local:

        async def stop() -> None:
            read = (await lm.status(local))["prompt_tokens"]
            asked = asyncio.create_task(lm.ask(local, "z" * 1400))
            while (await lm.status(local))["prompt_tokens"] < read + 32:
                assert not asked.done()
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

        await going_on(local, alone, stop)
        # What was read of it is known, and true.
        wanted = lm.prompt("z" * 1400)
        again = await lm.run(local, wanted, **GREEDY)
        assert lm.answer(again) == lm.answer(await lm.run(local, wanted, seed=0, **GREEDY))


async def test_an_answer_that_is_given_up_half_said_harms_nobody(thinking: Path, alone: list[str]) -> None:
    async with lm.running(thinking, slots=4) as local:

        async def stop() -> None:
            stream = local.stream(lm.prompt("stop me"), Sampling(logit_bias=LETTERS))
            assert "delta" in await anext(stream)
            await stream.aclose()

        await going_on(local, alone, stop)


async def test_questions_that_are_given_up_at_once_harm_nobody(thinking: Path, alone: list[str]) -> None:
    """They are cancelled while they are prepared, or before."""
    async with lm.running(thinking, slots=4) as local:

        async def stop() -> None:
            asked = [asyncio.create_task(lm.ask(local, f"never mind {n}")) for n in range(20)]
            await asyncio.sleep(0)
            for task in asked:
                task.cancel()
            outcomes = await asyncio.gather(*asked, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}

        await going_on(local, alone, stop)
        assert local.room.total == 0


async def test_one_of_many_answers_stops_within_a_step(endless: Path) -> None:
    async with lm.running(endless, slots=3) as local:
        streams = [local.stream(lm.prompt(f"go on {n}"), Sampling()) for n in range(3)]
        for stream in streams:
            assert "delta" in await anext(stream)
        await lm.until(local, running=3)
        await streams[1].aclose()
        status = first = await lm.status(local)
        while status["running"] == 3:
            # The others go on: only as long as it is there do the steps say anything of it.
            assert status["steps"] <= first["steps"] + 1
            status = await lm.status(local)
        assert status["running"] == 2
        for stream in streams:
            assert await stream.aclose() is None
