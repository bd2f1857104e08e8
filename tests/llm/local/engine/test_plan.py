"""What fits: slots by memory, layers by video memory, and a refusal that says what would."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tether_jupyter.errors import ModelNotReady
from tether_jupyter.llm.local.engine.model import Options
from tether_jupyter.llm.local.engine.plan import MOST_SLOTS, Facts, plan

GB = 10**9
MODEL = Facts(weights=4 * GB, kv=100_000, layers=32, trained=32_768)


def planned(
    memory: float | None, *, video: float = 0, offload: bool = True, facts: Facts = MODEL, **wanted: Any
) -> Options:
    """Return the plan for so many gigabytes; one conversation of 4,096 tokens takes 0.41."""
    options = Options("/models/big.gguf", **{"context_length": 4096, "slots": 0, **wanted})
    devices = [{"kind": "cpu", "memory_free": 64 * GB}]
    if video:
        devices.append({"kind": "gpu", "memory_free": int(video * GB)})
    return plan(options, facts, None if memory is None else int(memory * GB), devices, offload)


@pytest.mark.parametrize(
    ("memory", "slots"), [(4.9, 1), (5.7, 2), (6.5, 3), (7.3, 4), (64, MOST_SLOTS), (None, MOST_SLOTS)]
)
def test_half_of_what_the_weights_leave_is_for_conversations(memory: float | None, slots: int) -> None:
    assert planned(memory).slots == slots


def test_slots_that_were_asked_for_are_those() -> None:
    assert planned(64, slots=3).slots == 3
    assert planned(64, slots=20).slots == 20


def test_a_longer_context_leaves_room_for_fewer_conversations() -> None:
    assert planned(12, context_length=4096).slots == MOST_SLOTS
    assert planned(12, context_length=16_384).slots == 2
    assert planned(12, context_length=0).slots == planned(12, context_length=32_768).slots == 1


def test_a_context_is_no_longer_than_the_model_was_made_for() -> None:
    assert planned(6.5, context_length=10**9, facts=Facts(4 * GB, 100_000, 32, 4096)).slots == 3


def test_what_does_not_fit_is_refused_with_the_numbers_and_with_a_context_that_does() -> None:
    with pytest.raises(ModelNotReady) as refused:
        planned(6, context_length=32_768)
    message = refused.value.message
    assert re.match(r"big\.gguf does not fit: it needs about 8\.0\d* GB", message)
    assert re.search(r"\b4\.0+ GB of weights, 3\.\d+ GB for 32768 tokens", message)
    assert re.search(r"\b6\.0+ GB are free", message)
    found = re.search(r"context_length` to (\d+)", message)
    assert found is not None
    length = int(found.group(1))
    assert planned(6, context_length=length).slots == 1
    with pytest.raises(ModelNotReady):
        planned(6, context_length=length + 512)


def test_weights_that_do_not_fit_are_refused_with_other_advice() -> None:
    with pytest.raises(
        ModelNotReady, match=r"4\.0+ GB of weights.*2\.0+ GB are free\. Choose a smaller file"
    ):
        planned(2)


def test_slots_that_do_not_fit_are_refused_as_well() -> None:
    with pytest.raises(ModelNotReady, match="does not fit"):
        planned(6, slots=64)


def test_all_layers_go_on_a_gpu_that_has_room_and_its_memory_counts_for_conversations() -> None:
    on_gpu = planned(64, video=24)
    assert (on_gpu.n_gpu_layers, on_gpu.slots) == (33, MOST_SLOTS)
    assert planned(64, video=5.7) == planned(1, video=5.7)
    assert planned(64, video=5.7).slots == 2


def test_as_many_layers_go_on_a_small_gpu_as_have_room() -> None:
    half = planned(64, video=2.425)
    assert half.n_gpu_layers == 16
    assert half.slots >= 1
    assert 0 < planned(64, video=0.3).n_gpu_layers < 4
    # What is not on the GPU has to fit beside it.
    with pytest.raises(ModelNotReady, match="does not fit"):
        planned(1, video=2.425)


def test_two_gpus_count_together() -> None:
    devices = [{"kind": "gpu", "memory_free": 3 * GB}] * 2
    options = Options("m.gguf", context_length=4096, slots=0)
    assert plan(options, MODEL, 64 * GB, devices, offload=True).n_gpu_layers == 33


@pytest.mark.parametrize(
    ("wanted", "video", "offload", "layers"),
    [(-1, 24, False, 0), (0, 24, True, 0), (-1, 0, True, 0), (10, 24, True, 10), (99, 24, True, 33)],
)
def test_layers_go_where_the_settings_and_the_build_let_them(
    wanted: int, video: float, offload: bool, layers: int
) -> None:
    assert planned(64, video=video, offload=offload, n_gpu_layers=wanted).n_gpu_layers == layers


def test_a_model_whose_memory_for_a_token_is_unknown_is_weighed_by_its_weights() -> None:
    unknown = Facts(4 * GB, 0, 32, 4096)
    assert planned(6, facts=unknown).slots == MOST_SLOTS
    with pytest.raises(ModelNotReady, match="Choose a smaller file"):
        planned(3, facts=unknown)


def test_what_a_conversation_takes_whatever_its_length_counts_as_well() -> None:
    hybrid = Facts(4 * GB, 25_000, 32, 32_768, state=GB // 4)
    assert planned(5.5, facts=hybrid).slots == 2
    assert planned(9, facts=hybrid, context_length=32_768).slots == 2
    recurrent = Facts(4 * GB, 0, 32, 32_768, state=GB // 4)
    assert planned(5.5, facts=recurrent).slots == 3
    with pytest.raises(ModelNotReady, match="Choose a smaller file"):
        planned(4.5, facts=recurrent)
    with pytest.raises(ModelNotReady) as refused:
        planned(5, facts=hybrid, context_length=32_768)
    found = re.search(r"context_length` to (\d+)", refused.value.message)
    assert found is not None
    assert planned(5, facts=hybrid, context_length=int(found.group(1))).slots == 1
