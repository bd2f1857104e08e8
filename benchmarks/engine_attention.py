"""Next tokens on a CPU after short and long conversations, by the attention that the engine chooses.

llama.cpp would choose flash attention on a CPU, too. One model of 125 million random weights is loaded in
this process for either. What is timed is one step: of eight answers, of one, and the reading of 512 tokens
of a prompt. They take turns.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.support import models
from benchmarks.support.result import Row
from benchmarks.support.turns import SLOTS, THREADS
from tether_jupyter.llm.local.engine.model import Model, Options

ROUNDS = 9
SECONDS = 1800
LENGTHS = (200, 2048, 4096)
QUICK_LENGTHS = (200, 512)
READ = 512
AGAINST = "flash attention"


class Flash(Model):
    """A model as llama.cpp would load it."""

    on_cpu = False  # type: ignore[assignment]  # a property of the class above


Parts = Sequence[tuple[int, int]]
"""Pairs of a slot, and how many tokens go into it."""


def run(rounds: int, quick: bool) -> list[Row]:
    """Time both kinds in turn at each length."""
    lengths = QUICK_LENGTHS if quick else LENGTHS
    options = Options(
        str(models.random_model()),
        context_length=lengths[-1] + READ,
        slots=SLOTS,
        n_gpu_layers=0,
        n_threads=THREADS,
    )
    both = (Model(options), Flash(options))
    rows = []
    for length in lengths:
        for model in both:
            fill(model, length)
        for what, parts in cases(length).items():
            found: tuple[list[float], list[float]] = ([], [])
            for number in range(rounds):
                for place in (0, 1) if number % 2 else (1, 0):
                    found[place].append(step(both[place], parts, length))
            rows.append(Row(what, "ms", found[0], AGAINST, found[1]))
    return rows


def cases(length: int) -> dict[str, Parts]:
    """Return what is timed after so many tokens."""
    everybody = [(slot, 1) for slot in range(SLOTS)]
    return {
        f"the next token of one answer after {length} tokens": [(0, 1)],
        f"the next tokens of {SLOTS} answers after {length} tokens each": everybody,
        f"reading {READ} more tokens after {length}": [(0, READ)],
    }


def fill(model: Model, length: int) -> None:
    """Let each slot hold a conversation of so many tokens."""
    held = 0
    model.cut(0, 0)
    while held < length:
        held += feed(model, [(0, min(READ, length - held))], held)
    for slot in range(1, SLOTS):
        model.copy(0, slot)


def step(model: Model, parts: Parts, length: int) -> float:
    """Return the milliseconds of one step, and forget it."""
    began = time.perf_counter()
    feed(model, parts, length)
    spent = 1000 * (time.perf_counter() - began)
    for slot, _ in parts:
        model.cut(slot, length)
    return spent


def feed(model: Model, parts: Parts, held: int) -> int:
    """Compute tokens of slots that hold so many, and return how many of the first slot's there were."""
    random = np.random.default_rng(held)
    model.batch.clear()
    for slot, count in parts:
        tokens = random.integers(0, models.VOCABULARY - 100, count)
        row = model.batch.add(slot, tokens, held, 1) + count - 1
    if code := model.decode():
        raise RuntimeError(f"llama.cpp refused a step: {code}.")
    model.logits(row)  # Where a step is computed beside Python, this waits for it.
    return parts[0][1]
