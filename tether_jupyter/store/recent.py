"""The end of conversations that are under way, for when their past cannot be read."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from tether_jupyter.core.history import Conversation, StoredMessage
from tether_jupyter.store import paths

CONVERSATIONS, MESSAGES = 32, 24
LONGEST = 20_000
"""Characters of a message that is remembered. Pictures are not."""


@dataclass(slots=True)
class Known:
    """What is remembered of a conversation."""

    conversation: Conversation
    messages: OrderedDict[str, StoredMessage] = field(default_factory=OrderedDict)


class Recent:
    """The last few conversations, each with its last few messages."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], Known] = OrderedDict()

    def note(self, conversation: Conversation) -> None:
        """Remember a conversation's facts, and forget the one that was out of use longest."""
        key = (conversation.owner, conversation.id)
        known = self._known.setdefault(key, Known(conversation))
        known.conversation = copy.copy(conversation)
        self._known.move_to_end(key)
        while len(self._known) > CONVERSATIONS:
            self._known.popitem(last=False)

    def remember(
        self, owner: str, conversation_id: str, messages: Sequence[StoredMessage], *, fresh: bool = False
    ) -> None:
        """Remember messages at the end of a conversation; `fresh` ones are more than it had."""
        known = self._known.get((owner, conversation_id))
        if known is None:
            return
        for message in messages[-MESSAGES:]:
            if not isinstance(message.content, str) or len(message.content) > LONGEST:
                continue
            if fresh and message.id not in known.messages:
                known.conversation.message_count += 1
            known.messages[message.id] = message
        while len(known.messages) > MESSAGES:
            known.messages.popitem(last=False)

    def get(self, owner: str, conversation_id: str) -> Conversation | None:
        """Return a conversation as it was when it was last seen."""
        known = self._known.get((owner, conversation_id))
        return copy.copy(known.conversation) if known else None

    def of_notebook(self, owner: str, notebook: str) -> Conversation | None:
        """Return the conversation that a notebook was seen to go on with."""
        for known in reversed(self._known.values()):
            if known.conversation.owner == owner and known.conversation.notebook == notebook:
                return copy.copy(known.conversation)
        return None

    def unbind(self, owner: str, path: str) -> None:
        """Let go of a notebook, or a folder of them, that was deleted."""
        for known in self._known.values():
            if known.conversation.owner == owner and paths.within(known.conversation.notebook, path):
                known.conversation.notebook = known.conversation.file_id = None

    def messages(self, owner: str, conversation_id: str) -> list[StoredMessage]:
        """Return the last messages of a conversation, the oldest first."""
        known = self._known.get((owner, conversation_id))
        return list(known.messages.values()) if known else []
