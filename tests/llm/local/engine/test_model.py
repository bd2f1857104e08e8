"""Contexts of all sizes, and what stands at their end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.errors import ContextOverflow, TetherError
from tether_jupyter.llm.local import bindings
from tether_jupyter.llm.local.engine.model import Model, Options

BARE = "{{ messages[-1]['content'] }}"


async def test_a_context_of_four_tokens_takes_three_and_says_one(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "m.gguf", says=["a", "b"], again=True, template=BARE)
    async with lm.running(path, context_length=4, slots=2) as local:
        events = await lm.ask(local, "xy\n")
        assert lm.answer(events) == "a"
        assert lm.usage(events)["prompt_tokens"] == 3
        assert events[-1] == {"done": True, "finish_reason": "length"}
        assert lm.answer(await lm.ask(local, "\n")) == "aba"
        with pytest.raises(ContextOverflow, match=r"has 4 tokens; the model reads 3\. Shorten it by 1"):
            await lm.ask(local, "xyz\n")
        assert (await local.describe())["context_length"] == 4


@pytest.mark.parametrize("speculation", [True, False])
@pytest.mark.parametrize("context_length", [250, 256, 257, 300])
async def test_the_context_ends_in_the_middle_of_an_answer(
    repeating: Path, context_length: int, speculation: bool
) -> None:
    async with lm.running(
        repeating, context_length=context_length, speculation=speculation, slots=2
    ) as local:
        answers = await lm.together(local, [lm.prompt("x"), lm.prompt("y" * 100)], temperature=0.0)
        for events in answers:
            figures = lm.usage(events)
            said = figures["completion_tokens"]
            assert figures["prompt_tokens"] + said == context_length
            assert lm.answer(events) == "".join(f" r{number % 10}" for number in range(said))
            assert events[-1] == {"done": True, "finish_reason": "length"}
        assert lm.answer(await lm.ask(local, "x", max_tokens=2)) == " r0 r1"


async def test_a_context_is_no_longer_than_the_model_was_made_for(repeating: Path) -> None:
    for wanted in (0, 10**6):
        async with lm.running(repeating, context_length=wanted, slots=1) as local:
            await local.initialize()
            assert (await local.describe())["context_length"] == 2048


async def test_a_template_that_renders_nothing_ends_with_an_error(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "m.gguf", says=["a"], template="{{ '' }}")
    async with lm.running(path) as local:
        with pytest.raises(TetherError):
            await asyncio.wait_for(lm.ask(local, "hi"), 10)


async def test_what_the_engine_holds_is_told(repeating: Path) -> None:
    size = repeating.stat().st_size  # noqa: ASYNC240
    async with lm.running(repeating, slots=3, context_length=512) as local:
        await lm.ask(local, "hi", max_tokens=20, temperature=0.0)
        engine = (await local.describe())["engine"]
        assert engine["slots"] == 3
        assert (engine["running"], engine["waiting"]) == (0, 0)
        assert engine["conversations"] == 1
        # Keys and values of 4 layers of 128 numbers of two bytes.
        assert engine["kv_bytes"] == 3 * 512 * 4 * 128 * 2 * 2
        assert engine["kv_tokens"] > 20
        assert 0 < engine["weight_bytes"] < size
        assert engine["progress"] == 1.0


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What llama.cpp is asked for: the parameters of each context that is made."""
    llama = bindings.load()
    make, asked = llama.llama_init_from_model, []

    def init(model: Any, params: Any) -> Any:
        asked.append(params)
        return make(model, params)

    monkeypatch.setattr(llama, "llama_init_from_model", init)
    return asked


@pytest.mark.parametrize(("offload", "layers"), [(False, -1), (True, 0)])
def test_a_cpu_works_without_flash_attention(
    repeating: Path, contexts: list[Any], monkeypatch: pytest.MonkeyPatch, offload: bool, layers: int
) -> None:
    llama = bindings.load()
    monkeypatch.setattr(llama, "llama_supports_gpu_offload", lambda: offload)
    Model(Options(str(repeating), slots=2, n_gpu_layers=layers))
    assert contexts[0].flash_attn_type == llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
    assert contexts[0].n_ubatch == 128


def test_a_gpu_works_as_llama_cpp_would(
    repeating: Path, contexts: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    llama = bindings.load()
    monkeypatch.setattr(llama, "llama_supports_gpu_offload", lambda: True)
    Model(Options(str(repeating), slots=2, n_gpu_layers=3))
    assert contexts[0].flash_attn_type == llama.LLAMA_FLASH_ATTN_TYPE_AUTO
    assert contexts[0].n_ubatch == 512


# 4 bytes a score, 2,048 tokens: 2**16 in all, for one token and one head.
@pytest.mark.parametrize(("heads", "tokens"), [(0, 128), (16, 128), (512, 64), (4096, 32)])
def test_many_heads_take_fewer_tokens_at_once_and_no_more_memory(
    repeating: Path, contexts: list[Any], monkeypatch: pytest.MonkeyPatch, heads: int, tokens: int
) -> None:
    monkeypatch.setattr(bindings.load(), "llama_model_n_head", lambda _: heads)
    Model(Options(str(repeating), slots=1, n_gpu_layers=0))
    assert contexts[0].n_ubatch == tokens
