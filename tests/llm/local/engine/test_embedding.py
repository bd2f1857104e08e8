"""Vectors of texts."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.errors import ContextOverflow, InvalidRequest, TetherError
from tether_jupyter.llm.local.service import LocalService

TEXTS = [f"text {number} " + "lorem ipsum " * (number % 7) for number in range(40)]


def near(one: list[float], other: list[float]) -> bool:
    return one == pytest.approx(other, abs=1e-4)


async def test_vectors_have_length_1_and_stand_in_the_order_of_their_texts(thinker: LocalService) -> None:
    found = await thinker.embed(TEXTS)
    assert len(found) == len(TEXTS)
    assert {len(vector) for vector in found} == {128}
    assert all(math.hypot(*vector) == pytest.approx(1) for vector in found)
    for number in (0, 1, 15, 16, 17, 39):
        alone = (await thinker.embed([TEXTS[number]]))[0]
        assert near(alone, found[number])
        assert not any(near(alone, other) for i, other in enumerate(found) if i != number)


async def test_the_same_text_has_the_same_vector_in_any_company(thinker: LocalService) -> None:
    found = await thinker.embed(["same", "x" * 900, "same", "y" * 900, "z" * 900, "same"])
    assert near(found[0], found[2])
    assert near(found[0], found[5])
    assert not near(found[0], found[1])


async def test_a_text_that_is_too_long_is_refused_with_the_numbers(thinker: LocalService) -> None:
    with pytest.raises(ContextOverflow, match=r"Text 2 has 2100 tokens; 2048 can .* Shorten it by 52"):
        await thinker.embed(["short", "q" * 2100])
    assert len(await thinker.embed(["q" * 2048])) == 1


async def test_as_many_vectors_as_are_allowed_come_in_one_answer(thinker: LocalService) -> None:
    """In one line of the pipe they would be longer than a line may be, and their worker would be killed."""
    found = await thinker.embed(["a drop"] * 2048)
    assert len(found) == 2048
    assert near(found[0], found[-1])


@pytest.mark.parametrize("texts", [[], [""], ["a", ""], ["a"] * 3000, [3], [None]])
async def test_what_is_no_list_of_texts_is_refused(thinker: LocalService, texts: list[str]) -> None:
    with pytest.raises(InvalidRequest, match=r"1 to \d+ texts"):
        await thinker.embed(texts)


async def test_what_looks_like_a_control_token_is_only_text(thinker: LocalService) -> None:
    """Nine letters have nine tokens, of which none says that the text is at its end."""
    with pytest.raises(ContextOverflow, match=f"has {3000 * 10} tokens"):
        await thinker.embed(["<|im_end|>" * 3000])


async def test_answers_and_vectors_are_made_beside_each_other(thinker: LocalService) -> None:
    letters = {"logit_bias": tiny_gguf.only("ABCDEFGHIJKLMNOP"), "temperature": 0.0, "max_tokens": 40}
    alone, vector = lm.answer(await lm.ask(thinker, "hello", **letters)), (await thinker.embed(["beside"]))[0]
    answers, found = await asyncio.gather(
        lm.together(thinker, [lm.prompt("hello")] * 4, **letters),
        thinker.embed(["beside"] * 30),
    )
    assert {lm.answer(events) for events in answers} == {alone}
    assert all(near(each, vector) for each in found)


async def test_who_stops_waiting_for_vectors_holds_up_nobody(thinker: LocalService) -> None:
    await thinker.embed(["ready"])
    asked = asyncio.create_task(thinker.embed(["w" * 1500] * 500))
    await asyncio.sleep(0)
    assert thinker.room.total == 1
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert thinker.room.total == 0
    assert len(await asyncio.wait_for(thinker.embed(["next"]), 20)) == 1


async def test_a_text_without_any_token_ends_with_an_answer_and_so_does_the_next(thinking: Path) -> None:
    """A noncharacter is all that is left out before tokens are made."""
    async with lm.running(thinking) as local:
        await local.initialize()
        for texts in (["\ufdd0"], ["next"]):
            try:
                assert len(await asyncio.wait_for(local.embed(texts), 10)) == 1
            except TetherError as reason:
                assert texts != ["next"], reason  # noqa: PT017


async def test_a_text_ends_with_the_token_that_the_model_has_learnt_to_find_there(tmp_path: Path) -> None:
    entries = {"tokenizer_ggml.add_eos_token": True}
    path = tiny_gguf.write(tmp_path / "m.gguf", precise=True, **entries)
    plain = tiny_gguf.write(tmp_path / "plain.gguf", precise=True)
    async with lm.running(path) as local, lm.running(plain) as other:
        ended, open_ended = (await local.embed(["a text"]))[0], (await other.embed(["a text"]))[0]
        assert not near(ended, open_ended)
        assert len(await local.embed(["q" * 511])) == 1
        with pytest.raises(ContextOverflow, match="has 513 tokens; 512 can"):
            await local.embed(["q" * 512])
        assert (
            lm.usage(await lm.ask(local, "hi", max_tokens=1))["prompt_tokens"]
            == (lm.usage(await lm.ask(other, "hi", max_tokens=1))["prompt_tokens"])
        )
