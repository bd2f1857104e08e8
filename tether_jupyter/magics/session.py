"""What holds from question to question: the server, the conversations, and what `use` has set."""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import TYPE_CHECKING, Any

from tether_jupyter.errors import NotFound, TetherError
from tether_jupyter.magics.failure import LastFailure

if TYPE_CHECKING:
    from tether_jupyter.client.sync import Client
    from tether_jupyter.magics.origin import Origin

CONNECTION_FILE = re.compile(r"kernel-([0-9A-Za-z-]+)\.json$")
CLIENT = "magic"
"""The front end that the magic is: its settings and presets are its own."""
GOES_ON = "goes_on_from"
"""Where a conversation's metadata says what the next question answers, after `undo` and `branch`."""
FRESH_SECONDS = 30.0
SET_BY_USER = ("preset", "client settings")
PARAMETERS = (
    "model", "preset", "temperature", "top_p", "top_k", "min_p", "seed", "stop", "max_tokens",
    "presence_penalty", "frequency_penalty", "repeat_penalty", "logit_bias", "system",
)  # fmt: skip
"""The fields of a request that shape an answer, and that stand in the output's metadata."""


class Session:
    """One kernel's dealings with the server.

    Parameters
    ----------
    shell:
        The IPython shell whose variables and errors are spoken of.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.kernel_id = kernel_id(shell)
        self.chosen: dict[str, Any] = {}
        """What `use` has set: parameters, and `see`, `cells`, `stream`."""
        self.failures = LastFailure(shell)
        self.told = False
        self.started: Any = None
        """The server that `start` has brought up."""
        self._client: Client | None = None
        self._settings: tuple[float, dict[str, Any]] | None = None
        self._named: dict[str, str] = {}
        self._own: str | None = None
        self._last: str | None = None
        self._bound: bool | None = None if self.kernel_id else False
        self._tips: dict[str, str] = {}
        self._recalled = False
        self._origins: dict[str, Origin] = {}

    @property
    def client(self) -> Client:
        """How the server is asked. Made with the first question: loading the extension is to cost nothing."""
        if self._client is None:
            from tether_jupyter.client.sync import Client

            self._client = Client()
        return self._client

    @client.setter
    def client(self, client: Client) -> None:
        self._client = client

    @property
    def in_kernel(self) -> bool:
        """Whether a front end with cells shows what is displayed."""
        return getattr(self.shell, "kernel", None) is not None

    @property
    def has_notebook(self) -> bool:
        """Whether the server can read the notebook that is worked in: one that it started the kernel for."""
        return self.kernel_id is not None and self._bound is not False and "JPY_SESSION_NAME" in os.environ

    def shows_data(self) -> bool:
        """Return whether the user's own settings say how much of the data a model may see."""
        found = self.held("see")
        level = (found.get("value") or {}).get("level") if found.get("layer") in SET_BY_USER else None
        return level not in (None, "off")

    def held(self, name: str) -> dict[str, Any]:
        """Return what holds of a field where the question says nothing: its `value` and `layer`, if known."""
        now = time.monotonic()
        if self._settings is None or now - self._settings[0] > FRESH_SECONDS:
            found: dict[str, Any] = {}
            # Where the server cannot tell, the question itself will.
            with contextlib.suppress(TetherError):
                found = self.client.settings(CLIENT)
            self._settings = (now, found)
        return self._settings[1].get(name) or {}

    def parameters(self, given: Any) -> dict[str, Any]:
        """Return what shapes the answer: the question's own options over what `use` has set.

        A preset that the question names stands in place of what `use` has set.
        """
        said = {name: getattr(given, name) for name in PARAMETERS if getattr(given, name, None) is not None}
        if "preset" in said:
            return said
        return {**{name: self.chosen[name] for name in PARAMETERS if name in self.chosen}, **said}

    # -- conversations

    def address(self, name: str | None, *, preview: bool = False) -> dict[str, Any]:
        """Return the fields of a request that say which conversation the question belongs to.

        Parameters
        ----------
        name:
            A conversation of the user's own; `new` for the notebook's afresh, `None` for the notebook's.
        preview:
            Whether nothing may change: then `new` stands for a conversation that is not there yet.
        """
        notebook = {"kernel_id": self.kernel_id} if self.kernel_id else {}
        if name == "new":
            if preview:
                return {}
            fresh = self.client.new_conversation(**notebook)
            if not self._belongs():
                self._own = fresh
            return {**notebook, "conversation_id": fresh}
        if name is not None:
            # Without an id it must not carry the kernel's: that would go on with the notebook's own.
            named = self._named.get(name)
            return {**notebook, "conversation_id": named, **self._tip(named)} if named else {}
        self._recall()
        if not self._belongs():
            return (
                {**notebook, "conversation_id": self._own, **self._tip(self._own)} if self._own else notebook
            )
        if (moved := self._last) in self._tips:
            return {**notebook, "conversation_id": moved, **self._tip(moved)}
        return notebook

    def _tip(self, conversation: str | None) -> dict[str, str]:
        return {"parent_id": self._tips[conversation]} if conversation in self._tips else {}

    def _belongs(self) -> bool:
        """Return whether the server knows this kernel's notebook.

        A kernel that another server started (VS Code, Colab) has no notebook there, and would begin a new
        conversation with each question.
        """
        if self._bound is None and self._last is not None:
            try:
                self._bound = self.client.conversation(self._last).get("notebook") is not None
            except TetherError:
                # It was not kept, or the server is away: the question itself will tell.
                return True
        return self._bound is not False

    def remember(self, name: str | None, meta: dict[str, Any]) -> None:
        """Take in which conversation a question went to. What it branched from is behind it now."""
        conversation = meta.get("conversation_id")
        if not conversation:
            return
        self._tips.pop(conversation, None)
        if name not in (None, "new"):
            self._named[str(name)] = conversation
            return
        self._last = self._own = conversation

    def forget(self, name: str | None, reason: NotFound) -> None:
        """Drop the id of a conversation that the server refused."""
        if name in (None, "new"):
            lost, self._own, self._last = self._own, None, None
            self._bound = None if self.kernel_id else False
        else:
            lost = self._named.pop(str(name), None)
        self._tips.pop(lost or "", None)
        if lost is not None and reason.hint is None:
            reason.hint = "The server no longer has this conversation. Run the cell again to start anew."

    def conversation(self, name: str | None = None) -> str:
        """Return the id of the conversation that a question would go on with.

        Raises
        ------
        NotFound
            There is none yet.
        """
        found = self._find(name)
        if found is None:
            which = f" `{name}`" if name else ""
            raise NotFound(f"There is no conversation{which} yet. Ask something first.")
        return found

    def _find(self, name: str | None) -> str | None:
        if name is not None:
            return self._named.get(name)
        if not self.kernel_id or not self._belongs():
            return self._own
        if self._last in self._tips:
            return self._last
        newest = self._newest()
        if newest is not None:
            self._take(newest)
        return self._last

    def _newest(self) -> dict[str, Any] | None:
        """Return the notebook's newest conversation, as the server has it."""
        rows = self.client.conversations(kernel_id=self.kernel_id)
        notebooks = {row.get("notebook") for row in rows}
        if not self._bound and (len(notebooks) != 1 or None in notebooks):
            # Of a kernel that it does not know, the server lists everything.
            rows = []
        return max(rows, key=lambda row: (row["last_message_at"], row["created_at"]), default=None)

    def _take(self, row: dict[str, Any]) -> None:
        """Take a conversation for the notebook's, with what was undone in it before this kernel started."""
        self._last = str(row["id"])
        noted = (row.get("metadata") or {}).get(GOES_ON)
        if self._last not in self._tips and isinstance(noted, dict) and noted.get("behind") == behind(row):
            self._tips[self._last] = str(noted.get("from"))

    def _recall(self) -> None:
        """Find out, before the first question, whether something was undone before a restart."""
        if self._recalled or not self.kernel_id:
            return
        self._recalled = True
        # Without an answer the question itself will tell.
        with contextlib.suppress(TetherError):
            newest = self._newest()
            if newest is not None and GOES_ON in (newest.get("metadata") or {}):
                self._take(newest)

    def tip(self, conversation: str) -> str | None:
        """Return the message that the next question answers, where that is not the newest."""
        return self._tips.get(conversation)

    def go_on_from(self, conversation: str, message: str) -> None:
        """Let the next question of a conversation answer this message; `root` for its beginning."""
        self._tips[conversation] = message
        self._recalled = True
        # It holds here all the same: only after a restart of the kernel nobody would know.
        with contextlib.suppress(TetherError):
            row = self.client.conversation(conversation)
            noted = {"from": message, "behind": behind(row)}
            kept = row.get("metadata") or {}
            self.client.change_conversation(conversation, metadata={**kept, GOES_ON: noted})

    # -- where models run

    def origin(self, label: str) -> Origin:
        """Return where a model runs, which is asked for until it is known, while it answers."""
        from tether_jupyter.magics.origin import Origin

        if label not in self._origins or self._origins[label].knows_nothing:
            self._origins[label] = Origin(self.client, label)
        return self._origins[label]

    def close(self) -> None:
        """Close the connections, and end the server that was started from here."""
        if self._client is not None:
            self._client.close()
        started, self.started = self.started, None
        if started is not None:
            started.stop()


def behind(row: dict[str, Any]) -> str:
    """Return what tells whether anything was said in a conversation since."""
    return f"{row.get('message_count')} {row.get('last_message_at')}"


def kernel_id(shell: Any) -> str | None:
    """Return the id by which the server knows this kernel; `None` outside of one."""
    if getattr(shell, "kernel", None) is None:
        return None
    from ipykernel.kernelapp import IPKernelApp

    if not IPKernelApp.initialized():
        return None
    found = CONNECTION_FILE.search(str(IPKernelApp.instance().connection_file))
    return found[1] if found else None


def cell_id(shell: Any) -> str | None:
    """Return the id of the cell that runs, where the front end tells it."""
    kernel: Any = getattr(shell, "kernel", None)
    parent = kernel.get_parent() if hasattr(kernel, "get_parent") else {}
    found = (parent.get("metadata") or {}).get("cellId")
    return found if isinstance(found, str) and found else None
