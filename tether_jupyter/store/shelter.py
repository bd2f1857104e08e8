"""A history that goes on in memory while its database cannot be used, and writes it all down afterwards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.history import Conversation, Past, StoredMessage, new_id, resume
from tether_jupyter.errors import Conflict, NotFound
from tether_jupyter.store import damage
from tether_jupyter.store.failures import StoreFailed
from tether_jupyter.store.journal import Journal
from tether_jupyter.store.memory import MemoryHistory
from tether_jupyter.store.reach import Reach
from tether_jupyter.store.recent import Recent

if TYPE_CHECKING:
    from tether_jupyter.store.history import SqlHistory


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
        self.memory = memory or MemoryHistory(root=inner.root)
        self._journal = Journal()
        self._recent = Recent()
        self.reach = Reach(inner, self._journal)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def kind(self) -> str:
        return self.inner.kind

    @property
    def problem(self) -> str | None:
        if self.reach.failed is not None:
            return self.reach.failed.message
        file = self.inner.database.file
        return damage.notice(file) if file is not None else None

    # -- conversations

    async def create(self, owner: str, **given: Any) -> Conversation:
        # The same id each time that it is tried, lest there be two.
        given["conversation_id"] = given.get("conversation_id") or new_id("c")
        if self.reach.failed is None:
            try:
                made = await self.reach.ask(self._creating(owner, given))
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
        if self.reach.failed is None:
            try:
                found = await self.reach.ask(lambda: self.inner.get(owner, conversation_id))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                self._recent.note(found)
                return found
        return await self._find(owner, conversation_id)

    async def of_notebook(self, owner: str, notebook: str, file_id: str | None = None) -> Conversation | None:
        if self.reach.failed is None:
            try:
                found = await self.reach.ask(lambda: self.inner.of_notebook(owner, notebook, file_id))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                if found is not None:
                    self._recent.note(found)
                return found
        if (known := await self.memory.of_notebook(owner, notebook, file_id)) is not None:
            return known
        read = await self.reach.read(lambda: self.inner.conversations(owner, notebook=notebook))
        if read is not None:
            return read[0] if read else None
        return self._recent.of_notebook(owner, notebook)

    async def move(self, owner: str, conversation_id: str, notebook: str) -> None:
        await self.change(owner, conversation_id, notebook=notebook)

    async def renamed(self, owner: str, old: str, new: str) -> None:
        if self.reach.failed is None:
            try:
                await self.reach.ask(lambda: self.inner.renamed(owner, old, new))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                return
        await self.memory.renamed(owner, old, new)
        self._journal.renamed(owner, old, new)
        await self._catch_up()

    async def unbind(self, owner: str, path: str) -> None:
        self._recent.unbind(owner, path)
        if self.reach.failed is None:
            try:
                await self.reach.ask(lambda: self.inner.unbind(owner, path))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                return
        await self.memory.unbind(owner, path)
        self._journal.unbound(owner, path)
        await self._catch_up()

    async def change(self, owner: str, conversation_id: str, **changes: Any) -> Conversation:
        if self.reach.failed is None:
            try:
                found = await self.reach.ask(lambda: self.inner.change(owner, conversation_id, **changes))
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
        if self.reach.failed is None:
            try:
                return await self.reach.ask(
                    lambda: self.inner.conversations(owner, **given, limit=limit, offset=offset)
                )
            except StoreFailed as reason:
                self._fail(reason)
        here = await self.memory.conversations(owner, **given)
        most = None if limit is None else limit + offset
        below = await self.reach.read(lambda: self.inner.conversations(owner, **given, limit=most)) or []
        every = here + [each for each in below if not await self._holds(owner, each.id)]
        every.sort(
            key=lambda c: (c.pinned and notebook is None, c.last_message_at, c.created_at), reverse=True
        )
        return every[offset:][:limit]

    # -- messages

    async def messages(self, owner: str, conversation_id: str) -> list[StoredMessage]:
        if self.reach.failed is None:
            try:
                return await self.reach.ask(lambda: self.inner.messages(owner, conversation_id))
            except StoreFailed as reason:
                self._fail(reason)
        failed = self.reach.failed
        await self._adopt(owner, conversation_id)
        here = {each.id: each for each in await self.memory.messages(owner, conversation_id)}
        try:
            below = await self.reach.read(lambda: self.inner.messages(owner, conversation_id))
        except NotFound:
            below = []
        if below is None and not here and failed is not None:
            raise failed  # It may well have messages: none is not what there is to say.
        return [*(here.pop(each.id, each) for each in below or []), *here.values()]

    async def branch(
        self, owner: str, conversation_id: str, last: str | None = None, limit: int = 200
    ) -> list[StoredMessage]:
        if self.reach.failed is None:
            try:
                found = await self.reach.ask(lambda: self.inner.branch(owner, conversation_id, last, limit))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                self._recent.remember(owner, conversation_id, found)
                return found
        await self._adopt(owner, conversation_id)
        try:
            return await self.memory.branch(owner, conversation_id, last, limit)
        except NotFound:
            below = await self.reach.read(lambda: self.inner.branch(owner, conversation_id, last, limit))
        if below is None and last is not None:
            # It is somewhere where nobody can look now: what is said next still is an answer to it.
            return [StoredMessage(last, "assistant", "")]
        return below or []

    async def resume(self, owner: str, past: Past) -> tuple[Conversation | None, list[StoredMessage]]:
        if self.reach.failed is None:
            try:
                found, branch = await self.reach.ask(lambda: self.inner.resume(owner, past))
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
        if self.reach.failed is None:
            try:
                within = await self.reach.ask(lambda: self.inner.begin(conversation, *said, new=new))
            except StoreFailed as reason:
                self._fail(reason)
            else:
                if new:
                    self._recent.note(within)
                self._recent.remember(owner, within.id, said, fresh=True)
                return within
        within = conversation
        if new and within.notebook is not None:
            within = await self.memory.of_notebook(owner, within.notebook) or within
        if new and not await self._holds(owner, within.id):
            given = {name: getattr(within, name) for name in ("notebook", "file_id", "project_id", "data")}
            within = await self.memory.create(owner, conversation_id=within.id, **given)
            self._journal.created(within)
            await self._catch_up()
        await self.add(owner, within.id, *said)
        return within

    async def add(self, owner: str, conversation_id: str, *messages: StoredMessage) -> None:
        if self.reach.failed is None:
            try:
                await self.reach.ask(lambda: self.inner.add(owner, conversation_id, *messages))
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
        if self.reach.failed is None:
            try:
                return await self.reach.ask(lambda: self.inner.change_message(owner, message_id, **changes))
            except StoreFailed as reason:
                self._fail(reason)
        failed = self.reach.failed
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
        if self.reach.failed is None:
            try:
                await self.reach.ask(self.inner.alive)
            except StoreFailed as reason:
                self._fail(reason)

    async def retry(self) -> bool:
        """Try the inner history again, and write what was said meanwhile. Return whether it works."""
        return await self.reach.retry()

    async def close(self) -> None:
        await self.reach.close()

    async def _catch_up(self) -> None:
        try:
            await self.reach.catch_up()
        except StoreFailed as reason:
            self._fail(reason)

    def _fail(self, reason: StoreFailed) -> None:
        """Go on in memory from here."""
        if self.reach.failed is None:
            old = self.memory
            self.memory = MemoryHistory(old.max_conversations, old.max_messages, old.root)
        self.reach.fail(reason)

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
        found = await self.reach.read(lambda: self.inner.get(owner, conversation_id))
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
        past = await self.reach.read(lambda: self._end(owner, conversation_id))
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

    async def _end(self, owner: str, conversation_id: str) -> list[StoredMessage]:
        """Return the end of the newest branch, each message whole: what is in memory is shown from now on."""
        branch = {each.id for each in await self.inner.branch(owner, conversation_id)}
        return [each for each in await self.inner.messages(owner, conversation_id) if each.id in branch]
