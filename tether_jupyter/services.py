"""Everything a door opens to, built once: settings, who answers, what was said, what is under way."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.generation import Generation, Generations
from tether_jupyter.core.history import History
from tether_jupyter.core.opening import Defaults, open_turn
from tether_jupyter.errors import NotFound, TetherError
from tether_jupyter.health import health
from tether_jupyter.llm.registry import Backends
from tether_jupyter.llm.service import LLMService
from tether_jupyter.preparing import Preparation
from tether_jupyter.settings import Settings
from tether_jupyter.store import paths
from tether_jupyter.store.database import Database
from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.history import SqlHistory
from tether_jupyter.store.memory import MemoryHistory
from tether_jupyter.store.presence import prepare
from tether_jupyter.store.shelter import ShelteredHistory

if TYPE_CHECKING:
    from tether_jupyter.core.attached import Attached
    from tether_jupyter.core.history import StoredMessage
    from tether_jupyter.core.request import ChatRequest
    from tether_jupyter.core.turn import Turn
    from tether_jupyter.llm.models.library import Library
    from tether_jupyter.seeing import Jupyter, May, Seeing
    from tether_jupyter.store.clients import Clients
    from tether_jupyter.store.presets import Presets
    from tether_jupyter.store.projects import Projects
    from tether_jupyter.store.search import Search
    from tether_jupyter.store.suggestions import Suggestions
    from tether_jupyter.store.transfer import Transfer
    from tether_jupyter.store.uploads import Uploads

Find = Callable[[str], Awaitable[str | None]]
MOST_FILES = 32
"""Files of earlier questions and of the project that go with a question."""
SEEING = "tether_jupyter.seeing"
BEAT_SECONDS = 20.0
"""How often a server with turns under way lets the history and Jupyter know that it lives."""


async def nothing(_: str) -> str | None:
    """Find nothing: for a server without sessions."""
    return None


class Services:
    """What handlers call.

    Parameters
    ----------
    settings:
        The settings in force.
    find_notebook:
        Returns the path of the notebook that a kernel runs for, or `None`.
    root:
        The folder of this machine that notebooks' paths begin at; `None` where they lie elsewhere.
    jupyter:
        What of the Jupyter server can be looked into; `None` for nothing.
    at_work:
        Tells whoever stops idle servers that this one is not.
    """

    def __init__(
        self,
        settings: Settings,
        find_notebook: Find = nothing,
        root: str | None = None,
        jupyter: Jupyter | None = None,
        at_work: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.at_work = at_work
        self.jupyter = jupyter
        self.find_notebook = find_notebook
        self.root = root
        self.backends = Backends(settings)
        self.database = Database(settings.database_url, prepare)
        kept = settings.tether.keep_history
        self.history: History = (
            ShelteredHistory(SqlHistory(self.database, root)) if kept else MemoryHistory(root=root)
        )
        self.generations = Generations(max_running=settings.tether.max_turns)
        self._beating: asyncio.Task[None] | None = None
        self._preparation = Preparation(settings, self.backends, self.database)
        self._moving = asyncio.Lock()
        self._owners: set[str] = set()
        """Who has asked on this server."""
        self._settled = False

    @cached_property
    def library(self) -> Library:
        """The models of this machine. Imported when somebody looks: a server starts without it."""
        from tether_jupyter.llm.models.library import Library

        return Library.from_settings(self.settings)

    @cached_property
    def projects(self) -> Projects:
        """Groups of conversations, with files of their own."""
        from tether_jupyter.store.projects import Projects

        return Projects(self.database)

    @cached_property
    def search(self) -> Search:
        """The full text of all that was said."""
        from tether_jupyter.store.search import Search

        return Search(self.database)

    @cached_property
    def transfer(self) -> Transfer:
        """Conversations that come from a file."""
        from tether_jupyter.store.transfer import Transfer

        return Transfer(self.database)

    @cached_property
    def clients(self) -> Clients:
        """What each front end is set to."""
        from tether_jupyter.store.clients import Clients

        return Clients(self.database)

    @cached_property
    def presets(self) -> Presets:
        """Named settings of front ends."""
        from tether_jupyter.store.presets import Presets

        return Presets(self.database)

    @cached_property
    def suggestions(self) -> Suggestions:
        """Quick prompts."""
        from tether_jupyter.store.suggestions import Suggestions

        return Suggestions(self.database)

    @cached_property
    def uploads(self) -> Uploads:
        """Files that were attached, and what a model can read of them."""
        from tether_jupyter.store.uploads import Uploads

        return Uploads.from_settings(self.database, self.settings)

    @cached_property
    def seeing(self) -> Seeing:
        """What finds out how much of the notebook a question may know."""
        from tether_jupyter.seeing import Seeing

        return Seeing(self.settings, self.jupyter)

    async def ask(
        self, request: ChatRequest, owner: str, correlation_id: str, may: May | None = None
    ) -> Generation:
        """Start the turn that a request asks for.

        Parameters
        ----------
        may:
            Says whether the caller may do something to a kind of things of Jupyter's own; `None`: anything.
        """
        self.generations.check_room()
        turn, _ = await self._open(request, owner, correlation_id, may)
        self.beat()
        return self.generations.start(turn, background=request.background)

    async def preview(
        self, request: ChatRequest, owner: str, may: May | None = None, *, brief: bool = False
    ) -> dict[str, Any]:
        """Return what a request would send, where to, and how many tokens that is. Nothing is asked.

        `brief`: the figures alone, without the messages, and without loading a model to count them.
        """
        turn, backend = await self._open(request, owner, "preview", may, looking=True)
        # A look puts no model in another's place.
        if not brief and not self.backends.get(backend).loads(turn.prompt.model):
            with contextlib.suppress(TetherError):  # Without its model, tokens are guessed.
                await self.wake(backend)
        told = await self.seeing.told(turn, backend, self.backends.get(backend))
        return {**told, "messages": []} if brief else told

    async def _open(
        self,
        request: ChatRequest,
        owner: str,
        correlation_id: str,
        may: May | None,
        *,
        looking: bool = False,
    ) -> tuple[Turn, str]:
        """Return the turn that a request asks for, and the backend that answers.

        `looking`: nothing is asked, so nothing is changed either.
        """
        self._owners.add(owner)
        if request.preset or await self.database.exists():
            request = (await self.clients.layers(owner, request.client_id, request.preset)).apply(request)
        tether = self.settings.tether
        backend, model_name = self.backends.split(request.model)
        service = self.backends.get(backend)
        other = service.loads(model_name)
        if not other:
            service.check_model(model_name)
        service.check_room(owner)
        if SEEING not in sys.modules:
            await asyncio.to_thread(import_module, SEEING)
        notebook = await self.notebook_of(request.notebook, request.kernel_id)
        sees = service.sees(model_name) is not False
        turn = await open_turn(
            request,
            owner=owner,
            wake=partial(self.wake, backend, model_name if other else None),
            model_name=model_name,
            model_label=f"{backend}:{model_name or service.model_name}",
            history=self.history,
            defaults=Defaults(
                system=tether.system_prompt,
                temperature=tether.default_temperature,
                max_tokens=tether.default_max_tokens,
                max_answer_size=tether.max_answer_size,
            ),
            notebook=notebook,
            correlation_id=correlation_id,
            file_id=await self.find_file(notebook) if notebook else None,
            files=partial(self.files_of, owner, sees, looking),
            see=partial(self.seeing.see, request, service, model_name, notebook, may),
            sees=sees,
            file_room=service.file_room,
            looking=looking,
        )
        return turn, backend

    async def files_of(
        self,
        owner: str,
        sees: bool,
        looking: bool,
        asked: Sequence[str],
        earlier: Sequence[str],
        project_id: str | None,
    ) -> list[Attached]:
        """Return what a turn's files hold: those attached to it, to what was said before, and to the project.

        `looking`: those attached to it do not count as used by that.

        Raises
        ------
        NotFound
            One that the question names is not there. An earlier one may have been deleted since.
        """
        found = await self.uploads.for_turn(owner, asked, used=not looking) if asked else []
        others = list(earlier)
        with contextlib.suppress(StoreFailed):  # The chat goes on without its database, and so without these.
            if project_id is not None:
                others += [id for id in await self.projects.files(owner, project_id) if id not in earlier]
            others = [id for id in others if id not in asked][:MOST_FILES]
            if others:
                found += await self.uploads.still_there(owner, others, sees=sees)
        return found

    async def take_away(self, owner: str, message_id: str) -> StoredMessage:
        """Delete a message with what follows it, and stop the answers that are being written there.

        Raises
        ------
        NotFound
            There is none of that id.
        """
        before = await self._written(owner)
        found = await self.history.change_message(owner, message_id, deleted=True)
        # A turn that is not kept yet is in neither: nobody can have taken its question away.
        for id in before - await self._written(owner) if before else ():
            if generation := self.generations.running(owner, id):
                generation.stop()
        return found

    async def _written(self, owner: str) -> set[str]:
        """Return the ids of the answers under way that the history has."""
        found: set[str] = set()
        for conversation in self.generations.writing(owner):
            with contextlib.suppress(NotFound):  # It is not kept, or not yet.
                found |= {each.id for each in await self.history.messages(owner, conversation)}
        return {id for id in found if self.generations.running(owner, id)}

    def beat(self) -> None:
        """Let the history and Jupyter know that this server lives, for as long as a turn is under way."""
        self.at_work()
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat(), name="tether-beat")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if not len(self.generations):
                self._beating = None
                return
            self.at_work()
            with contextlib.suppress(TetherError):  # A database that is away is noticed where it is needed.
                await self.history.alive()

    async def wake(self, backend: str, model: str | None = None) -> LLMService:
        """Return a backend that is awake, with this model of it; at first, make the collector less eager.

        Jupyter and an SDK make a quarter of a million objects that live as long as the server, and each full
        collection walks them all: a third of the time in which a thousand turns are opened. So they are set
        aside.
        """
        wake = self.backends.wake(backend) if model is None else self.backends.load(backend, model)
        service = await wake
        wanted = self.settings.tether.collector_threshold
        if wanted and not self._settled:
            self._settled = True
            young, *older = gc.get_threshold()
            gc.set_threshold(max(young, wanted), *older)
            gc.freeze()
        return service

    async def find_file(self, path: str) -> str | None:
        """Return what a notebook is on this machine's disk, by which it is known under another path."""
        return await asyncio.to_thread(paths.file_id, self.root, path) if self.root is not None else None

    async def notebook_of(self, notebook: str | None, kernel_id: str | None) -> str | None:
        """Return the notebook that a request belongs to: the one it names, else its kernel's."""
        async with self._moving:
            pass
        if notebook is not None:
            # JupyterLab puts a drive before the path of some notebooks; Jupyter's own sessions do not.
            return notebook.partition(":")[2] if notebook.startswith("RTC:") else notebook
        if kernel_id is not None:
            # A kernel of no session still is somebody's: a console, say.
            return await self.find_notebook(kernel_id) or f"kernel:{kernel_id}"
        return None

    async def renamed(self, old: str, new: str, by: str | None) -> None:
        """Follow a notebook to its new path; whoever comes with that path meanwhile waits for it.

        Others than those who use this server may have a notebook of that path on a server of their own.
        """
        async with self._moving:
            for owner in self._here(by):
                await self.history.renamed(owner, old, new)

    async def deleted(self, path: str, by: str | None) -> None:
        """Let go of a notebook that was deleted: the next one of that path has another conversation."""
        async with self._moving:
            for owner in self._here(by):
                await self.history.unbind(owner, path)

    def _here(self, by: str | None) -> set[str]:
        """Return who uses this server, with whoever has just done something in Jupyter."""
        return self._owners | ({by} if by is not None else set())

    async def health(self) -> dict[str, Any]:
        """Return the state of Tether in the contract's form."""
        return await health(self.backends, self.history)

    def warm(self) -> None:
        """Do, aside and once, what the first question would otherwise wait for."""
        self._preparation.begin()

    async def close(self) -> None:
        """Stop every turn and put the backends to sleep."""
        await self._preparation.end()
        await self.generations.stop_all()
        await self.backends.close()
        if self._beating is not None:
            self._beating.cancel()
        if "seeing" in vars(self):
            await self.seeing.close()
        await self.history.close()
        if "uploads" in vars(self):
            await self.uploads.close()
        await self.database.close()
