"""The local engine beside llama-server and llama_cpp.server: one stream, and eight at once.

A model of 125 million random weights, two threads each, prompts of 200 tokens that nobody has seen, answers
of 128. All are warm and take turns; whoever is not asked has nothing to do. Speed is all tokens over the time
from the first question to the last answer's end, so it holds the reading of the prompts as well.
"""

from __future__ import annotations

import asyncio
import statistics
from typing import Any

from benchmarks.support import models
from benchmarks.support.peers import LLAMA_CPP_SERVER, LLAMA_SERVER, everybody
from benchmarks.support.result import Row
from benchmarks.support.turns import SLOTS, Answer, Turn, in_turn, together

ROUNDS = 5
SECONDS = 7200
CONTEXT = 1024
PROMPT, ANSWER, QUICK_ANSWER = 200, 128, 24
Found = dict[tuple[str, int], list[dict[str, float]]]


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask everybody in turn."""
    return rows(asyncio.run(measured(rounds, QUICK_ANSWER if quick else ANSWER)))


async def measured(rounds: int, tokens: int) -> Found:
    """Return each target's figures, by name and number of streams."""
    model = models.random_model()
    found: Found = {}
    async with everybody(model, CONTEXT, (LLAMA_SERVER, LLAMA_CPP_SERVER)) as targets:
        for target in targets.values():
            await together(target, [turn(0, number, 8) for number in range(2)])
        for number in range(rounds):
            for name in in_turn(list(targets), number):
                for streams in (1, SLOTS):
                    seed = 1 + 2 * number + (streams == 1)
                    turns = [turn(seed, stream, tokens) for stream in range(streams)]
                    answers = await together(targets[name], turns)
                    found.setdefault((name, streams), []).append(figures(answers))
    return found


def turn(seed: int, stream: int, tokens: int) -> Turn:
    """Return a question of its own; the same one for every target."""
    text = models.text(PROMPT, seed * SLOTS + stream)
    return Turn([("user", text)], tokens, conversation=f"{seed}-{stream}")


def figures(answers: list[Answer]) -> dict[str, float]:
    """Return the speed of all answers together, and their mean first token."""
    wall = max(answer.ended for answer in answers) - min(answer.asked for answer in answers)
    return {
        "speed": sum(answer.tokens for answer in answers) / wall,
        "first": statistics.mean(answer.first for answer in answers),
    }


def rows(found: Found) -> list[Row]:
    """Return the figures beside those of both peers."""

    def row(what: str, key: str, streams: int, other: str, **promise: Any) -> Row:
        ours, theirs = ([one[key] for one in found[name, streams]] for name in ("Tether", other))
        return Row(what, {"speed": "tokens/s", "first": "s"}[key], ours, other, theirs, **promise)

    return [
        row("8 streams, speed of all", "speed", SLOTS, LLAMA_SERVER, ratio_at_least=1.05),
        row("8 streams, speed of all", "speed", SLOTS, LLAMA_CPP_SERVER, ratio_at_least=2.0),
        row("8 streams, mean first token", "first", SLOTS, LLAMA_SERVER, ratio_at_most=0.8),
        row("8 streams, mean first token", "first", SLOTS, LLAMA_CPP_SERVER),
        row("1 stream, speed", "speed", 1, LLAMA_SERVER, ratio_at_least=1.0),
        row("1 stream, speed", "speed", 1, LLAMA_CPP_SERVER),
        row("1 stream, first token", "first", 1, LLAMA_SERVER),
        row("1 stream, first token", "first", 1, LLAMA_CPP_SERVER),
    ]
