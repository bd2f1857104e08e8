"""Sixteen conversations under one system prompt of 1,000 tokens: how much of their prompts is computed?

What is counted is `prompt_tokens` less `cached_tokens`, as the answers' usage tells it, over all prompt
tokens. One conversation after the other, and all sixteen at once, which eight slots have to share; under
another system prompt each time. Beside llama-server with eight slots, by the same figures of its own.
"""

from __future__ import annotations

import asyncio

from benchmarks.support import models
from benchmarks.support.peers import LLAMA_SERVER, everybody
from benchmarks.support.result import Row
from benchmarks.support.turns import Answer, Turn, ask, in_turn, together

ROUNDS = 3
SECONDS = 7200
CONTEXT = 2048
TURNS, SYSTEM, QUESTION, ANSWER = 16, 1000, 24, 16
AT_MOST = 0.15
WAYS = ("one after the other", "all at once")


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask both in turn, in both ways."""
    found = asyncio.run(measured(rounds))
    return [
        Row(
            f"prompt tokens decoded over their sum, {way}",
            "",
            [decoded(answers) for answers in found["Tether", way]],
            LLAMA_SERVER,
            [decoded(answers) for answers in found[LLAMA_SERVER, way]],
            at_most=AT_MOST,
        )
        for way in WAYS
    ] + [
        Row(
            f"from the first question to the last answer, {way}",
            "s",
            [wall(answers) for answers in found["Tether", way]],
            LLAMA_SERVER,
            [wall(answers) for answers in found[LLAMA_SERVER, way]],
        )
        for way in WAYS
    ]


async def measured(rounds: int) -> dict[tuple[str, str], list[list[Answer]]]:
    """Return the answers by target and way, a list for each round."""
    model = models.random_model()
    found: dict[tuple[str, str], list[list[Answer]]] = {}
    async with everybody(model, CONTEXT, (LLAMA_SERVER,)) as targets:
        for number in range(rounds):
            for name in in_turn(list(targets), number):
                for place, way in enumerate(WAYS):
                    asked = turns(2 * number + place)
                    if way == WAYS[0]:
                        answers = [await ask(targets[name], turn) for turn in asked]
                    else:
                        answers = await together(targets[name], asked)
                    found.setdefault((name, way), []).append(answers)
    return found


def turns(seed: int) -> list[Turn]:
    """Return sixteen questions under a system prompt that nobody has seen."""
    system = models.text(SYSTEM, 5000 + seed)
    questions = [models.text(QUESTION, 10_000 + TURNS * seed + number) for number in range(TURNS)]
    return [
        Turn([("system", system), ("user", question)], ANSWER, conversation=f"{seed}-{number}")
        for number, question in enumerate(questions)
    ]


def decoded(answers: list[Answer]) -> float:
    """Return which share of the prompts was computed."""
    prompts = sum(answer.prompt_tokens for answer in answers)
    return 1 - sum(answer.cached_tokens for answer in answers) / prompts


def wall(answers: list[Answer]) -> float:
    """Return the seconds from the first question to the last answer's end."""
    return max(answer.ended for answer in answers) - min(answer.asked for answer in answers)
