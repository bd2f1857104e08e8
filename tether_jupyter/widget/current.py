"""Which conversation the widget is in: one that was given, the notebook's, or its own where there is none."""

from __future__ import annotations

from tether_jupyter.client.sync import Client
from tether_jupyter.errors import TetherError


class Current:
    """The conversation that questions go to. `id` is `None` before there is one.

    Parameters
    ----------
    client:
        Asks the server.
    kernel_id:
        The kernel whose notebook is talked about, as the server knows it.
    given:
        The conversation to go on with instead of the notebook's.
    """

    def __init__(self, client: Client, kernel_id: str | None, given: str | None) -> None:
        self.id = given
        self._client = client
        self._kernel_id = kernel_id
        self._given = given
        self._bound: bool | None = None if kernel_id else False
        """Whether a notebook goes on with it; `None` where that is not known yet."""

    def address(self, parent_id: str | None) -> dict[str, str]:
        """Return the fields of a request that say which conversation it belongs to, and what it answers."""
        fields = self._kernel()
        if self.id and parent_id:
            return {**fields, "conversation_id": self.id, "parent_id": parent_id}
        # A kernel that another server started has no notebook there, and would begin anew with each question.
        if self.id and (self._given or self._bound is False):
            fields["conversation_id"] = self.id
        return fields

    def find(self) -> str | None:
        """Return the conversation to look at: the given one, else what the notebook goes on with.

        Raises
        ------
        TetherError
            The server does not say.
        """
        if self._given:
            return self._given
        if self._kernel_id is None or self._bound is False:
            return self.id
        found = self._client.conversations(kernel_id=self._kernel_id)
        notebooks = {conversation.get("notebook") for conversation in found}
        # Of a kernel that it does not know, the server lists everything.
        if len(notebooks) != 1 or None in notebooks:
            return self.id
        self._bound = True
        newest = max(found, key=lambda row: (row.get("last_message_at") or "", row.get("created_at") or ""))
        return str(newest["id"])

    def learn_from(self, conversation: str) -> None:
        """Ask whether a notebook goes on with the conversation of an answer, where that is not known yet."""
        if self._bound is None:
            try:
                self._bound = self._client.conversation(conversation).get("notebook") is not None
            except TetherError:
                # It was not kept, or the server is away: the next question will tell.
                self._bound = None

    def make(self) -> str:
        """Make a new conversation, which is the notebook's from now on, and return its id.

        Raises
        ------
        TetherError
            The server makes none.
        """
        return self._client.new_conversation(**self._kernel())

    def begin(self, conversation: str) -> None:
        """Go on with a new conversation, in place of the given one too."""
        self.id = conversation
        if self._given is not None:
            self._given = conversation

    def forget(self) -> None:
        """Leave a conversation that is not there any more. One that was given is asked for again."""
        if self._given is None:
            self.id, self._bound = None, None if self._kernel_id else False

    def _kernel(self) -> dict[str, str]:
        return {"kernel_id": self._kernel_id} if self._kernel_id else {}
