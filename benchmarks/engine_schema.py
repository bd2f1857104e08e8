"""Answers that must follow a JSON schema: whether they do, and what that costs a token.

Two hundred random schemas, eight at a time, with random weights, so that hardly any choice of the model is
taken and nothing but the constraint makes the answer valid; `jsonschema` is the judge. The cost is taken at a
vocabulary of 32,000 tokens on a model that computes next to nothing, as the time of a token with the schema
less that without: where the model writes what the schema wants by itself, as trained ones mostly do, and
where every choice of its is refused. Nothing is guessed ahead.
"""

from __future__ import annotations

import asyncio
import json
import statistics
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped, unused-ignore]

from benchmarks.support import models, schemas
from benchmarks.support.result import Row
from benchmarks.support.turns import SLOTS, Tether, Turn, ask, in_turn, tether
from tether_jupyter.errors import TetherError

ROUNDS = 5
SECONDS = 3600
SCHEMAS, QUICK_SCHEMAS = 200, 24
CONTEXT, LONGEST = 4096, 2000
WORDS = 180
FREE = 120
AGAIN = 5
"""Answers of each kind in a round; their median counts."""
AT_MOST = 0.1
WILLING, UNWILLING = "the model's own choices", "every choice refused"


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask for valid answers once, and for the cost in every round."""
    valid, costs = asyncio.run(measured(rounds, QUICK_SCHEMAS if quick else SCHEMAS))
    return [
        Row(f"valid answers to {len(valid)} schemas", "%", [100 * sum(valid) / len(valid)], at_least=100),
        *[
            Row(
                f"added to a token, {case}",
                "ms",
                [bound - free for bound, free in costs[case]],
                "a token without",
                [free for _, free in costs[case]],
                at_most=AT_MOST if case == WILLING else None,
            )
            for case in (WILLING, UNWILLING)
        ],
    ]


async def measured(rounds: int, count: int) -> tuple[list[bool], dict[str, list[tuple[float, float]]]]:
    """Return which answers were valid, and milliseconds a token with and without a schema by case."""
    costs: dict[str, list[tuple[float, float]]] = {WILLING: [], UNWILLING: []}
    async with AsyncExitStack() as stack:
        random = await stack.enter_async_context(engine(models.small_model(), SLOTS))
        willing = await stack.enter_async_context(engine(writer(), 1))
        valid = await validity(random, count)
        for number in range(rounds):
            for case, target in ((WILLING, willing), (UNWILLING, random)):
                found: dict[str, list[float]] = {"bound": [], "free": []}
                for again in range(AGAIN):
                    for name in in_turn(list(found), again):
                        seed = AGAIN * number + again
                        found[name].append(await a_token(target, case, seed, bound=name == "bound"))
                costs[case].append((statistics.median(found["bound"]), statistics.median(found["free"])))
    return valid, costs


def engine(model: Path, slots: int) -> Any:
    """Run an engine that computes one token a step."""
    return tether(model, context_length=CONTEXT, slots=slots, speculation=False)


def words() -> list[str]:
    """Return the words of the answer that the willing model writes."""
    return models.words(WORDS, seed=11)


def writer() -> Path:
    """Return a model that writes an object with a list of words, a word a token, by itself."""
    pieces = [f'"{word}",' for word in words()]
    pieces[0] = f'{{"words":[{pieces[0]}'
    pieces[-1] = pieces[-1].rstrip(",") + "]}"
    return models.cached("writer-small", models.SMALL, models.Chain(pieces, added=pieces))


async def validity(target: Tether, count: int) -> list[bool]:
    """Return for each schema whether the answer to it was valid; say of the first failures what they were."""
    problems: list[str | None] = []
    for start in range(0, count, SLOTS):
        seeds = range(start, min(start + SLOTS, count))
        problems += await asyncio.gather(*(wrong(target, seed) for seed in seeds))
    for reason, times in Counter(filter(None, problems)).most_common(5):
        print(f"Not valid, {times} times: {reason}")
    return [problem is None for problem in problems]


async def wrong(target: Tether, seed: int) -> str | None:
    """Return what is wrong with the answer to a random schema; `None` for nothing."""
    schema = schemas.schema(seed)
    try:
        answer = await ask(target, question(seed, schema))
        value = json.loads(answer.text)
    except TetherError as reason:
        return f"schema {seed} is refused: {reason.message}"
    except ValueError:
        return f"it is no JSON and ended with `{answer.finish}`"
    problem = next(Draft202012Validator(schema).iter_errors(value), None)
    return f"it breaks `{problem.validator}`" if problem else None


def question(seed: int, schema: dict[str, Any] | None, tokens: int = LONGEST) -> Turn:
    """Return a question for an answer that follows a schema."""
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}} if schema else None
    return Turn([("user", models.text(24, 500_000 + seed))], tokens, response_format=wanted)


async def a_token(target: Tether, case: str, number: int, *, bound: bool) -> float:
    """Return the milliseconds of a token after the first one."""
    if case == WILLING:
        items = {"type": "array", "items": {"type": "string", "maxLength": 40}}
        schema = {"type": "object", "properties": {"words": items}, "required": ["words"]}
        answer = await ask(target, question(number, schema if bound else None, WORDS + 8))
        if json.loads(answer.text) != {"words": words()}:
            raise RuntimeError("The model did not write what it was wired to write.")
    else:
        texts = {"type": "array", "items": {"type": "integer"}, "minItems": 60, "maxItems": 100}
        schema = {"type": "object", "properties": {"numbers": texts}, "required": ["numbers"]}
        answer = await ask(target, question(number, schema if bound else None, FREE))
    return 1000 * (answer.pieces[-1][0] - answer.pieces[0][0]) / (answer.tokens - 1)
