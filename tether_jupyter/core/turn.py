"""One question to one answer: the only place where a turn happens, as a stream of events.

Doors decode a request, ask :func:`open_turn` for a turn and encode what :meth:`Turn.run` yields.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tether_jupyter.core import events
from tether_jupyter.core.events import Event, FinishReason
from tether_jupyter.core.history import Conversation, History, StoredMessage, new_id
from tether_jupyter.core.prompt import Message, Prompt, Question, Sampling, Section, compose
from tether_jupyter.errors import Internal, InvalidRequest, NotFound, TetherError

if TYPE_CHECKING:
    from tether_jupyter.core.request import ChatRequest

log = logging.getLogger("tether")


class Model(Protocol):
    """What a turn needs of whoever answers."""

    def stream(self, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        """Yield the answer's events; see `llm.service.LLMService.stream`."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a request that says nothing gets."""

    system: str = ""
    temperature: float = 0.7
    max_tokens: int | None = None
    max_answer_size: int = 4 * 2**20


@dataclass(slots=True)
class Turn:
    """One turn, ready to run.

    Parameters
    ----------
    id:
        The answer's message id, by which the turn can be watched and stopped.
    wake:
        Returns whoever answers, ready to be asked.
    model_label:
        `backend:model`, as callers see it.
    """

    id: str
    owner: str
    conversation: Conversation
    prompt: Prompt
    sampling: Sampling
    wake: Callable[[], Awaitable[Model]]
    model_label: str
    correlation_id: str
    history: History | None
    question: StoredMessage
    max_answer_size: int
    text: str = ""
    usage: dict[str, Any] = field(default_factory=dict)

    async def run(self) -> AsyncIterator[Event]:
        """Yield the turn's events, ending with exactly one `done` or `error`.

        Cancelling the task that runs this ends the answer with `cancelled`, keeping its text.
        """
        answer = StoredMessage(self.id, "assistant", "", self.question.id, model=self.model_label)
        if self.history:
            await self.history.add(self.owner, self.conversation.id, self.question)
        yield events.meta(
            id=self.id,
            conversation_id=self.conversation.id,
            parent_id=self.question.id,
            model=self.model_label,
            correlation_id=self.correlation_id,
        )
        started = time.perf_counter()
        first: float | None = None
        pieces: list[str] = []
        size = 0
        ending: Event = events.done("stop")
        figures: dict[str, Any] = {}
        stream: AsyncIterator[Event] | None = None
        try:
            try:
                # Waking may take minutes of loading: it is part of the turn, and can be stopped with it.
                model = await self.wake()
                stream = model.stream(self.prompt, self.sampling)
                async for event in stream:
                    kind = events.kind(event)
                    if kind == "delta":
                        if first is None:
                            first = time.perf_counter()
                        pieces.append(event["delta"])
                        size += len(event["delta"])
                        yield event
                        if size > self.max_answer_size:
                            ending = events.done("length")
                            break
                    elif kind == "usage":
                        figures = event["usage"]
                    elif kind in events.TERMINAL:
                        ending = event
                        break
                    else:
                        yield event
            finally:
                # However the turn ends, what the model started upstream ends here. A user's own `stream`
                # may be any iterator, which has nothing to close.
                if close := getattr(stream, "aclose", None):
                    await close()
        except asyncio.CancelledError:
            ending = events.done("cancelled")
        except TetherError as reason:
            ending = events.error(reason)
        except Exception as reason:  # noqa: BLE001 - a user's own backend may raise anything
            # The message of an unknown exception may hold a key: its type may not.
            log.error("turn %s failed: %s", self.id, type(reason).__name__)
            ending = events.error(Internal())
        self.text = answer.content = "".join(pieces)
        answer.error = ending.get("error")
        answer.finish_reason = finish_reason(ending)
        self.usage = answer.usage = complete_usage(figures, started, first, len(pieces))
        if self.history:
            await self.history.add(self.owner, self.conversation.id, answer)
        yield {"usage": self.usage}
        yield ending


def finish_reason(ending: Event) -> FinishReason | None:
    """Return how a turn ended; `None` for a failure."""
    reason: FinishReason | None = ending.get("finish_reason")
    return reason


def complete_usage(
    figures: dict[str, Any], started: float, first: float | None, pieces: int
) -> dict[str, Any]:
    """Fill in what the turn itself can measure where the model did not say."""
    usage: dict[str, Any] = events.usage()["usage"] | figures
    if first is not None:
        if usage["ttft_ms"] is None:
            usage["ttft_ms"] = round((first - started) * 1000, 1)
        spent = time.perf_counter() - first
        tokens = usage["completion_tokens"]
        if usage["tokens_per_s"] is None and tokens and pieces > 1 and spent > 0:
            usage["tokens_per_s"] = round((tokens - 1) / spent, 1)
    return usage


async def open_turn(
    request: ChatRequest,
    *,
    owner: str,
    wake: Callable[[], Awaitable[Model]],
    model_name: str | None,
    model_label: str,
    history: History,
    defaults: Defaults,
    notebook: str | None,
    correlation_id: str,
) -> Turn:
    """Find the conversation that a request belongs to, and return its next turn.

    Raises
    ------
    NotFound
        The conversation or the parent message is not there for this owner.
    """
    conversation = await find_conversation(request, owner, history, notebook)
    stored = await history.messages(owner, conversation.id) if conversation.message_count else []
    chain = lineage(stored, request.parent_id)
    if request.messages is not None:
        past = [Message(role=m.role, content=plain(m.content)) for m in request.messages]
    else:
        past = [Message(role=m.role, content=m.content) for m in answered(chain)]
    system = defaults.system if request.system is None else request.system
    question = Question(
        text=plain(request.message),
        system=system or None,
        sections=[Section(item.kind, item.name, item.text) for item in request.context],
        past=past,
    )
    temperature = defaults.temperature if request.temperature is None else request.temperature
    return Turn(
        id=new_id("m"),
        owner=owner,
        conversation=conversation,
        prompt=Prompt(compose(question), model_name, conversation.id),
        sampling=Sampling(
            temperature=temperature,
            max_tokens=request.max_tokens or defaults.max_tokens,
            top_p=request.top_p,
            stop=tuple(request.stop or ()),
            seed=request.seed,
            response_format=request.response_format,
        ),
        wake=wake,
        model_label=model_label,
        correlation_id=correlation_id,
        history=history if request.store else None,
        question=StoredMessage(new_id("m"), "user", question.text, chain[-1].id if chain else None),
        max_answer_size=defaults.max_answer_size,
    )


async def find_conversation(
    request: ChatRequest, owner: str, history: History, notebook: str | None
) -> Conversation:
    """Return the conversation a request names, else its notebook's, else a new one."""
    if request.conversation_id is not None:
        try:
            known = await history.get(owner, request.conversation_id)
            if notebook and known.notebook and known.notebook != notebook:
                # A notebook that asks under another path than before was renamed.
                await history.move(owner, known.id, notebook)
            return known
        except NotFound:
            # Our own ids are handed out, never made up; any other id is a name of the caller's own.
            if request.conversation_id.startswith("c_"):
                raise
            if not request.store:
                return Conversation(request.conversation_id, owner)
            return await history.create(owner, conversation_id=request.conversation_id)
    if notebook is not None and (found := await history.of_notebook(owner, notebook)):
        return found
    if not request.store:
        return Conversation(new_id("c"), owner)
    return await history.create(owner, notebook=notebook)


def lineage(stored: list[StoredMessage], parent_id: str | None) -> list[StoredMessage]:
    """Return the branch that ends with a message: the newest one, unless another is named."""
    if not stored:
        if parent_id is not None:
            raise NotFound("There is no message with that `parent_id` in the conversation.")
        return []
    by_id = {m.id: m for m in stored}
    last = by_id.get(parent_id) if parent_id is not None else stored[-1]
    if last is None:
        raise NotFound("There is no message with that `parent_id` in the conversation.")
    chain = [last]
    while (above := by_id.get(chain[-1].parent_id or "")) is not None:
        chain.append(above)
    return chain[::-1]


def answered(chain: list[StoredMessage]) -> list[StoredMessage]:
    """Leave out questions that got no text: two user messages in a row confuse most models."""
    kept: list[StoredMessage] = []
    for message in chain:
        if message.role == "assistant" and not message.content:
            continue
        if kept and kept[-1].role == "user" and message.role == "user":
            kept.pop()
        kept.append(message)
    if kept and kept[-1].role == "user":
        kept.pop()
    return kept


def plain(content: Any) -> Any:
    """Return a request's content as text or plain dicts."""
    if content is None:
        raise InvalidRequest("Send the question as `message`.")
    if isinstance(content, str):
        return content
    return [part.model_dump(exclude_none=True) for part in content]
