"""What conversations take in memory, of models whose layers are alike and of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.llm.local.footprint import Footprint
from tether_jupyter.llm.local.gguf import read_header

KB = 1024


def footprint(architecture: str = "some", **entries: Any) -> Footprint:
    """Return what is read from a file with these entries; two underscores stand for a dot."""
    values = {f"{architecture}.{name.replace('__', '.')}": (4, value) for name, value in entries.items()}
    return Footprint(values, architecture)


# As the files of these models say it.
GEMMA_4_31B = {
    "block_count": 60,
    "embedding_length": 5376,
    "attention__head_count": 32,
    "attention__head_count_kv": (16, 16, 16, 16, 16, 4) * 10,
    "attention__key_length": 512,
    "attention__value_length": 512,
    "attention__key_length_swa": 256,
    "attention__value_length_swa": 256,
    "attention__sliding_window_pattern": (True, True, True, True, True, False) * 10,
}
LFM2 = {
    "block_count": 16,
    "embedding_length": 2048,
    "attention__head_count": 32,
    "attention__head_count_kv": (0, 0, 8, 0, 0, 8, 0, 0, 8, 0, 8, 0, 8, 0, 8, 0),
    "shortconv__l_cache": 3,
}
QWEN_3_5_9B = {
    "block_count": 32,
    "embedding_length": 4096,
    "attention__head_count": 16,
    "attention__head_count_kv": 4,
    "attention__key_length": 256,
    "attention__value_length": 256,
    "ssm__conv_kernel": 4,
    "ssm__inner_size": 4096,
    "ssm__state_size": 128,
    "ssm__group_count": 16,
}


def test_layers_that_are_alike_take_the_same() -> None:
    plain = footprint(block_count=32, embedding_length=4096, attention__head_count=32)
    assert plain.token == 2 * 32 * 32 * (128 + 128)
    shared = footprint(
        block_count=32, embedding_length=4096, attention__head_count=32, attention__head_count_kv=8
    )
    assert (shared.token, shared.conversation) == (128 * KB, 0)


def test_layers_with_other_heads_and_widths_are_counted_each() -> None:
    assert footprint(**GEMMA_4_31B).token == 2 * (50 * 16 * 2 * 256 + 10 * 4 * 2 * 512)
    borrowed = footprint(**GEMMA_4_31B, attention__shared_kv_layers=6)
    assert borrowed.token == 2 * 9 * (5 * 16 * 2 * 256 + 4 * 2 * 512)


def test_a_pattern_that_is_a_number_makes_every_such_layer_look_far() -> None:
    alike = {**GEMMA_4_31B, "attention__head_count_kv": 8}
    by_number = footprint(**{**alike, "attention__sliding_window_pattern": 6})
    assert by_number.token == footprint(**alike).token


def test_layers_without_heads_take_nothing_of_a_token_and_keep_a_state() -> None:
    found = footprint(**LFM2)
    assert found.token == 2 * 6 * 8 * (64 + 64)
    assert found.conversation == 4 * 10 * 2048 * 2


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        ("some", {"full_attention_interval": 4}),
        ("some", {"attention__recurrent_layers": (True, True, True, False) * 8}),
        ("qwen35", {}),
        ("qwen3next", {}),
    ],
)
def test_a_hybrid_takes_for_a_token_what_its_layers_with_attention_do(
    architecture: str, said: dict[str, Any]
) -> None:
    found = footprint(architecture, **QWEN_3_5_9B, **said)
    assert found.token == 2 * 8 * 4 * (256 + 256)
    assert found.conversation == 4 * 24 * (3 * (4096 + 2 * 16 * 128) + 4096 * 128)


def test_layers_that_have_both_take_both() -> None:
    found = footprint(**QWEN_3_5_9B)
    assert found.token == 4 * footprint(**QWEN_3_5_9B, full_attention_interval=4).token
    assert found.conversation == 4 * 32 * (3 * (4096 + 2 * 16 * 128) + 4096 * 128)


def test_a_model_that_is_recurrent_throughout_has_a_state_and_no_more() -> None:
    found = footprint(
        block_count=48, embedding_length=1536, attention__head_count=0,
        ssm__conv_kernel=4, ssm__inner_size=3072, ssm__state_size=16,
    )  # fmt: skip
    assert found.token == 0
    assert found.conversation == 4 * 48 * (3 * 3072 + 3072 * 16)


def test_a_model_that_reads_a_text_at_once_keeps_nothing() -> None:
    entries = {"block_count": 12, "embedding_length": 768, "attention__head_count": 12}
    assert footprint(**entries).token > 0
    assert footprint(**entries, attention__causal=False).token == 0


def test_latent_attention_keeps_a_rank_for_each_layer_that_has_it() -> None:
    deep = {"block_count": 27, "attention__kv_lora_rank": 512, "rope__dimension_count": 64}
    assert footprint(**deep, attention__head_count=16).token == 2 * 27 * (512 + 64)
    some = footprint(**deep, attention__head_count=16, attention__head_count_kv=(0, 0, 1) * 9)
    assert some.token == 2 * 9 * (512 + 64)


@pytest.mark.parametrize("nonsense", [(), (-1, 2.5, None), (1 << 60,), "many", -3, 1 << 40, True])
def test_what_is_no_number_of_heads_counts_for_none(nonsense: Any) -> None:
    found = footprint(block_count=2, embedding_length=64, attention__head_count=nonsense)
    assert (found.token, found.conversation) == (0, 0)


def test_a_file_may_have_a_number_for_each_layer(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(str(tmp_path / "m.gguf"), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(64)
    writer.add_block_count(3)
    writer.add_head_count(4)
    writer.add_head_count_kv([4, 0, 2])
    writer.add_array("llama.attention.sliding_window_pattern", [True, False, False])
    writer.add_uint32("llama.attention.key_length_swa", 8)
    writer.add_array("other.attention.head_count", list(range(100_000)))
    writer.add_tensor("t", np.zeros(4, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert read_header(tmp_path / "m.gguf").kv_bytes == 2 * (4 * (8 + 16) + 2 * (16 + 16))


async def test_what_a_file_tells_is_what_llama_cpp_takes(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "m.gguf", says=["a"], shape=tiny_gguf.Shape(layers=3))
    header = read_header(path)
    async with lm.running(path, slots=2, context_length=256) as local:
        await local.initialize()
        assert (await local.describe())["engine"]["kv_bytes"] == 2 * 256 * header.kv_bytes
    assert header.state_bytes == 0
