"""One turn against the local engine or against a peer of it, timed token by token.

The engine is asked at the surface of its backend, `LocalService.stream`, and a peer over HTTP on loopback, by
the same coroutines in the same event loop, with the same messages and the same sampling.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import aiohttp
from traitlets.config import Config

from tether_jupyter import settings
from tether_jupyter.core.prompt import Message, Prompt, Sampling
from tether_jupyter.llm.local.service import LocalService

SAMPLING = {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05}
THREADS = 2
SLOTS = 8


@dataclass(frozen=True)
class Turn:
    """What is asked.

    Parameters
    ----------
    messages:
        Pairs of a role and a text.
    conversation:
        Whose turn it is, for an engine that wants to know.
    tokens:
        How long the answer is; the random models never end one before.
    """

    messages: Sequence[tuple[str, str]]
    tokens: int
    conversation: str | None = None
    response_format: dict[str, Any] | None = None

    def plain(self) -> list[Message]:
        """Return the messages as both sides take them."""
        return [{"role": role, "content": text} for role, text in self.messages]


@dataclass
class Answer:
    """What came: when it was asked for, when each piece arrived, and the figures at its end."""

    asked: float = 0.0
    pieces: list[tuple[float, str]] = field(default_factory=list)
    ended: float = 0.0
    finish: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    tokens: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, text: str) -> None:
        """Note a piece."""
        self.pieces.append((time.perf_counter(), text))
        self.news.set()

    async def has(self, count: int) -> None:
        """Return when so many pieces have come. One coroutine at a time may wait."""
        while len(self.pieces) < count:
            self.news.clear()
            await self.news.wait()

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(text for _, text in self.pieces)

    @property
    def first(self) -> float:
        """Seconds to the first piece."""
        return self.pieces[0][0] - self.asked

    def gaps(self, after: float = 0.0, before: float = float("inf")) -> list[float]:
        """Return the seconds between two pieces, where they touch a span of `time.perf_counter`."""
        pairs = pairwise(at for at, _ in self.pieces)
        return [later - earlier for earlier, later in pairs if later >= after and earlier <= before]


class Target(Protocol):
    """Whoever can be asked."""

    name: str

    async def stream(self, turn: Turn, answer: Answer) -> None:
        """Ask, and fill the answer in as it comes."""


async def ask(target: Target, turn: Turn, answer: Answer | None = None) -> Answer:
    """Ask and return the whole answer; one that is given is filled, so that others can watch it.

    Raises
    ------
    RuntimeError
        There was no answer, or one that ended before its time.
    """
    answer = answer or Answer()
    answer.asked = time.perf_counter()
    await target.stream(turn, answer)
    answer.ended = time.perf_counter()
    if not answer.pieces:
        raise RuntimeError(f"{target.name} answered nothing.")
    if turn.response_format is None and answer.finish == "length":
        answer.tokens = answer.tokens or turn.tokens
        if answer.tokens != turn.tokens:
            raise RuntimeError(f"{target.name} wrote {answer.tokens} tokens instead of {turn.tokens}.")
    return answer


async def together(target: Target, turns: Sequence[Turn]) -> list[Answer]:
    """Ask all at once and return the answers in order."""
    return list(await asyncio.gather(*(ask(target, turn) for turn in turns)))


class Tether:
    """The local engine, through its backend."""

    name = "Tether"

    def __init__(self, service: LocalService) -> None:
        self.service = service

    async def stream(self, turn: Turn, answer: Answer) -> None:
        """See `Target.stream`."""
        wanted = sampling(max_tokens=turn.tokens, response_format=turn.response_format)
        prompt = Prompt(turn.plain(), conversation_id=turn.conversation)
        async for event in self.service.stream(prompt, wanted):
            if "delta" in event:
                answer.add(event["delta"])
            elif "usage" in event:
                usage = event["usage"]
                answer.prompt_tokens, answer.cached_tokens = usage["prompt_tokens"], usage["cached_tokens"]
                answer.tokens = usage["completion_tokens"]
            elif "done" in event:
                answer.finish = event["finish_reason"]


class Peer:
    """A server that speaks OpenAI's protocol on loopback."""

    def __init__(self, name: str, port: int, session: aiohttp.ClientSession) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}/v1/chat/completions"
        self.session = session

    async def stream(self, turn: Turn, answer: Answer) -> None:
        """See `Target.stream`."""
        body = {
            "messages": turn.plain(),
            "max_tokens": turn.tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            "repeat_penalty": 1.0,
            **SAMPLING,
        }
        async with self.session.post(self.url, json=body) as response:
            if response.status != 200:
                raise RuntimeError(f"{self.name}: status {response.status}: {(await response.text())[:500]}")
            async for line in response.content:
                if line.startswith(b"data: {"):
                    self.hear(json.loads(line[6:]), answer)

    @staticmethod
    def hear(chunk: dict[str, Any], answer: Answer) -> None:
        """Take one chunk in."""
        for choice in chunk.get("choices") or []:
            if content := (choice.get("delta") or {}).get("content"):
                answer.add(content)
            answer.finish = choice.get("finish_reason") or answer.finish
        if usage := chunk.get("usage"):
            details = usage.get("prompt_tokens_details") or {}
            answer.prompt_tokens, answer.tokens = usage["prompt_tokens"], usage["completion_tokens"]
            answer.cached_tokens = details.get("cached_tokens") or 0


def sampling(**figures: Any) -> Sampling:
    """Return the sampling of all benchmarks, but for what this version's `Sampling` has no field for.

    It then has the same figures as defaults: 40 for `top_k`, 0.05 for `min_p`.
    """
    known = {found.name for found in fields(Sampling)}
    return Sampling(**{name: value for name, value in {**SAMPLING, **figures}.items() if name in known})


def service(model: Path, **traits: Any) -> LocalService:
    """Return a backend; `traits` are those of `LocalLLM`.

    One that this version does not have is left out with a word, so that versions can be compared.
    """
    known = settings.LocalLLM.class_traits(config=True)
    for name in sorted(set(traits) - set(known)):
        print(f"This version has no `LocalLLM.{name}`: it runs without.")
    given = {name: value for name, value in traits.items() if name in known}
    config = Config({"LocalLLM": {"model_path": str(model), "n_threads": THREADS, **given}})
    return LocalService.from_settings(settings.load(config, environment={}))


@contextlib.asynccontextmanager
async def tether(model: Path, **traits: Any) -> AsyncIterator[Tether]:
    """Run the engine with a model, loaded, and end its worker."""
    local = service(model, **traits)
    try:
        await local.initialize()
        yield Tether(local)
    finally:
        await local.cleanup()


def in_turn(names: Sequence[str], number: int) -> list[str]:
    """Return whose turn it is in a round: each comes first as often as the others."""
    first = number % len(names)
    return [*names[first:], *names[:first]]


def spread(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of them lies: 0.5 for the median, 0.99 for all but the worst."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
