"""Eight conversations of 1,500 tokens take turns: how soon does one that returns hear its first token?

Each has said its history once; then all are asked again, one after the other, round after round, so that
seven others have spoken since. Beside llama-server with eight slots and llama_cpp.server, which knows one
conversation.
"""

from __future__ import annotations

import asyncio
import statistics

from benchmarks.support import models
from benchmarks.support.peers import LLAMA_CPP_SERVER, LLAMA_SERVER, everybody
from benchmarks.support.result import Row
from benchmarks.support.turns import SLOTS, Target, Turn, ask, in_turn

ROUNDS = 5
SECONDS = 7200
CONTEXT = 2560
HISTORY, QUICK_HISTORY, EXCHANGES = 1500, 300, 5
QUESTION, ANSWER = 24, 16


class Conversation:
    """One conversation with one target: everything that was said in it so far."""

    def __init__(self, target: Target, number: int, tokens: int) -> None:
        self.target = target
        self.number = number
        length = tokens // (2 * EXCHANGES)
        seeds = [1000 * (number + 1) + place for place in range(2 * EXCHANGES)]
        roles = ["user", "assistant"] * EXCHANGES
        self.said = [(role, models.text(length, seed)) for role, seed in zip(roles, seeds, strict=True)]

    async def go_on(self, number: int) -> float:
        """Ask the next question and return the seconds to the first token."""
        self.said.append(("user", models.text(QUESTION, 100_000 + 100 * number + self.number)))
        answer = await ask(self.target, Turn(list(self.said), ANSWER, conversation=f"c{self.number}"))
        self.said.append(("assistant", answer.text.strip()))
        return answer.first


def run(rounds: int, quick: bool) -> list[Row]:
    """Hold the conversations with everybody in turn."""
    found = asyncio.run(measured(rounds, QUICK_HISTORY if quick else HISTORY))
    new = {name: [statistics.mean(firsts[0])] for name, firsts in found.items()}
    back = {name: [statistics.mean(one) for one in firsts[1:]] for name, firsts in found.items()}
    what = "first token of a returning conversation, mean of 8"
    return [
        Row(what, "s", back["Tether"], LLAMA_SERVER, back[LLAMA_SERVER], ratio_at_most=1.0),
        Row(what, "s", back["Tether"], LLAMA_CPP_SERVER, back[LLAMA_CPP_SERVER], ratio_at_most=0.1),
        Row("worst of the 8", "s", [max(one) for one in found["Tether"][1:]]),
        Row("first token of a new one, mean of 8", "s", new["Tether"], LLAMA_SERVER, new[LLAMA_SERVER]),
    ]


async def measured(rounds: int, tokens: int) -> dict[str, list[list[float]]]:
    """Return the first tokens by target; its first list is that of the new conversations."""
    model = models.random_model()
    async with everybody(model, CONTEXT, (LLAMA_SERVER, LLAMA_CPP_SERVER)) as targets:
        held = {
            name: [Conversation(target, number, tokens) for number in range(SLOTS)]
            for name, target in targets.items()
        }
        found: dict[str, list[list[float]]] = {name: [] for name in held}
        for number in range(rounds + 1):
            for name in in_turn(list(held), number):
                found[name].append([await one.go_on(number) for one in held[name]])
    return found
