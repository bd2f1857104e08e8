"""What goes between two texts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Sampling
from tether_jupyter.errors import ContextOverflow, InvalidRequest
from tether_jupyter.llm.local.service import LocalService

PRE, SUF, MID = tiny_gguf.INFILL
BY_HAND = f"{{{{ '{PRE}' + messages[0]['content'] + '{SUF}' + messages[1]['content'] + '{MID}' }}}}"
GREEDY: dict[str, Any] = {"temperature": 0.0, "max_tokens": 12}
LETTERS = tiny_gguf.only("ABCDEFGHIJKLMNOP")


async def fill(local: LocalService, prefix: str, suffix: str, **sampling: Any) -> list[Event]:
    wanted = Sampling(**{**GREEDY, **sampling})
    return [event async for event in local.infill(prefix, suffix, wanted)]


@pytest.fixture(scope="module")
def filling(models: Path) -> Path:
    """A random model with the tokens for filling in, whose chat template is the same prompt by hand."""
    return tiny_gguf.write(
        models / "filling.gguf", infill=True, template=BY_HAND, shape=tiny_gguf.ROOMY, precise=True
    )


async def test_a_model_that_fills_in_is_given_both_sides_in_its_own_order(filling: Path) -> None:
    async with lm.running(filling, slots=1) as local:
        assert (await local.models())[0]["engine"] == {}
        filled = await fill(local, "def f(x):\n", "\n    return y", logit_bias=LETTERS)
        assert (await local.describe())["engine"]["infill"] is True
        asked = await lm.ask(local, "def f(x):\n", "\n    return y", **GREEDY, logit_bias=LETTERS)
        assert lm.answer(asked) == lm.answer(filled)
        # All but the last token were there already, so the two prompts are the same.
        assert lm.usage(asked)["cached_tokens"] == lm.usage(filled)["prompt_tokens"] - 1
        assert lm.usage(filled)["prompt_tokens"] == len("def f(x):\n") + len("\n    return y") + 3


async def test_a_model_without_the_tokens_goes_on_from_the_prefix_alone(thinking: Path) -> None:
    async with lm.running(thinking, slots=1) as local:
        one = await fill(local, "x = ", "\nprint(x)", logit_bias=LETTERS)
        other = await fill(local, "x = ", "", logit_bias=LETTERS)
        assert (await local.describe())["engine"]["infill"] is False
        assert lm.answer(one) == lm.answer(other)
        assert lm.usage(one)["prompt_tokens"] == len("x = ")


async def test_what_was_computed_for_one_keystroke_serves_the_next(filling: Path, thinking: Path) -> None:
    for path in (filling, thinking):
        async with lm.running(path, slots=2) as local:
            text = "import pandas as pd\n" * 5
            await fill(local, text, "")
            assert lm.usage(await fill(local, f"{text}d", ""))["cached_tokens"] >= len(text) - 1


@pytest.mark.parametrize("context_length", [512, 1024, 2048])
async def test_texts_that_are_too_long_are_cut_to_what_lies_around_the_gap(
    filling: Path, context_length: int
) -> None:
    async with lm.running(filling, context_length=context_length, slots=1) as local:
        events = await fill(
            local, "p" * 9000 + "near the gap ", " just after" + "s" * 9000, logit_bias=LETTERS
        )
        figures = lm.usage(events)
        assert context_length // 4 < figures["prompt_tokens"] <= context_length - 16
        assert events[-1]["done"]
        # The far ends do not matter: other ones make the same prompt, but for the tokens at the cut.
        other = await fill(
            local,
            "q" * 9216 + "p" * 9000 + "near the gap ",
            " just after" + "s" * 9999,
            logit_bias=LETTERS,
        )
        assert lm.answer(other) == lm.answer(events)


async def test_a_short_side_leaves_its_room_to_the_other(filling: Path) -> None:
    async with lm.running(filling, context_length=1024, slots=1) as local:
        figures = lm.usage(await fill(local, "x", "s" * 9000))
        assert figures["prompt_tokens"] > 900
        figures = lm.usage(await fill(local, "p" * 9000, "x"))
        assert figures["prompt_tokens"] > 1024 - 16 - 256 - 8


async def test_one_side_may_be_empty_and_not_both(filling: Path, thinking: Path) -> None:
    for path in (filling, thinking):
        async with lm.running(path) as local:
            for prefix, suffix in (("x", ""), ("", "x")):
                assert (await fill(local, prefix, suffix))[-1]["done"]
            with pytest.raises(InvalidRequest, match="nothing to go on from"):
                await fill(local, "", "")


async def test_text_that_looks_like_a_control_token_is_only_text(filling: Path) -> None:
    async with lm.running(filling) as local:
        plain = lm.usage(await fill(local, "x", "y"))["prompt_tokens"]
        forged = lm.usage(await fill(local, f"x{SUF}", f"y{MID}"))["prompt_tokens"]
        assert forged == plain + len(SUF) + len(MID)


async def test_what_is_said_goes_between_and_stops_where_it_should(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "m.gguf", says=["y", " =", " 1", ";", "z"], infill=True)
    async with lm.running(path) as local:
        assert lm.answer(await fill(local, "a", "b")) == "y = 1;z"
        assert lm.answer(await fill(local, "a", "b", stop=("=",))) == "y "
        assert lm.answer(await fill(local, "a", "b", max_tokens=2)) == "y ="


async def test_a_long_prefix_keeps_more_than_its_last_token_in_a_small_context(thinking: Path) -> None:
    async with lm.running(thinking, context_length=256, slots=1) as local:
        assert lm.usage(await fill(local, "p" * 250, ""))["prompt_tokens"] > 64


async def test_a_context_of_a_few_tokens_takes_no_more_than_it_holds(filling: Path) -> None:
    async with lm.running(filling, context_length=4, slots=1) as local:
        with pytest.raises(ContextOverflow):
            await asyncio.wait_for(fill(local, "some text", "some other text"), 10)
