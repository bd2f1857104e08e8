"""A history that goes on in memory while its database cannot be used, and writes it all down afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tether_jupyter.core.frames import frames
from tether_jupyter.core.history import Conversation, Past, StoredMessage, new_id, resume
from tether_jupyter.errors import Conflict, NotFound
from tether_jupyter.store import damage
from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.journal import Journal, Through
from tether_jupyter.store.memory import MemoryHistory
from tether_jupyter.store.recent import Recent

if TYPE_CHECKING:
    from tether_jupyter.store.history import SqlHistory

log = logging.getLogger("tether.store")

RETRY_SECONDS = 3.0
PATIENCE_SECONDS = 20.0
"""How long a turn waits for a database that says nothing. It waits 10 s by itself for another server."""
SLOW = "The history's database is slow to answer. What is said now is kept in memory until it does."
UNREADABLE = ("unreachable", "damaged", "newer")
"""Why nothing can be read either."""

Result = TypeVar("Result")


class ShelteredHistory:
    """A `core.history.History` over another one; see there for what the methods do.

    While the inner one fails, conversations go on in memory: with their past where it can still be read, else
    with what is remembered of it. Every few seconds the inner one is tried, and when it works it gets what
    was said meanwhile, in order, each message once.

    Parameters
    ----------
    inner:
        The history to keep.
    memory:
        Where conversations go on; a new one each time that the inner one fails.
    """

    def __init__(self, inner: SqlHistory, memory: MemoryHistory | None = None) -> None:
        self.inner = inner
        self.memory = memory or MemoryHistory()
        self.retry_seconds = RETRY_SECONDS
        self.patience_seconds = PATIENCE_SECONDS
        self._journal = Journal()
        self._failed: StoreFailed | None = None
        self._blind = False
        self._recent = Recent()
        self._recovering = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None
        self._file = file_of(inner.database.url) if inner.database.kind == "sqlite" else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def kind(self) -> str:
        return self.inner.kind

    @property
    def problem(self) -> str | None:
        if self._failed is not None:
            return self._failed.message
        return damage.notice(self._file) if self._file is not None else None

    # -- conversations

    async def create(self, owner: str, **given: Any) -> Conversation:
        # The same id each time that it is tried, lest there be two.
        given["conversation_id"] = given.get("conversation_id") or new_id("c")
        if self._failed is None:
            try:
                made = await self._ask(self._creating(owner, given))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                self._recent.note(made)
                return made
        made = await self.memory.create(owner, **given)
        self._journal.created(made)
        await self._catch_up()
        return made

    def _creating(self, owner: str, given: dict[str, Any]) -> Callable[[], Awaitable[Conversation]]:
        """Return what makes a conversation, and finds it there where it is tried a second time."""
        tried = False

        async def call() -> Conversation:
            nonlocal tried
            again, tried = tried, True
            try:
                return await self.inner.create(owner, **given)
            except Conflict:
                if again:
                    return await self.inner.get(owner, given["conversation_id"])
                raise

        return call

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        if self._failed is None:
            try:
                found = await self._ask(lambda: self.inner.get(owner, conversation_id))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                self._recent.note(found)
                return found
        return await self._find(owner, conversation_id)

    async def of_notebook(self, owner: str, notebook: str, file_id: str | None = None) -> Conversation | None:
        if self._failed is None:
            try:
                found = await self._ask(lambda: self.inner.of_notebook(owner, notebook, file_id))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                if found is not None:
                    self._recent.note(found)
                return found
        if (known := await self.memory.of_notebook(owner, notebook, file_id)) is not None:
            return known
        if (read := await self._read(lambda: self.inner.conversations(owner, notebook=notebook))) is not None:
            return read[0] if read else None
        return self._recent.of_notebook(owner, notebook)

    async def move(self, owner: str, conversation_id: str, notebook: str) -> None:
        await self.change(owner, conversation_id, notebook=notebook)

    async def renamed(self, old: str, new: str) -> None:
        if self._failed is None:
            try:
                await self._ask(lambda: self.inner.renamed(old, new))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                return
        await self.memory.renamed(old, new)
        self._journal.renamed(old, new)
        await self._catch_up()

    async def change(self, owner: str, conversation_id: str, **changes: Any) -> Conversation:
        if self._failed is None:
            try:
                found = await self._ask(lambda: self.inner.change(owner, conversation_id, **changes))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                self._recent.note(found)
                return found
        await self._adopt(owner, conversation_id)
        changed = await self.memory.change(owner, conversation_id, **dict(changes))
        self._journal.changed("conversation", owner, conversation_id, changes)
        await self._catch_up()
        return changed

    async def conversations(
        self,
        owner: str,
        *,
        notebook: str | None = None,
        project_id: str | None = None,
        deleted: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Conversation]:
        given: dict[str, Any] = {"notebook": notebook, "project_id": project_id, "deleted": deleted}
        if self._failed is None:
            try:
                return await self._ask(
                    lambda: self.inner.conversations(owner, **given, limit=limit, offset=offset)
                )
            except StoreFailed as reason:
                self._fail(reason)
        here = await self.memory.conversations(owner, **given)
        most = None if limit is None else limit + offset
        below = await self._read(lambda: self.inner.conversations(owner, **given, limit=most)) or []
        every = here + [each for each in below if not await self._holds(owner, each.id)]
        every.sort(
            key=lambda c: (c.pinned and notebook is None, c.last_message_at, c.created_at), reverse=True
        )
        return every[offset:][:limit]

    # -- messages

    async def messages(self, owner: str, conversation_id: str) -> list[StoredMessage]:
        if self._failed is None:
            try:
                return await self._ask(lambda: self.inner.messages(owner, conversation_id))
            except StoreFailed as reason:
                self._fail(reason)
        failed = self._failed
        await self._adopt(owner, conversation_id)
        here = {each.id: each for each in await self.memory.messages(owner, conversation_id)}
        try:
            below = await self._read(lambda: self.inner.messages(owner, conversation_id))
        except NotFound:
            below = []
        if below is None and not here and failed is not None:
            raise failed  # It may well have messages: none is not what there is to say.
        return [*(here.pop(each.id, each) for each in below or []), *here.values()]

    async def branch(
        self, owner: str, conversation_id: str, last: str | None = None, limit: int = 200
    ) -> list[StoredMessage]:
        if self._failed is None:
            try:
                found = await self._ask(lambda: self.inner.branch(owner, conversation_id, last, limit))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                self._recent.remember(owner, conversation_id, found)
                return found
        await self._adopt(owner, conversation_id)
        try:
            return await self.memory.branch(owner, conversation_id, last, limit)
        except NotFound:
            below = await self._read(lambda: self.inner.branch(owner, conversation_id, last, limit))
        if below is None and last is not None:
            # It is somewhere where nobody can look now: what is said next still is an answer to it.
            return [StoredMessage(last, "assistant", "")]
        return below or []

    async def resume(self, owner: str, past: Past) -> tuple[Conversation | None, list[StoredMessage]]:
        if self._failed is None:
            try:
                found, branch = await self._ask(lambda: self.inner.resume(owner, past))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                if found is not None:
                    self._recent.note(found)
                    self._recent.remember(owner, found.id, branch)
                return found, branch
        return await resume(self, owner, past)

    async def begin(self, conversation: Conversation, *said: StoredMessage, new: bool) -> Conversation:
        owner = conversation.owner
        if self._failed is None:
            try:
                within = await self._ask(lambda: self.inner.begin(conversation, *said, new=new))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                if new:
                    self._recent.note(within)
                self._recent.remember(owner, within.id, said, fresh=True)
                return within
        within = conversation
        if new and within.notebook is not None:
            within = await self.memory.of_notebook(owner, within.notebook, within.file_id) or within
        if new and not await self._holds(owner, within.id):
            given = {name: getattr(within, name) for name in ("notebook", "file_id", "project_id", "data")}
            within = await self.memory.create(owner, conversation_id=within.id, **given)
            self._journal.created(within)
            await self._catch_up()
        await self.add(owner, within.id, *said)
        return within

    async def add(self, owner: str, conversation_id: str, *messages: StoredMessage) -> None:
        if self._failed is None:
            try:
                await self._ask(lambda: self.inner.add(owner, conversation_id, *messages))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                self._recent.remember(owner, conversation_id, messages, fresh=True)
                return
        conversation = await self._adopt(owner, conversation_id)
        await self.memory.add(owner, conversation_id, *messages)
        for message in messages:
            self._journal.said(conversation, message)
        await self._catch_up()

    async def change_message(self, owner: str, message_id: str, **changes: Any) -> StoredMessage:
        if self._failed is None:
            try:
                return await self._ask(lambda: self.inner.change_message(owner, message_id, **changes))
            except StoreFailed as reason:
                self._fail(reason)
        failed = self._failed
        try:
            changed = await self.memory.change_message(owner, message_id, **dict(changes))
        except NotFound:
            # Whether it is there cannot be seen, and so nobody can be told that it was done.
            raise failed or StoreFailed() from None
        self._journal.changed("message", owner, message_id, changes)
        await self._catch_up()
        return changed

    # -- failing and recovering

    async def alive(self) -> None:
        if self._failed is None:
            try:
                await self._ask(self.inner.alive)
            except StoreFailed as reason:
                self._fail(reason)

    async def retry(self) -> bool:
        """Try the inner history again, and write what was said meanwhile. Return whether it works."""
        async with self._recovering:
            if self._failed is None:
                return True
            try:
                await self._ask(self.inner.alive)
                await self._ask(lambda: self.inner.conversations("", limit=1))
                await self._journal.replay(Through(self.inner, self._ask))
            except StoreFailed as reason:
                self._failed, self._blind = reason, reason.cause in UNREADABLE
                return False
            log.info("the history can be written again: everything said meanwhile is in it")
            self._failed, self._blind = None, False
            return True

    async def _catch_up(self) -> None:
        """Write what was noted while the inner history was found to work again."""
        if self._failed is None and len(self._journal):
            async with self._recovering:
                try:
                    await self._journal.replay(Through(self.inner, self._ask))
                except StoreFailed as reason:
                    self._fail(reason)

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._timer
        if self._failed is not None and not await self.retry():
            log.error("%d messages could not be kept: %s", self._journal.messages(), self._failed.message)
        with contextlib.suppress(StoreFailed):
            await self._ask(self.inner.close)

    def _fail(self, reason: StoreFailed) -> None:
        """Go on in memory from here."""
        if self._failed is None:
            log.error("conversations go on in memory: %s", reason.message)
            self._failed, self._blind = reason, reason.cause in UNREADABLE
            self.memory = MemoryHistory(self.memory.max_conversations, self.memory.max_messages)
        if self._timer is None or self._timer.done():
            self._timer = asyncio.get_running_loop().create_task(self._keep_trying(), name="tether-shelter")

    async def _keep_trying(self) -> None:
        while self._failed is not None:
            # A damaged file is mended at the next use: there is nothing to wait for.
            await asyncio.sleep(0 if self._failed.cause == "damaged" else self.retry_seconds)
            try:
                if not await self.retry() and self._failed.cause == "damaged":
                    await asyncio.sleep(self.retry_seconds)
            except Exception as reason:  # noqa: BLE001 - it is tried again, whatever it was
                log.error("the history could not be tried again: %s", frames(reason))
                await asyncio.sleep(self.retry_seconds)

    async def _ask(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Ask the inner history, and wait no longer than anybody would."""
        try:
            async with asyncio.timeout(self.patience_seconds):
                try:
                    return await call()
                except StoreFailed as reason:
                    if reason.cause != "unreachable":
                        raise
                # After a restart of its server, a connection is known to be broken only when it is used.
                return await call()
        except TimeoutError:
            raise StoreFailed(SLOW, cause="locked") from None

    async def _read(self, call: Callable[[], Awaitable[Result]]) -> Result | None:
        """Ask what can be read of the past: much, on a full disk; `None` where nothing can."""
        if self._blind:
            return None
        try:
            return await self._ask(call)
        except StoreFailed:
            self._blind = True
            return None

    # -- conversations in memory

    async def _holds(self, owner: str, conversation_id: str) -> bool:
        try:
            await self.memory.get(owner, conversation_id)
        except NotFound:
            return False
        return True

    async def _find(self, owner: str, conversation_id: str) -> Conversation:
        """Return a conversation: as it is in memory, as it can be read, or as it is remembered."""
        if await self._holds(owner, conversation_id):
            return await self.memory.get(owner, conversation_id)
        found = await self._read(lambda: self.inner.get(owner, conversation_id))
        if found is None:
            found = self._recent.get(owner, conversation_id)
            if found is None and not conversation_id.startswith("c_"):
                raise NotFound("There is no such conversation here. Start a new one.")
        return found or Conversation(conversation_id, owner)

    async def _adopt(self, owner: str, conversation_id: str) -> Conversation:
        """Let a conversation go on in memory, with as much of its past as there is."""
        if await self._holds(owner, conversation_id):
            return await self.memory.get(owner, conversation_id)
        found = await self._find(owner, conversation_id)
        past = await self._read(lambda: self.inner.branch(owner, conversation_id))
        if await self._holds(owner, conversation_id):  # Another turn has brought it meanwhile.
            return await self.memory.get(owner, conversation_id)
        if past is None:
            self._journal.unread.add((owner, conversation_id))
            past = self._recent.messages(owner, conversation_id)
        made = await self.memory.create(owner, conversation_id=conversation_id, notebook=found.notebook)
        for name in Conversation.__slots__:
            setattr(made, name, getattr(found, name))
        await self.memory.add(owner, conversation_id, *past)
        return made


def file_of(url: str) -> Path | None:
    """Return the file that an SQLite URL names; `None` for a database in memory."""
    name = url.partition(":///")[2].partition("?")[0]
    return Path(name) if name and name != ":memory:" else None
