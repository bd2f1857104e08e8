"""A turn: one question to one answer, whatever the model does."""

import asyncio
import json
from dataclasses import replace

import pytest

from tether_jupyter.core import events
from tether_jupyter.core.generation import Generation, Generations
from tether_jupyter.core.opening import Defaults, open_turn
from tether_jupyter.core.request import read_chat
from tether_jupyter.errors import NotFound, RateLimited, UpstreamError
from tether_jupyter.llm.mock import MockService
from tether_jupyter.store.memory import MemoryHistory


@pytest.fixture
def history():
    return MemoryHistory()


@pytest.fixture
def model():
    return MockService("an answer")


@pytest.fixture
def turn_for(history, model):
    """Open the turn that a request asks for."""

    async def open_it(limit=10_000, wake=None, **fields):
        async def awake():
            return model

        return await open_turn(
            read_chat({"message": "hello", **fields}, max_message_length=10_000),
            owner="owner",
            wake=wake or awake,
            model_name=None,
            model_label="mock:mock",
            history=history,
            defaults=Defaults(system="Be brief.", max_tokens=100, max_answer_size=limit),
            notebook=None,
            correlation_id="trace",
        )

    return open_it


async def collect(turn):
    return [event async for event in turn.run()]


async def test_the_answer_is_kept_with_its_figures(turn_for, history):
    turn = await turn_for()
    await collect(turn)
    question, answer = await history.messages("owner", turn.conversation.id)
    assert (answer.content, answer.parent_id, answer.finish_reason) == ("an answer", question.id, "stop")
    assert answer.usage["completion_tokens"] == 2


async def test_an_answer_without_an_end_is_cut(turn_for, model):
    model.script = [{"repeat": [10**9, events.delta("x" * 100), 0]}]
    found = await collect(await turn_for(limit=1000))
    assert found[-1] == {"done": True, "finish_reason": "length"}
    assert model.open == 0


async def test_a_model_that_fails_to_wake_ends_the_turn_with_its_reason(turn_for):
    async def wake():
        raise UpstreamError("It is asleep. Wake it.")

    found = await collect(await turn_for(wake=wake))
    assert found[-1]["error"]["message"] == "It is asleep. Wake it."


async def test_what_a_backend_says_after_its_end_is_not_heard(turn_for, model):
    model.script = [events.done("stop"), events.delta("late")]
    found = await collect(await turn_for())
    assert [events.kind(e) for e in found] == ["meta", "usage", "done"]


async def test_stop_keeps_the_text_and_closes_the_model(turn_for, model, history):
    model.script = [events.delta("half"), {"sleep": 3600}]
    generation = Generation(await turn_for())
    async for _, batch in generation.follow():
        if any("delta" in event for event in batch):
            assert generation.stop()
    assert generation.events[-1] == {"done": True, "finish_reason": "cancelled"}
    assert model.open == 0
    stored = await history.messages("owner", generation.conversation_id)
    assert stored[-1].content == "half"


@pytest.fixture
def slow(history, monkeypatch):
    """Let the history wait until it is told to go on before it keeps a question."""
    asked, go_on = asyncio.Event(), asyncio.Event()
    begin = history.begin

    async def wait(*said, **given):
        asked.set()
        await go_on.wait()
        return await begin(*said, **given)

    monkeypatch.setattr(history, "begin", wait)
    return asked, go_on


async def test_a_model_wakes_while_the_question_is_kept_and_nothing_is_told_before(turn_for, slow, model):
    _, go_on = slow
    woken = asyncio.Event()

    async def wake():
        woken.set()
        return model

    generation = Generation(await turn_for(wake=wake))
    await woken.wait()
    assert not generation.events
    go_on.set()
    await generation.wait()
    assert [events.kind(event) for event in generation.events[:2]] == ["meta", "delta"]


async def test_a_question_that_may_not_be_kept_ends_what_was_begun_for_it(turn_for, history, monkeypatch):
    closed = asyncio.Event()

    class Begun:
        """An answer that is under way before anybody reads it."""

        def stream(self, prompt, sampling):
            return self

        async def aclose(self):
            closed.set()

    async def wake():
        return Begun()

    async def refuse(*said, **given):
        raise NotFound("That conversation was deleted.")

    turn = await turn_for(wake=wake)
    monkeypatch.setattr(history, "begin", refuse)
    assert (await collect(turn))[-1]["error"]["message"] == "That conversation was deleted."
    assert closed.is_set()


@pytest.mark.parametrize("new", [True, False])
async def test_stop_while_the_question_is_being_kept_does_not_lose_it(turn_for, history, slow, model, new):
    asked, go_on = slow
    fields = {}
    if not new:
        go_on.set()
        first = await turn_for()
        await collect(first)
        asked.clear(), go_on.clear()
        fields = {"conversation_id": first.conversation.id}
    generation = Generation(await turn_for(message="and then?", **fields))
    await asked.wait()
    assert generation.stop()
    go_on.set()
    await generation.wait()
    assert [events.kind(event) for event in generation.events] == ["meta", "usage", "done"]
    assert generation.events[-1]["finish_reason"] == "cancelled"
    said = await history.branch("owner", generation.conversation_id)
    before = [] if new else ["hello", "an answer"]
    assert [m.content for m in said] == [*before, "and then?", ""]
    assert (said[-1].status, said[-1].finish_reason) == ("complete", "cancelled")


async def test_a_stopped_turn_says_the_conversation_in_which_it_was_kept(turn_for, history, slow):
    asked, go_on = slow
    turn = await turn_for()
    turn.conversation.notebook = "n.ipynb"
    generation = Generation(turn)
    await asked.wait()
    generation.stop()
    # Another first question of the notebook was quicker.
    other = await history.create("owner", notebook="n.ipynb")
    go_on.set()
    await generation.wait()
    assert generation.events[0]["meta"]["conversation_id"] == other.id == generation.conversation_id


async def test_a_question_that_could_not_be_kept_is_kept_with_its_answer(turn_for, history, monkeypatch):
    begin, failures = history.begin, [OSError("away")]

    async def fail_once(*said, **given):
        if failures:
            raise failures.pop()
        return await begin(*said, **given)

    monkeypatch.setattr(history, "begin", fail_once)
    turn = await turn_for()
    assert "error" in (await collect(turn))[-1]
    question, answer = await history.messages("owner", turn.conversation.id)
    assert (question.content, answer.parent_id, answer.status) == ("hello", question.id, "complete")


async def test_a_short_answer_is_read_before_its_model_is_closed(turn_for):
    order = []

    class Model:
        async def stream(self, prompt, sampling):
            try:
                yield events.delta("all of it")
                yield events.done("stop")
            finally:
                order.append("closed")

    async def wake():
        return Model()

    generation = Generation(await turn_for(wake=wake))
    async for _, batch in generation.follow():
        order += ["read" for event in batch if "delta" in event]
    assert order == ["read", "closed"]


async def test_the_end_is_told_without_waiting_for_text_to_gather(turn_for):
    read = asyncio.Event()

    class Model:
        async def stream(self, prompt, sampling):
            yield events.delta("all of it")
            await read.wait()
            yield events.done("stop")

    async def wake():
        return Model()

    generation = Generation(await turn_for(wake=wake))
    kinds = []
    async with asyncio.timeout(20):
        async for _, batch in generation.follow(pause=3600):
            kinds += map(events.kind, batch)
            if "delta" in kinds:
                read.set()
    assert kinds == ["meta", "delta", "usage", "done"]


async def test_stop_before_the_first_step_still_ends_the_stream(turn_for):
    generation = Generation(await turn_for())
    generation.stop()
    found = [event async for _, batch in generation.follow() for event in batch]
    assert [events.kind(event) for event in found] == ["meta", "usage", "done"]
    assert set(found[1]["usage"].values()) == {None}
    assert found[-1]["finish_reason"] == "cancelled"
    assert generation.summary()["status"] == "cancelled"


async def test_two_readers_read_the_same_from_wherever_they_begin(turn_for, model):
    model.script = [{"repeat": [50, events.delta("x"), 0]}]
    generation = Generation(await turn_for())

    async def read(after):
        return [event async for _, batch in generation.follow(after) for event in batch]

    whole, rest = await asyncio.gather(read(0), read(10))
    assert whole[10:] == rest
    assert events.kind(whole[-1]) == "done"


async def test_a_keeper_that_fails_ends_the_stream_with_an_error(turn_for, history, monkeypatch):
    async def full(*_):
        raise OSError("no space left")

    turn = await turn_for()
    monkeypatch.setattr(history, "add", full)
    generation = Generation(turn)
    found = [event async for _, batch in generation.follow() for event in batch]
    assert found[-1]["error"]["type"] == "internal"


async def test_no_more_turns_run_at_once_than_there_is_room_for(turn_for, model):
    model.script = [{"sleep": 3600}]
    generations = Generations(max_running=1)
    first = generations.start(await turn_for())
    with pytest.raises(RateLimited):
        generations.start(await turn_for())
    first.stop()
    await first.wait()
    assert len(generations) == 0


async def test_ended_turns_are_remembered_up_to_a_limit(turn_for):
    generations = Generations(max_remembered=2)
    ids = []
    for _ in range(3):
        generation = generations.start(await turn_for())
        ids.append(generation.id)
        await generation.wait()
    with pytest.raises(NotFound):
        generations.summary("owner", ids[0])
    assert generations.summary("owner", ids[2])["status"] == "stop"


async def test_a_question_without_an_answer_is_not_sent_again(turn_for, model):
    model.script = [{"fail": "upstream_error"}]
    failed = await turn_for()
    await collect(failed)
    model.script = []
    await collect(await turn_for(conversation_id=failed.conversation.id, message="again"))
    assert [m["content"] for m in model.prompts[-1].messages] == ["Be brief.", "again"]


async def test_two_questions_at_once_are_both_remembered(turn_for, model):
    model.script = [{"sleep": 3600}]
    first = Generation(await turn_for(message="one", conversation_id="c"))
    await model.asked.wait()
    model.script = []
    await collect(await turn_for(message="two", conversation_id="c"))
    first.turn.wake = None
    first.stop()
    await first.wait()
    await collect(await turn_for(message="three", conversation_id="c"))
    assert [m["content"] for m in model.prompts[-1].messages][1:] == ["two", "an answer", "three"]
    stored = await first.turn.history.messages("owner", "c")
    assert [m.parent_id for m in stored if m.content == "two"] == [first.id]


@pytest.mark.parametrize(
    ("script", "kinds", "text"),
    [
        ([{"done": True}], [], ""),
        ([events.delta(""), events.delta("x")], ["delta"], "x"),
        ([events.delta("\ud83d"), events.delta("y")], ["delta", "delta"], "\ufffdy"),
        ([{"meta": {"id": "forged"}}, {"nonsense": 1}, events.delta("x")], ["delta"], "x"),
        ([{"usage": {"cost_usd": float("nan"), "prompt_tokens": "many", "more": 1}}], [], ""),
        ([{"done": True, "finish_reason": "because"}], [], ""),
    ],
)
async def test_only_what_belongs_into_a_stream_is_passed_on(turn_for, model, script, kinds, text):
    model.script = script
    found = await collect(await turn_for())
    assert [events.kind(e) for e in found] == ["meta", *kinds, "usage", "done"]
    assert "".join(e.get("delta", "") for e in found) == text
    assert found[-1]["finish_reason"] == "stop"
    assert found[-2]["usage"]["cost_usd"] in (None, 0.0)
    json.dumps(found, allow_nan=False).encode()


async def test_a_model_that_only_thinks_is_cut_as_well(turn_for, model):
    model.script = [{"repeat": [10**9, events.thinking("x" * 100), 0]}]
    found = await collect(await turn_for(limit=1000))
    assert sum(len(e["thinking"]) for e in found if "thinking" in e) == 1000
    assert found[-1]["finish_reason"] == "length"


async def test_tokens_that_all_went_into_thinking_are_no_answer_but_an_error_that_says_so(
    turn_for, model, history
):
    spent = events.usage(prompt_tokens=9, completion_tokens=100)
    model.script = [events.thinking("hm, "), events.thinking("well"), spent, events.done("length")]
    turn = await turn_for()
    found = await collect(turn)
    assert [events.kind(e) for e in found] == ["meta", "thinking", "thinking", "usage", "error"]
    error = found[-1]["error"]
    assert (error["type"], error["retryable"]) == ("upstream_error", False)
    assert "All 100 tokens" in error["message"]
    assert "--max-tokens" in error["hint"]
    assert found[-2]["usage"]["completion_tokens"] == 100
    assert model.open == 0
    _, kept = await history.messages("owner", turn.conversation.id)
    assert (kept.content, kept.error, kept.status) == ("", error, "complete")


async def test_a_thought_that_was_cut_before_its_limit_is_said_to_have_been(turn_for, model):
    spent = events.usage(completion_tokens=7)
    model.script = [events.thinking("hm"), events.delta(" \n"), spent, events.done("length")]
    message = (await collect(await turn_for()))[-1]["error"]["message"]
    assert "until it could write no more" in message
    assert "100" not in message


async def test_a_row_of_many_that_was_all_thought_is_cut_like_any_other(turn_for, model):
    spent = events.usage(completion_tokens=100)
    model.script = [events.thinking("hm"), spent, events.done("length")]
    turn = await turn_for()
    turn.prompt = replace(turn.prompt, batch=True)
    found = await collect(turn)
    assert found[-1] == events.done("length")
    assert found[-2]["usage"]["completion_tokens"] == 100


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ([events.thinking("hm"), events.delta("Y"), events.done("length")], "length"),
        ([events.delta("Y"), events.done("length")], "length"),
        ([events.done("length")], "length"),
        ([events.thinking("hm"), events.done("stop")], "stop"),
    ],
)
async def test_an_answer_that_has_begun_and_one_without_a_thought_end_as_they_did(
    turn_for, model, script, reason
):
    model.script = script
    assert (await collect(await turn_for()))[-1] == events.done(reason)


async def test_an_answer_that_cannot_be_kept_is_still_given(turn_for, history, monkeypatch):
    turn = await turn_for()
    keep, kept = history.add, []

    async def full(owner, conversation, *messages):
        kept.extend(messages)
        if len(kept) > 2:
            raise OSError("no space left")
        await keep(owner, conversation, *messages)

    monkeypatch.setattr(history, "add", full)
    found = await collect(turn)
    assert found[-1] == {"done": True, "finish_reason": "stop"}


async def test_a_parent_names_the_branch_that_goes_on(turn_for, model, history):
    first = await turn_for(message="one")
    await collect(first)
    conversation = first.conversation.id
    await collect(await turn_for(message="two", conversation_id=conversation))
    await collect(await turn_for(message="other", conversation_id=conversation, parent_id=first.id))
    assert [m["content"] for m in model.prompts[-1].messages][1:] == ["one", "an answer", "other"]


async def test_a_parent_that_is_not_there_is_said(turn_for):
    with pytest.raises(NotFound):
        await turn_for(message="one", parent_id="m_1")


async def test_an_answer_is_made_again_beside_the_first_one(turn_for, model, history):
    first = await turn_for(message="one")
    await collect(first)
    conversation = first.conversation.id
    second = await turn_for(message="two", conversation_id=conversation)
    await collect(second)
    again = await turn_for(message=None, regenerate=second.id, conversation_id=conversation)
    await collect(again)
    assert [m["content"] for m in model.prompts[-1].messages][1:] == ["one", "an answer", "two"]
    assert again.question.id == second.question.id
    stored = await history.messages(first.owner, conversation)
    assert [m.parent_id for m in stored if m.role == "assistant"][1:] == [second.question.id] * 2
    assert len(stored) == 5


async def test_a_first_question_can_be_asked_anew(turn_for, model, history):
    first = await turn_for(message="one")
    await collect(first)
    other = await turn_for(message="other", conversation_id=first.conversation.id, parent_id="root")
    await collect(other)
    assert [m["content"] for m in model.prompts[-1].messages][1:] == ["other"]
    assert other.question.parent_id is None
