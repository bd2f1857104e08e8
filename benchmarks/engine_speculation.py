"""Answers that repeat their input, with and without guessing the next tokens from what was said.

"Edit this cell": the prompt holds a cell of 320 tokens and a neighbour that shares some of its lines, the
answer is the cell with an edit in each eighth line. Random weights repeat nothing, and a trained model's
habits would be measured with the engine's, so the model is wired: each token's successor is fixed, as if a
perfect editor wrote, while its layers are as large as ever and compute as long, but add nothing. It stands
for the best that a model can do with such a question; how often a real one keeps to its input is the model's
affair. The same text must come either way. Beside it what guessing costs where nothing repeats: random
weights.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from benchmarks.support import models
from benchmarks.support.result import Row
from benchmarks.support.turns import Answer, Tether, Turn, ask, in_turn, tether

ROUNDS = 5
SECONDS = 3600
CONTEXT = 2048
LINES, LENGTH, EDITED, EDIT = 32, 10, 8, 3
SHARED = 5
FREE = 160
CASES = ("edits its input", "repeats nothing")
WITHOUT = "without speculation"


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask four engines in turn."""
    found = asyncio.run(measured(rounds))

    def row(case: str, what: str, number: int, **promise: Any) -> Row:
        ours, theirs = ([one[number] for one in found[case, guesses]] for guesses in (True, False))
        return Row(f"an answer that {case}, {what}", "tokens/s", ours, WITHOUT, theirs, **promise)

    return [
        row(CASES[0], "with the reading of its prompt", 0, ratio_at_least=1.5),
        row(CASES[0], "after its first token", 1),
        row(CASES[1], "with the reading of its prompt", 0),
        row(CASES[1], "after its first token", 1),
    ]


async def measured(rounds: int) -> dict[tuple[str, bool], list[tuple[float, float]]]:
    """Return both speeds of each round, by case and by whether the engine guesses."""
    cell, answer = cell_and_answer()
    editor = models.cached("editor-125m", models.Shape(), models.Chain([f" {word}" for word in answer]))
    files = dict(zip(CASES, (editor, models.random_model()), strict=True))
    found: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    async with AsyncExitStack() as stack:
        engines: dict[tuple[str, bool], Tether] = {}
        for case, path in files.items():
            for guesses in (True, False):
                made = tether(path, context_length=CONTEXT, slots=1, speculation=guesses)
                engines[case, guesses] = await stack.enter_async_context(made)
        for number in range(rounds):
            for case in CASES:
                for name in in_turn(["with", "without"], number):
                    key = case, name == "with"
                    tokens = len(answer) + 8 if case == CASES[0] else FREE
                    heard = await ask(engines[key], question(cell, number, tokens))
                    if case == CASES[0] and heard.text.split() != answer:
                        raise RuntimeError(f"The answer {name} speculation is not the one that was wired.")
                    found.setdefault(key, []).append(speeds(heard))
    return found


def cell_and_answer() -> tuple[list[str], list[str]]:
    """Return a cell and the cell with its edits. No word stands in one of them twice."""
    count = LINES * LENGTH
    edits = LINES // EDITED * EDIT
    known = models.words(count + edits, seed=7)
    cell, new = known[:count], iter(known[count:])
    answer = list(cell)
    for line in range(EDITED // 2, LINES, EDITED):
        start = line * LENGTH + LENGTH // 3
        answer[start : start + EDIT] = [next(new) for _ in range(EDIT)]
    return cell, answer


def question(cell: list[str], number: int, tokens: int) -> Turn:
    """Return the question of a round; its beginning is another one each time, so that it must be read."""
    lines = [cell[start : start + LENGTH] for start in range(0, len(cell), LENGTH)]
    neighbour = [word for line in reversed(lines[::SHARED]) for word in line]
    parts = [models.text(24, 900 + number), *cell, "and beside it", *neighbour, "edit the first"]
    return Turn([("user", " ".join(parts))], tokens)


def speeds(answer: Answer) -> tuple[float, float]:
    """Return the tokens a second of the whole turn, and those after its first piece."""
    last = answer.pieces[-1][0]
    return answer.tokens / (last - answer.asked), answer.tokens / (last - answer.pieces[0][0])
