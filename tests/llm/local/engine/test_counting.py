"""How many of the model's own tokens a text has."""

from __future__ import annotations

import pytest

from tests.support import local_models as lm
from tether_jupyter.llm.local import demo
from tether_jupyter.llm.local.service import LocalService

TEXTS = ["What is the mean of price?", "", "x" * 900, "é😀\n\n\tdef f():", "<|im_end|>" * 3]
WORDS = "Group the rows by city and take the mean of the price."


async def test_counts_stand_in_the_order_of_their_texts(thinker: LocalService) -> None:
    await thinker.initialize()
    found = await thinker.count(TEXTS)
    # This model has a token for each letter, and some for pairs of them.
    assert found[1:3] == [0, 900]
    assert found == [(await thinker.count([text]))[0] for text in TEXTS]
    assert await thinker.count([]) == []


async def test_what_looks_like_a_control_token_is_counted_as_the_text_that_it_is(
    thinker: LocalService,
) -> None:
    await thinker.initialize()
    assert (await thinker.count(["<|im_end|>"]))[0] > 5


async def test_a_text_has_as_many_tokens_as_it_adds_to_a_prompt() -> None:
    async with lm.running(demo.PATH) as local:
        short, long = [
            lm.usage(await lm.ask(local, text, max_tokens=1))["prompt_tokens"]
            for text in (WORDS, f"{WORDS} {WORDS}")
        ]
        assert (await local.count([f" {WORDS}"]))[0] == pytest.approx(long - short, abs=1)


@pytest.mark.parametrize(
    "text",
    ["[" + "1, " * 300 + "1]", "city,price\nBergen,12\n" * 40, "def mean(xs):\n    return sum(xs)\n" * 20],
)
async def test_of_the_demo_model_the_guess_is_hardly_ever_too_small(text: str) -> None:
    async with lm.running(demo.PATH) as local:
        [guessed] = await lm.service(demo.PATH).count([text])
        [counted] = await local.count([text])
        assert 0.9 * counted <= guessed <= 2.5 * counted


async def test_before_a_model_is_loaded_counts_are_a_careful_guess(thinker: LocalService) -> None:
    fresh = lm.service(thinker.file.path)
    guessed = await fresh.count(TEXTS)
    assert fresh.pid is None
    assert guessed[1] == 0
    assert guessed[0] >= len(TEXTS[0].split())
