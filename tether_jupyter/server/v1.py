"""OpenAI's API over whatever backend is configured: completions that fill a gap, and models."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

from tornado.ioloop import PeriodicCallback
from tornado.iostream import StreamClosedError

from tether_jupyter.core.events import Event
from tether_jupyter.core.generation import Generation
from tether_jupyter.core.history import Conversation, StoredMessage, new_id
from tether_jupyter.core.prompt import Prompt, Sampling
from tether_jupyter.core.turn import Turn
from tether_jupyter.errors import ModelNotReady, from_payload
from tether_jupyter.server.chat import GATHER, HEARTBEAT, ChatHandler
from tether_jupyter.server.encode import Sse, WholeAnswer, dumps
from tether_jupyter.server.models import ModelsDoor
from tether_jupyter.server.v1_door import NoChat, NoSuchAddress, V1Door, openai_error
from tether_jupyter.server.v1_embeddings import EmbeddingsHandler

if TYPE_CHECKING:
    from tether_jupyter.server.v1_forms import CompletionRequest

MAX_TOKENS = 16  # OpenAI's own default for this door
DONE = "data: [DONE]\n\n"
ASLEEP = "The model is not loaded. Ask it something to load it, or leave `wake` out."


@dataclass(frozen=True, slots=True)
class Gap:
    """A backend, to be asked what goes between two texts."""

    fill: Callable[[Sampling], AsyncIterator[Event]]

    def stream(self, _: Prompt, sampling: Sampling) -> AsyncIterator[Event]:
        """Yield the events of the text, as `LLMService.stream` does."""
        return self.fill(sampling)


class CompletionsHandler(V1Door, ChatHandler):
    """`POST v1/completions`: a turn that nobody's conversation holds, in OpenAI's form."""

    async def post(self) -> None:
        from tether_jupyter.server.v1_forms import CompletionRequest, read

        request = read(CompletionRequest, self.read_body())
        turn = self.turn(request)
        self.services.beat()
        self.generation = self.services.generations.start(turn)
        if request.stream:
            options = request.stream_options
            await self.chunks(self.generation, TextChunks(bool(options and options.include_usage)))
        else:
            await self.whole(self.generation)

    def turn(self, request: CompletionRequest) -> Turn:
        """Return the turn that a request asks for."""
        tether = self.services.settings.tether
        backend, model = self.choose(request.model)
        owner, id = self.owner, new_id("cmpl").replace("_", "-")
        if request.wake is False and not self.services.backends.get(backend).is_ready():
            raise ModelNotReady(ASLEEP)
        # No conversation has a slash in its id, so this is nobody's.
        kept = f"v1/{owner}/{request.prompt_cache_key}" if request.prompt_cache_key else None

        async def wake() -> Gap:
            service = await self.services.wake(backend)
            fill = partial(service.infill, request.prompt, request.suffix or "", caller=owner)
            fill = partial(fill, conversation=kept) if kept else fill
            gives_way = request.priority == "low" and takes(service.infill, "low")
            return Gap(partial(fill, low=True) if gives_way else fill)

        return Turn(
            id=id,
            owner=owner,
            conversation=Conversation(new_id("c"), owner),
            prompt=Prompt([], caller=owner),
            sampling=Sampling(
                tether.default_temperature if request.temperature is None else request.temperature,
                request.max_tokens or MAX_TOKENS,
                request.top_p,
                tuple(request.stop or ()),
                request.seed,
                presence_penalty=request.presence_penalty,
                frequency_penalty=request.frequency_penalty,
                logit_bias=request.logit_bias,
            ),
            wake=wake,
            model_label=model,
            correlation_id=self.correlation_id,
            history=None,
            question=StoredMessage(new_id("m"), "user", ""),
            max_answer_size=tether.max_answer_size,
        )

    async def whole(self, generation: Generation) -> None:
        """Answer with one object when the turn has ended."""
        answer = WholeAnswer()
        async for _, batch in generation.follow():
            for event in batch:
                answer.add(event)
        if "error" in answer.ending:
            raise from_payload(answer.ending["error"])
        if not self.closed:
            reason = finish_reason(answer.ending)
            told = completion(answer.meta, int(time.time()), [choice("".join(answer.parts), reason)])
            self.answer({**told, "usage": counts(answer.usage)})

    async def chunks(self, generation: Generation, form: TextChunks) -> None:
        """Send the text as it comes. What fails before there is any, and soon, has a status of its own."""
        self.set_header("Content-Type", Sse.content_type)
        self.set_header("X-Accel-Buffering", "no")
        self.hurry()
        self.last_sign = time.monotonic()
        beat = PeriodicCallback(lambda: self.beat(Sse), HEARTBEAT * 1000 / 2)
        beat.start()
        try:
            async for _, batch in generation.follow(pause=GATHER):
                data = form.encode(batch)
                if "error" in batch[-1] and not (form.text or self._headers_written):
                    raise from_payload(batch[-1]["error"])
                if data:
                    self.write(data)
                    self.last_sign = time.monotonic()
                    await self.flush()
            self.finish(set_content_type=Sse.content_type)
        except StreamClosedError:
            generation.stop()
        finally:
            beat.stop()


class TextChunks:
    """Encodes the events of a turn as OpenAI's stream of completions.

    Parameters
    ----------
    include_usage:
        Whether a last chunk tells how many tokens it took.
    """

    def __init__(self, include_usage: bool) -> None:
        self.include_usage = include_usage
        self.created = int(time.time())
        self.meta: dict[str, Any] = {}
        self.usage: dict[str, Any] = {}
        self.text = False

    def encode(self, batch: Sequence[Event]) -> str:
        """Return the messages for a batch: neighbouring pieces of text go as one."""
        out: list[str] = []
        for event in batch:
            self.meta = event.get("meta", self.meta)
            self.usage = event.get("usage", self.usage)
        if text := "".join([event["delta"] for event in batch if "delta" in event]):
            self.text = True
            out.append(self.chunk([choice(text, None)]))
        last = batch[-1]
        if "error" in last:
            out += [data(openai_error(from_payload(last["error"]))), DONE]
        elif "done" in last:
            out.append(self.chunk([choice("", finish_reason(last))]))
            if self.include_usage:
                out.append(self.chunk([], counts(self.usage)))
            out.append(DONE)
        return "".join(out)

    def chunk(self, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> str:
        """Return one message."""
        told = completion(self.meta, self.created, choices)
        return data({**told, "usage": usage} if self.include_usage else told)


def data(payload: dict[str, Any]) -> str:
    return f"data: {dumps(payload)}\n\n"


def completion(meta: dict[str, Any], created: int, choices: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the whole answer and each chunk of it hold."""
    return {
        "id": meta["id"],
        "object": "text_completion",
        "created": created,
        "model": meta["model"],
        "choices": choices,
    }


def choice(text: str, reason: str | None) -> dict[str, Any]:
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": reason}


def finish_reason(ending: Event) -> str:
    """Return OpenAI's word for an end. It has none for an answer that was stopped, which is not whole."""
    return "length" if ending.get("finish_reason") in ("length", "cancelled") else "stop"


def takes(call: Callable[..., Any], name: str) -> bool:
    """Return whether a keyword may be given: a user's own backend may be older than it."""
    known = signature(call).parameters
    return name in known or any(each.kind is each.VAR_KEYWORD for each in known.values())


def counts(usage: dict[str, Any]) -> dict[str, Any] | None:
    """Return OpenAI's figures; `None` where the backend does not count, for a zero would be a lie."""
    asked, answered = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if asked is None or answered is None:
        return None
    told = {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
    if usage.get("cached_tokens") is not None:
        told["prompt_tokens_details"] = {"cached_tokens": usage["cached_tokens"]}
    return told


class V1ModelsHandler(V1Door, ModelsDoor):
    """`GET v1/models`: the ids that `model` takes."""

    async def get(self) -> None:
        rows, problem = await self.running()
        backends = self.services.backends
        ids: dict[str, str] = {}
        for row in rows:
            backend, name = str(row["backend"]), str(row["name"])
            # Of what is not in use, only what would answer.
            if row["active"] or (name == backends.get(backend).model_name and not row.get("problem")):
                ids[self.model_id(backend, name)] = backend
        if not ids and problem:
            raise ModelNotReady(problem)
        listed = [{"id": id, "object": "model", "created": 0, "owned_by": ids[id]} for id in ids]
        self.answer({"object": "list", "data": listed})


handlers = [
    (r"/tether/v1/completions", CompletionsHandler),
    (r"/tether/v1/embeddings", EmbeddingsHandler),
    (r"/tether/v1/models", V1ModelsHandler),
    (r"/tether/v1/chat/completions", NoChat),
    (r"/tether/v1/.*", NoSuchAddress),
]
