"""What fits: how many conversations, and how much of the model on a GPU, decided before it is loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tether_jupyter.core.sizes import human
from tether_jupyter.errors import ModelNotReady
from tether_jupyter.llm.local.engine.model import Options

MOST_SLOTS = 8
SHARE = 0.5
"""Of the memory that the weights leave free, what all contexts together may take."""
WORKING = 1.1
"""Weights and one context, with what the computation itself needs."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a model needs, in bytes.

    Parameters
    ----------
    weights:
        The file.
    kv:
        The context's memory for one token; 0 for unknown.
    layers:
        How many parts the weights have that go on a GPU one by one.
    trained:
        Tokens of context that the model was made for.
    state:
        The context's memory for one conversation, however long it is.
    """

    weights: int
    kv: int
    layers: int
    trained: int
    state: int = 0


def plan(
    wanted: Options, facts: Facts, memory: int | None, devices: Sequence[Mapping[str, Any]], offload: bool
) -> Options:
    """Return how to load a model.

    Parameters
    ----------
    wanted:
        The settings; `slots` 0 for as many as fit, up to 8.
    memory:
        Bytes that this process may take; `None` for unknown.
    devices:
        See `devices.devices`.
    offload:
        Whether this build computes on a GPU at all.

    Raises
    ------
    ModelNotReady
        The weights and one conversation do not fit. The message has the numbers.
    """
    length = min(wanted.context_length or facts.trained, facts.trained)
    context = facts.kv * length + facts.state
    layers, video = gpu_layers(wanted, facts, context, devices, offload)
    share = layers / (facts.layers + 1) if layers else 0.0
    if memory is not None:
        need = (facts.weights + context * max(1, wanted.slots)) * (1 - share) * WORKING
        if need > memory:
            raise ModelNotReady(refusal(wanted, facts, context * max(1, wanted.slots), length, need, memory))
    slots = wanted.slots
    if not slots:
        left = [(memory or 0) - facts.weights * (1 - share)] if memory is not None and share < 1 else []
        if video:
            left.append(video - facts.weights * share)
        room = SHARE * min(left) if left else None
        slots = MOST_SLOTS if not context or room is None else int(room / context)
        slots = max(1, min(MOST_SLOTS, slots))
    return replace(wanted, slots=slots, n_gpu_layers=layers)


def gpu_layers(
    wanted: Options, facts: Facts, context: int, devices: Sequence[Mapping[str, Any]], offload: bool
) -> tuple[int, int]:
    """Return how many layers go on GPUs, and the GPUs' free memory: all layers, or as many as have room."""
    free = sum(int(device["memory_free"]) for device in devices if device.get("kind") == "gpu")
    most = facts.layers + 1  # llama.cpp counts the output as a layer, too.
    if not offload or not free or wanted.n_gpu_layers == 0:
        return (wanted.n_gpu_layers if wanted.n_gpu_layers > 0 else 0), 0
    if wanted.n_gpu_layers > 0:
        return min(wanted.n_gpu_layers, most), free
    need = (facts.weights + context) * WORKING
    return (most, free) if need <= free else (int(most * free / need), free)


def refusal(wanted: Options, facts: Facts, context: int, length: int, need: float, memory: int) -> str:
    """Say what is missing, and what helps."""
    name = re.split(r"[/\\]", wanted.model_path)[-1]
    contexts = f"{length} tokens" if wanted.slots < 2 else f"{wanted.slots} times {length} tokens"
    advice = "Choose a smaller file of the model, or free some memory."
    if facts.kv and facts.weights * WORKING < memory:
        each = (memory / WORKING - facts.weights) / max(1, wanted.slots) - facts.state
        fits = int(each / facts.kv) // 256 * 256
        if fits >= 256:
            advice = f"Set `LocalLLM.context_length` to {fits}, or free some memory."
    return (
        f"{name} does not fit: it needs about {human(need)} ({human(facts.weights)} of weights, "
        f"{human(context)} for {contexts} of context), and {human(memory)} are free. {advice}"
    )
