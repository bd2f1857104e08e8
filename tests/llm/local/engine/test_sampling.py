"""Every figure of the sampling does what its name says, and one answer's never reach another."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.service import LocalService

TOKENS = tiny_gguf.vocabulary(())
A, B = (str(TOKENS.index(letter)) for letter in "AB")
LETTERS = tiny_gguf.only("ABCDEFGHIJKLMNOP")
NEVER = {"0": -100.0, "2": -100.0}
"""Bars the tokens that end an answer."""


async def text(local: LocalService, question: str = "hi", **sampling: Any) -> str:
    """Return what is answered; the model's own first choices, unless said otherwise."""
    return lm.answer(await lm.ask(local, question, **{"temperature": 0.0, "max_tokens": 12, **sampling}))


async def test_a_banned_token_is_not_said_and_a_forced_one_is_all_that_is_said(thinker: LocalService) -> None:
    assert await text(thinker, logit_bias={A: 100.0}) == "A" * 12
    assert set(await text(thinker, logit_bias={A: 60.0, B: 100.0}, temperature=1.0)) == {"B"}
    assert set(await text(thinker, logit_bias={A: 60.0, B: 100.0}, stop=("BBB",))) == set()
    assert "A" not in await text(thinker, logit_bias={A: -100.0}, max_tokens=100)
    seen = await text(thinker, logit_bias={A: 100.0, B: -100.0}, temperature=2.0, max_tokens=50)
    assert seen == "A" * 50


@pytest.mark.parametrize(
    ("penalty", "said"),
    [
        ({}, "AAAA"),
        ({"presence_penalty": 30.0}, "ABAA"),
        ({"frequency_penalty": 30.0}, "ABAB"),
        ({"repeat_penalty": 3.0}, "ABAA"),
        ({"presence_penalty": -30.0}, "AAAA"),
        ({"repeat_penalty": 1.0, "frequency_penalty": 0.0, "presence_penalty": 0.0}, "AAAA"),
    ],
)
@pytest.mark.parametrize("speculation", [True, False])
async def test_penalties_are_for_what_was_said(
    thinking: Path, penalty: dict[str, float], said: str, speculation: bool
) -> None:
    async with lm.running(thinking, speculation=speculation) as local:
        assert await text(local, logit_bias={A: 60.0, B: 40.0}, max_tokens=4, **penalty) == said


async def test_penalties_do_not_look_at_the_question(thinker: LocalService) -> None:
    assert (
        await text(thinker, "A" * 50, logit_bias={A: 60.0, B: 40.0}, max_tokens=1, presence_penalty=30) == "A"
    )


@pytest.mark.parametrize("narrow", [{"top_k": 1}, {"min_p": 1.0}, {"top_p": 1e-6}])
async def test_the_narrowest_choice_is_the_models_own_however_hot(
    thinker: LocalService, narrow: dict[str, Any]
) -> None:
    own = await text(thinker, logit_bias=NEVER, max_tokens=40)
    wide = {"temperature": 3.0, "top_k": 256, "min_p": 0.0, "top_p": 1.0, "logit_bias": NEVER}
    assert await text(thinker, max_tokens=40, **{**wide, **narrow}) == own
    assert await text(thinker, max_tokens=40, **wide) != own


async def test_without_a_seed_two_answers_differ_and_with_one_they_do_not(thinker: LocalService) -> None:
    hot = {"temperature": 1.5, "max_tokens": 60, "logit_bias": NEVER}
    assert await text(thinker, **hot) != await text(thinker, **hot)
    for seed in (0, 1, 2**32 - 1, 2**40 + 7, -1):
        assert await text(thinker, seed=seed, **hot) == await text(thinker, seed=seed, **hot)
    assert await text(thinker, seed=1, **hot) != await text(thinker, seed=2, **hot)


async def test_one_answers_sampling_never_reaches_another(thinker: LocalService) -> None:
    kinds: list[dict[str, Any]] = [
        {"seed": 1, "temperature": 1.0, "logit_bias": LETTERS},
        {"seed": 2, "temperature": 1.0, "logit_bias": LETTERS},
        {"temperature": 0.0, "logit_bias": {A: 100.0}},
        {"temperature": 0.0, "logit_bias": LETTERS},
        {"temperature": 0.0, "logit_bias": {A: 60.0, B: 40.0}, "frequency_penalty": 30.0},
        {"seed": 3, "temperature": 2.0, "top_k": 5, "logit_bias": LETTERS},
        {"temperature": 0.0, "response_format": {"type": "json_object"}},
        {"seed": 4, "temperature": 0.7, "min_p": 0.2, "logit_bias": LETTERS},
    ]
    alone = [await text(thinker, f"number {n}", **{"max_tokens": 16, **k}) for n, k in enumerate(kinds)]
    assert len(set(alone)) == len(kinds)
    jobs = [text(thinker, f"number {n}", **{"max_tokens": 16, **k}) for n, k in enumerate(kinds)]
    assert await asyncio.gather(*jobs) == alone


async def test_a_token_that_the_model_does_not_have_is_refused_and_nobody_else_hears_of_it(
    thinker: LocalService,
) -> None:
    other = asyncio.create_task(text(thinker, logit_bias=LETTERS, max_tokens=40))
    with pytest.raises(InvalidRequest, match=f"token 999999; this model has tokens 0 to {len(TOKENS) - 1}"):
        await text(thinker, logit_bias={"999999": 1.0})
    assert await other == await text(thinker, logit_bias=LETTERS, max_tokens=40)


async def test_penalties_are_for_what_a_schema_let_through(tmp_path: Path) -> None:
    """All letters are equally likely to this model, so the penalty alone decides between the two."""
    path = tiny_gguf.write(tmp_path / "flat.gguf", says=["z"])
    schema = {"type": "string", "pattern": "^[xy]{6}$"}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    async with lm.running(path) as local:
        said = json.loads(await text(local, response_format=form, frequency_penalty=10.0, max_tokens=40))
    assert said in ("xyxyxy", "yxyxyx")
