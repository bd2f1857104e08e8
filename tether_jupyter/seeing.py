"""How much of the notebook a question may know: by its request, its conversation and the settings."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Protocol

from tether_jupyter.context.builder import DOES_NOW, Builder, Reader, Wish, settled
from tether_jupyter.context.kernels import Kernels
from tether_jupyter.context.masking import Masking
from tether_jupyter.context.rules import rules_named
from tether_jupyter.context.secrets import Masker
from tether_jupyter.core.prompt import text_of
from tether_jupyter.errors import Forbidden

if TYPE_CHECKING:
    from tether_jupyter.context.reading import Notebook
    from tether_jupyter.core.history import Conversation
    from tether_jupyter.core.prompt import Question
    from tether_jupyter.core.request import ChatRequest
    from tether_jupyter.core.turn import Turn
    from tether_jupyter.llm.service import LLMService
    from tether_jupyter.settings import Settings

HERE = "this machine"
MOST_COUNTS = 20_000
"""Texts whose tokens are remembered."""
MOST_NAMES = 400
NAMES_SIZE = 32_768
"""Bytes that a kernel may take to tell its names."""
NO_KERNELS = "This server has no kernels of its own, so no variables are listed."
May = Callable[[str, str], Awaitable[bool]]
"""Says whether the caller may do something to a kind of things of Jupyter's own."""


PROGRESS = re.compile(
    r"\b(?:how (?:far|long|much longer)|running|progress|stuck|hang(?:s|ing)?|still (?:busy|going|at it)"
    r"|doing (?:now|right now)|done yet|finish(?:ed|es)?)\b",
    re.IGNORECASE,
)
"""Words that ask for what a kernel does, where it is doing something."""


class Jupyter(Protocol):
    """What of a Jupyter server can be looked into."""

    @property
    def kernel_manager(self) -> Any:
        """Jupyter's manager of kernels; `None` for a server without them."""

    async def find_kernel(self, path: str) -> str | None:
        """Return the id of the kernel that runs for a notebook."""

    async def read_notebook(self, path: str) -> Notebook | None:
        """Return a notebook as plain JSON; `None` where it cannot be read."""


def chosen(conversation: Conversation) -> dict[str, Any] | None:
    """Return what was chosen for a conversation; `None` for what no question could ask for itself."""
    from tether_jupyter.core.request import See

    try:
        return See.model_validate(conversation.data.get("see") or {}).model_dump(exclude_none=True)
    except ValueError:
        return None


def layers_of(request: ChatRequest, conversation: Conversation) -> list[dict[str, Any]]:
    """Return what a request and its conversation say of what may be seen, the stronger one first."""
    asked = request.see.model_dump(exclude_none=True) if request.see else {}
    return [asked, chosen(conversation) or {}]


def refuses(name: str, *layers: Mapping[str, Any]) -> bool:
    """Return whether the strongest layer that says something of a field says no."""
    return next((layer[name] for layer in layers if name in layer), None) is False


class Seeing:
    """Looks into kernels and notebooks for questions.

    Parameters
    ----------
    jupyter:
        The server that it is part of; `None` where there is nothing to look into.
    """

    def __init__(self, settings: Settings, jupyter: Jupyter | None) -> None:
        self.settings = settings
        self.jupyter = jupyter
        manager = jupyter.kernel_manager if jupyter is not None else None
        self.kernels = Kernels(manager.get_kernel) if manager is not None else None
        self._counts: dict[tuple[str, str, bool, int, int], int] = {}

    @cached_property
    def builder(self) -> Builder:
        """What puts the context together."""
        tether = self.settings.tether
        rules = rules_named(tether.mask_rules) if tether.mask_secrets else []
        masking = Masking(partial(Masker, rules)) if tether.mask_secrets else None
        return Builder(self.kernels, self.read_notebook, masking)

    async def read_notebook(self, path: str) -> Notebook | None:
        """Return a notebook as it was last saved; `None` where it cannot be read."""
        return await self.jupyter.read_notebook(path) if self.jupyter is not None else None

    def wish(self, request: ChatRequest, conversation: Conversation, service: LLMService) -> Wish:
        """Return what is to be looked at for a request: as it says, its conversation, and the settings."""
        tether = self.settings.tether
        default = ("schema" if service.leaves else "samples") if tether.see == "auto" else tether.see
        return settled(*layers_of(request, conversation), default=default, most=tether.see_at_most)

    async def see(
        self,
        request: ChatRequest,
        service: LLMService,
        model: str | None,
        notebook: str | None,
        may: May | None,
        question: Question,
        conversation: Conversation,
        given: Sequence[Mapping[str, Any]],
        before: frozenset[str] | None = None,
    ) -> Question:
        """Return a question with what it may know of the notebook, and without secrets.

        Parameters
        ----------
        before:
            The names of what a question asked to see that is asked again; else `None`.

        Raises
        ------
        Forbidden
            The caller may not look there.
        Internal
            A rule for hiding secrets failed.
        """
        notebook = notebook or conversation.notebook
        wish = self.wish(request, conversation, service)
        kernel_id = request.kernel_id
        # Words that hold data ask for nothing: whoever wrote the data would choose what is sent.
        searched = request.see is None or request.see.words is not False
        words = text_of(question.text) if searched else ""
        names = mentioned(words, given)
        # Who says that what runs is not to be seen means it, whatever the words are.
        how_far = not refuses("running", *layers_of(request, conversation)) and bool(PROGRESS.search(words))
        if before is not None:
            # Nobody knows any more what of its words was data: it sees no more than it did.
            names, how_far = [name for name in names if name in before], how_far and DOES_NOW in before
        if names or wish.names or wish.error or wish.running or how_far:
            if kernel_id is None and notebook is not None and self.jupyter is not None:
                kernel_id = await self.jupyter.find_kernel(notebook)
            if kernel_id is not None:
                running = wish.running or (how_far and self.busy(kernel_id))
                wish = replace(wish, running=running, names=tuple(dict.fromkeys([*wish.names, *names])))
            looks = wish.names or wish.error or wish.running
            if kernel_id is not None and looks and may is not None and not await may("execute", "kernels"):
                raise Forbidden("You may not look into kernels on this server: leave `see` and `@` out.")
        if wish.cells != "off" and may is not None and not await may("read", "contents"):
            raise Forbidden("You may not read notebooks on this server: leave `see.cells` out.")
        await service.look(model)
        window = service.window_of(model)
        reader = Reader(
            service.count,
            window,
            service.reserved(
                request.max_tokens or self.settings.tether.default_max_tokens or 0, window, model
            ),
            self.settings.tether.context_budget,
            service.sees(model) is not False,
            f"{service.service_type}:{service.model_name}" if service.is_ready() else None,
        )
        wish = replace(wish, kernel_id=kernel_id, notebook=notebook)
        return await self.builder.build(question, given, wish, reader)

    async def variables(self, kernel_id: str, may: May) -> dict[str, Any]:
        """Return the names and types of a kernel's variables, or why there are none.

        Raises
        ------
        Forbidden
            The caller may not look there.
        """
        if not await may("execute", "kernels"):
            raise Forbidden("You may not look into kernels on this server.")
        if self.kernels is None:
            return {"variables": [], "problem": NO_KERNELS}
        asked = await self.kernels.look(kernel_id, limit=MOST_NAMES, max_bytes=NAMES_SIZE)
        told = asked.found or {}
        found = [{"name": each["name"], "type": each.get("type", "")} for each in told.get("variables", [])]
        found += [{"name": name, "type": ""} for name in told.get("left_out", [])]
        return {"variables": found, "problem": asked.note}

    def busy(self, kernel_id: str) -> bool:
        """Return whether a kernel runs something."""
        return self.kernels is not None and self.kernels.busy(kernel_id)

    async def told(self, turn: Turn, backend: str, service: LLMService) -> dict[str, Any]:
        """Return what a turn would send, where to, and how many tokens that is."""
        state = await service.describe()
        messages = turn.prompt.messages
        counts = await self.counted(service, [text_of(message["content"]) for message in messages])
        # What is before the question, engines leave behind where there is no room for it.
        stays = [message["role"] == "system" for message in messages[:-1]] + [True]
        model = turn.prompt.model
        await service.look(model)
        window = service.window_of(model)
        kept = service.reserved(turn.sampling.max_tokens or 0, window, model)
        seen = turn.seen
        return {
            "to": {
                "backend": backend,
                "model": turn.model_label.removeprefix(f"{backend}:"),
                "place": state.get("place") or (backend if service.leaves else HERE),
                "leaves": service.leaves,
            },
            "level": seen.get("level") or self.settings.tether.see_at_most,
            "items": seen.get("items", []),
            "left_out": seen.get("left_out", []),
            "masked": seen.get("masked", []),
            "messages": list(messages),
            "tokens": sum(counts),
            "needed": sum(count for count, needed in zip(counts, stays, strict=True) if needed),
            "window": window,
            "room": None if window is None else max(window - kept, 0),
        }

    async def counted(self, service: LLMService, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has; only those that were not counted before are counted."""
        who = (service.service_type, service.model_name, service.is_ready())
        keys = [(*who, len(text), hash(text)) for text in texts]
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._counts}
        if len(self._counts) + len(fresh) > MOST_COUNTS:
            self._counts.clear()
            fresh = dict(zip(keys, texts, strict=True))
        known = {key: self._counts[key] for key in keys if key not in fresh}
        found = dict(zip(fresh, await service.count(list(fresh.values())), strict=True))
        # Another question may have made room meanwhile.
        self._counts |= found
        known |= found
        return [known[key] for key in keys]

    async def close(self) -> None:
        """Let go of the kernels that were looked into."""
        if self.kernels is not None:
            await self.kernels.close()


def mentioned(words: str, given: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the variables that a question names by `@`, and that did not come with it."""
    if "@" not in words:
        return []
    from tether_jupyter.context.variables import asked

    here = {item.get("name") for item in given}
    return [name for name in asked(words) if name not in here]
