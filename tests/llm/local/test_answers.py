"""What the local backend answers, through the real worker and real GGUF files."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.errors import ContextOverflow, InvalidRequest, NotFound
from tether_jupyter.llm.local.service import LocalService

SAID = "Hello world é \u2009😀 end."


def test_an_answer_streams_token_by_token_and_ends_with_its_figures(speaker: LocalService) -> None:
    async def run() -> None:
        events = await lm.ask(speaker, "hi")
        assert lm.answer(events) == SAID
        deltas = [event["delta"] for event in events if "delta" in event]
        assert deltas == ["Hello", " wor", "ld", " ", "é", " \u2009", "😀", " en", "d."]
        figures = lm.usage(events)
        assert figures["completion_tokens"] == 11
        assert figures["prompt_tokens"] > 10
        assert figures["cached_tokens"] < figures["prompt_tokens"]
        assert figures["cost_usd"] == 0.0
        assert figures["ttft_ms"] > 0
        assert figures["tokens_per_s"] > 0
        assert events[-1] == {"done": True, "finish_reason": "stop"}
        assert [event for event in events if "usage" in event] == [events[-2]]

    asyncio.run(run())


def test_the_demo_model_answers_without_any_setting() -> None:
    async def run() -> None:
        async with lm.running() as local:
            assert local.model_name == "tether-demo"
            text = await local.complete(
                "How do I read sales.csv into `sales`?", temperature=0.0, max_tokens=64
            )
            assert "sales.csv" in text
            assert "<|" not in text  # Its marks before names are control tokens.
            assert (await local.describe())["demo"] is True

    asyncio.run(run())


def test_the_same_seed_gives_the_same_text_and_another_seed_another(babbler: LocalService) -> None:
    async def run() -> None:
        texts = [
            lm.answer(await lm.ask(babbler, "hi", seed=seed, temperature=1.0, max_tokens=60))
            for seed in (7, 7, 8)
        ]
        assert texts[0]
        assert texts[0] == texts[1] != texts[2]

    asyncio.run(run())


def test_every_piece_is_whole_code_points_even_of_random_bytes(babbler: LocalService) -> None:
    async def run() -> None:
        events = await lm.ask(babbler, "hi", seed=3, max_tokens=300, temperature=2.0)
        for event in events:
            if "delta" in event:
                assert event["delta"]
                event["delta"].encode("utf-8")

    asyncio.run(run())


@pytest.mark.parametrize(
    ("stop", "text"),
    [("lo wo", "Hel"), ("Hello", ""), ("d.", "Hello world é \u2009😀 en"), ("é \u2009😀 e", "Hello world ")],
)
def test_a_stop_text_split_over_tokens_ends_the_answer_and_leaks_nothing(
    speaker: LocalService, stop: str, text: str
) -> None:
    async def run() -> None:
        events = await lm.ask(speaker, "hi", stop=("never said", stop))
        assert lm.answer(events) == text
        assert events[-1] == {"done": True, "finish_reason": "stop"}

    asyncio.run(run())


def test_max_tokens_ends_the_answer_with_length(speaker: LocalService) -> None:
    async def run() -> None:
        events = await lm.ask(speaker, "hi", max_tokens=3)
        assert lm.answer(events) == "Hello world"
        assert events[-1] == {"done": True, "finish_reason": "length"}
        assert lm.usage(events)["completion_tokens"] == 3

    asyncio.run(run())


def test_a_models_own_ceiling_holds_below_the_one_asked_for(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "short.gguf", says=["a", "b", "c"], again=True, tether_max_tokens=5)

    async def run() -> None:
        async with lm.running(path) as local:
            assert lm.answer(await lm.ask(local, "hi", max_tokens=100)) == "abcab"
            assert (await local.describe())["max_tokens"] == 5

    asyncio.run(run())


def test_the_context_is_where_an_endless_answer_ends(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "a.gguf", says=["a", "b"], again=True)

    async def run() -> None:
        async with lm.running(path, context_length=256) as local:
            events = await lm.ask(local, "hi")
            figures = lm.usage(events)
            assert figures["prompt_tokens"] + figures["completion_tokens"] == 256
            assert events[-1]["finish_reason"] == "length"
            assert lm.answer(await lm.ask(local, "hi", max_tokens=2)) == "ab"

    asyncio.run(run())


def test_a_second_turn_computes_only_what_is_new(speaker: LocalService) -> None:
    async def run() -> None:
        first = lm.usage(await lm.ask(speaker, "a first question of some length"))
        second = lm.usage(await lm.ask(speaker, "a first question of some length", SAID, "and more"))
        assert second["cached_tokens"] >= first["prompt_tokens"]
        assert second["cached_tokens"] < second["prompt_tokens"]

    asyncio.run(run())


def test_a_question_that_is_too_long_is_refused_with_the_numbers(speaking: Path) -> None:
    async def run() -> None:
        async with lm.running(speaking, context_length=256) as local:
            with pytest.raises(
                ContextOverflow, match=r"has 5\d\d tokens; the model reads 192\. Shorten it by 3"
            ):
                await lm.ask(local, "z" * 500)
            with pytest.raises(ContextOverflow, match=r"reads 246\. "):
                await lm.ask(local, "z" * 500, max_tokens=10)
            with pytest.raises(ContextOverflow, match="at least"):
                await lm.ask(local, "z" * 1_000_000)
            assert lm.answer(await lm.ask(local, "still there?")) == SAID

    asyncio.run(run())


def test_a_tokenizer_that_recurses_over_the_text_survives_a_megabyte_without_a_gap(tmp_path: Path) -> None:
    path = tiny_gguf.write(
        tmp_path / "deep.gguf",
        says=["fine", "x" * 400],
        tokenizer="deepseek-llm",
        shape=tiny_gguf.Shape(layers=1, width=64, inner=64, context=8192),
    )

    async def run() -> None:
        async with lm.running(path, context_length=0) as local:
            with pytest.raises(ContextOverflow, match=r"has \d{6} tokens"):
                await lm.ask(local, "a" * 900_000)
            assert local.is_ready()
            assert lm.answer(await lm.ask(local, "hi", max_tokens=1)) == "fine"

    asyncio.run(run())


def test_the_oldest_exchanges_give_way_to_the_new_question(speaking: Path) -> None:
    async def run() -> None:
        async with lm.running(speaking, context_length=256) as local:
            past = [text for number in range(40) for text in (f"question {number}", f"answer {number}")]
            long = lm.usage(await lm.ask(local, *past, "the newest"))
            bare = lm.usage(await lm.ask(local, "the newest"))
            assert bare["prompt_tokens"] < long["prompt_tokens"] <= 192
            # One exchange more would not have fitted.
            assert long["prompt_tokens"] + 80 > 192

    asyncio.run(run())


def test_text_that_looks_like_a_control_token_is_only_text(speaker: LocalService) -> None:
    async def run() -> None:
        plain = lm.usage(await lm.ask(speaker, "x"))["prompt_tokens"]
        forged = lm.usage(await lm.ask(speaker, "x<|im_end|>"))["prompt_tokens"]
        assert forged == plain + len("<|im_end|>")

    asyncio.run(run())


def test_another_model_is_refused_by_name_and_no_path_is_tried(speaking: Path, babbling: Path) -> None:
    async def run() -> None:
        local = lm.service(speaking)
        for name in ("other", str(babbling), "../babbling", "babbling.gguf"):
            with pytest.raises(NotFound, match="'speaking'"):
                await anext(local.stream(lm.question("hi", model=name), Sampling()))
        assert local.pid is None

    asyncio.run(run())


def test_content_parts_become_text_and_images_are_refused(speaker: LocalService) -> None:
    async def stream(local: LocalService, content: object) -> list[dict[str, object]]:
        prompt = Prompt([{"role": "user", "content": content}], model="speaking")
        return [event async for event in speaker.stream(prompt, Sampling())]

    async def run() -> None:
        parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
        assert lm.answer(await stream(speaker, parts)) == SAID
        with pytest.raises(InvalidRequest, match="cannot see images"):
            await stream(speaker, [*parts, {"type": "image_url", "image_url": {"url": "data:"}}])

    asyncio.run(run())


def deep(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "sampling",
    [
        {"temperature": float("nan")},
        {"temperature": -1.0},
        {"top_p": 0.0},
        {"top_p": 7.0},
        {"max_tokens": 0},
        {"max_tokens": -5},
        {"stop": ("x",) * 99},
        {"response_format": {"type": "nonsense"}},
        {"response_format": {"type": "text", "x": float("inf")}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"const": deep(10**5)}}}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"pattern": "(((("}}}},
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {"$ref": "#/no"}}}},
    ],
)
def test_no_request_can_make_the_engine_abort(sampling: dict[str, object]) -> None:
    async def run() -> None:
        with pytest.raises(InvalidRequest):
            await lm.ask(SHARED, "hi", **sampling)
        pids.add(SHARED.pid)

    asyncio.run(run())
    assert len(pids) == 1


SHARED = lm.service()
pids: set[int | None] = set()


@pytest.fixture(scope="module", autouse=True)
def _cleanup() -> object:
    yield
    asyncio.run(SHARED.cleanup())


def test_an_answer_keeps_to_a_json_schema(babbler: LocalService) -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 5},
            "age": {"type": "integer"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
        },
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    async def run() -> None:
        for seed in range(4):
            events = await lm.ask(babbler, "hi", seed=seed, response_format=form, temperature=1.0)
            value = json.loads(lm.answer(events))
            assert isinstance(value["age"], int)
            assert len(value.get("tags", [])) <= 2
            assert set(value) <= {"name", "age", "tags"}
            assert events[-1]["finish_reason"] == "stop"
        events = await lm.ask(babbler, "hi", seed=1, max_tokens=40, response_format={"type": "json_object"})
        assert lm.answer(events).lstrip().startswith("{")

    asyncio.run(run())


def test_waiting_requests_are_told_their_place_and_answered_in_order(endless: Path) -> None:
    async def run() -> None:
        async with lm.running(endless, slots=1) as local:
            first = local.stream(lm.question("first"), Sampling())
            assert "delta" in await anext(first)
            waiting = [
                local.stream(lm.question(f"question {number}"), Sampling(max_tokens=3)) for number in (2, 3)
            ]
            # What is counted as waiting may not be in the queue yet: what has been told its place is.
            told = [await anext(stream) for stream in waiting]
            assert told == [{"queued": {"position": 1}}, {"queued": {"position": 2}}]
            await first.aclose()
            second, third = [[event async for event in stream] for stream in waiting]
        assert lm.answer(second) == lm.answer(third) == " w0 w1 w2"
        # The third one moved up when the second had its turn: by what they were told, whoever is read first.
        assert [event for event in second if "queued" in event] == []
        assert [event for event in third if "queued" in event] == [{"queued": {"position": 1}}]

    asyncio.run(run())


def test_a_closed_answer_stops_within_a_step(endless: Path) -> None:
    async def run() -> None:
        async with lm.running(endless) as local:
            stream = local.stream(lm.question("go on"), Sampling())
            assert "delta" in await anext(stream)
            await stream.aclose()
            status = first = await lm.status(local)
            while status["running"]:
                status = await lm.status(local)
            # One step was under way when the cancel came.
            assert status["steps"] <= first["steps"] + 1
            assert lm.answer(await lm.ask(local, "next", max_tokens=1)) == " w0"

    asyncio.run(run())


def test_an_answer_that_is_cancelled_in_the_middle_of_its_prompt_leaves_the_engine_in_order(
    endless: Path,
) -> None:
    async def run() -> None:
        async with lm.running(endless) as local:
            await local.initialize()
            asked = asyncio.create_task(lm.ask(local, "z" * 2900))
            while not (await lm.status(local)).get("running"):
                assert not asked.done()
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            assert lm.answer(await lm.ask(local, "z" * 300, max_tokens=3)) == " w0 w1 w2"
            assert (await lm.status(local))["steps"] < 2900 / 512 + 3

    asyncio.run(run())


@pytest.mark.parametrize(("below", "said"), [(0, "Y it is."), (1000, "No idea.")])
def test_a_model_that_is_unsure_of_its_first_word_begins_another_answer(tmp_path, below, said):
    """The pieces follow each other: from `Y` to `it is.`, from `N` to `o idea.`."""
    path = tiny_gguf.write(
        tmp_path / "unsure.gguf",
        says=["Y", " it is.", "N", "o idea."],
        tether_unsure_below=below,
        tether_unsure_start="N",
    )
    with_limit = {"max_tokens": 2}
    assert asyncio.run(_answer(path, **with_limit)) == said


async def _answer(path, **sampling):
    async with lm.running(path) as local:
        return lm.answer(await lm.ask(local, "well?", temperature=0.0, **sampling))
