"""Models that only make vectors, such as BERT's kin: they keep nothing of a text, and write none."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest

from tests.support import local_models as lm
from tether_jupyter.core.prompt import Sampling
from tether_jupyter.errors import ContextOverflow, ModelNotReady
from tether_jupyter.llm.local.gguf import read_header
from tether_jupyter.llm.local.service import LocalService

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"\u2581{letter}" for letter in LETTERS), *LETTERS]
WIDTH, INNER, LAYERS, CONTEXT = 64, 128, 2, 128


def write(path: Path) -> Path:
    """Write a BERT with random weights, whose words are letters."""
    writer = gguf.GGUFWriter(str(path), "bert")
    writer.add_name("tiny bert")
    writer.add_vocab_size(len(WORDS))
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(4)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(WORDS)
    writer.add_token_type_count(2)
    kinds = [gguf.TokenType.CONTROL] * 5 + [gguf.TokenType.NORMAL] * (len(WORDS) - 5)
    writer.add_token_types(kinds)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    writer.add_mask_token_id(4)
    random = np.random.default_rng(0)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(f"{name}.weight", random.standard_normal(shape, dtype=np.float32) * np.float32(0.2))
        if name.startswith("blk."):
            writer.add_tensor(f"{name}.bias", np.zeros(shape[0], np.float32))

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))
        writer.add_tensor(f"{name}.bias", np.zeros(WIDTH, np.float32))

    add("token_embd", len(WORDS), WIDTH)
    add("token_types", 2, WIDTH)
    add("position_embd", CONTEXT, WIDTH)
    norm("token_embd_norm")
    for layer in range(LAYERS):
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{part}", WIDTH, WIDTH)
        add(f"blk.{layer}.ffn_up", INNER, WIDTH)
        add(f"blk.{layer}.ffn_down", WIDTH, INNER)
        norm(f"blk.{layer}.attn_output_norm")
        norm(f"blk.{layer}.layer_output_norm")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def bert(models: Path) -> Path:
    return write(models / "bert.gguf")


@pytest.fixture(scope="module")
def embedder(bert: Path) -> Iterator[LocalService]:
    """A service with the model that only makes vectors, for all tests of this file."""
    local = lm.service(bert)
    yield local
    asyncio.run(local.cleanup())


async def test_it_makes_vectors(embedder: LocalService) -> None:
    found = await embedder.embed(["a b", "c", "a b"])
    assert [len(vector) for vector in found] == [WIDTH] * 3
    assert all(math.hypot(*vector) == pytest.approx(1) for vector in found)
    assert found[0] == pytest.approx(found[2], abs=1e-4)
    assert found[0] != pytest.approx(found[1], abs=1e-2)


async def test_who_asks_it_is_told_in_words_and_the_worker_lives_on(embedder: LocalService) -> None:
    before = await embedder.embed(["a b"])
    pid = embedder.pid
    for asked in (
        lm.ask(embedder, "a b"),
        lm.ask(embedder, "a b", response_format={"type": "json_object"}),
        anext(embedder.infill("a", "b", Sampling())),
        anext(embedder.infill("a", "", Sampling(), low=True)),
    ):
        with pytest.raises(ModelNotReady, match=r"^bert\.gguf is no chat model: it makes embed.* Choose an"):
            await asked
    assert embedder.pid == pid
    assert await embedder.embed(["a b"]) == before


async def test_it_is_not_worth_while_to_ask_it_again(embedder: LocalService) -> None:
    with pytest.raises(ModelNotReady) as refused:
        await lm.ask(embedder, "a b")
    assert refused.value.payload()["retryable"] is False


async def test_a_text_begins_and_ends_as_the_model_has_learnt_it(embedder: LocalService) -> None:
    """[CLS], the letters, [SEP]."""
    assert len(await embedder.embed(["a " * (CONTEXT - 2)])) == 1
    with pytest.raises(ContextOverflow, match=f"has {CONTEXT + 1} tokens; {CONTEXT} can"):
        await embedder.embed(["a " * (CONTEXT - 1)])


def test_it_takes_nothing_for_a_conversation(bert: Path) -> None:
    header = read_header(bert)
    assert (header.kv_bytes, header.state_bytes) == (0, 0)
