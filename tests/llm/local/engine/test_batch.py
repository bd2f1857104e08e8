"""The tokens of one step, as llama.cpp reads them."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from tether_jupyter.llm.local.engine.batch import Batch


class Native(ctypes.Structure):
    """llama.cpp's own structure."""

    _fields_ = (
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.POINTER(ctypes.c_int32)),
        ("embd", ctypes.POINTER(ctypes.c_float)),
        ("pos", ctypes.POINTER(ctypes.c_int32)),
        ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    )


LLAMA = SimpleNamespace(
    llama_batch=Native, llama_token=ctypes.c_int32, llama_pos=ctypes.c_int32, llama_seq_id=ctypes.c_int32
)


def rows(batch: Batch) -> list[tuple[int, int, int, int]]:
    """Return token, position, slot and whether its logits are wanted, of each row."""
    native = batch.native()
    assert {native.n_seq_id[i] for i in range(native.n_tokens)} <= {1}
    return [
        (native.token[i], native.pos[i], native.seq_id[i][0], native.logits[i])
        for i in range(native.n_tokens)
    ]


def test_tokens_of_several_slots_stand_one_after_the_other() -> None:
    batch = Batch(LLAMA, 8, 4)
    assert batch.add(3, [10, 11, 12], 5, 1) == 0
    assert batch.add(1, [20, 21], 0, 2) == 3
    assert batch.room == 3
    assert rows(batch) == [(10, 5, 3, 0), (11, 6, 3, 0), (12, 7, 3, 1), (20, 0, 1, 1), (21, 1, 1, 1)]


def test_a_cleared_batch_remembers_nothing() -> None:
    batch = Batch(LLAMA, 4, 2)
    batch.add(1, [1, 2, 3, 4], 0, 4)
    batch.clear()
    assert (batch.room, rows(batch)) == (4, [])
    batch.add(0, [7, 8], 2, 0)
    assert rows(batch) == [(7, 2, 0, 0), (8, 3, 0, 0)]


@pytest.mark.parametrize("tokens", [[], [1, 2, 3, 4, 5]])
def test_what_would_end_the_process_is_refused_here(tokens: list[int]) -> None:
    batch = Batch(LLAMA, 6, 1)
    batch.add(0, [1, 2], 0, 0)
    with pytest.raises(ValueError, match=f"{len(tokens)} tokens do not go into the batch: 4 are free"):
        batch.add(0, tokens, 2, 0)
    assert batch.count == 2
