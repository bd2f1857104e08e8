"""The conversation behind the widget: asks, follows, stops and looks things up, each aside in a thread.

It knows no widgets: what happens is told to a front end in messages, small JSON objects by `kind`:

- `all`: every row, and what is under way; `add`: rows that follow; `phase`, `more`: see `turn.Turn`
- `end`: an answer's row as it came out, without its text; `facts`: the model, where it runs, notices
- `models`: what can be chosen; `refused`: words that were not taken, and why
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from tether_jupyter.client.sync import Client
from tether_jupyter.errors import Internal, NotFound, TetherError
from tether_jupyter.widget import mentions, rows
from tether_jupyter.widget.current import Current
from tether_jupyter.widget.join import Join
from tether_jupyter.widget.models import Models
from tether_jupyter.widget.rows import Row
from tether_jupyter.widget.turn import Message, Turn, ended

CLIENT = "widget"
"""The front end that the widget is: its settings and presets are its own."""
ROOT = "root"
CLOSE_SECONDS = 1.0
BUSY = "An answer is being written. Stop it, or wait for its end."
GONE = "The question that was to be asked otherwise is not here any more. Ask this as a new one."


class Talk:
    """One widget's conversation.

    Parameters
    ----------
    client:
        Asks the server.
    tell:
        Takes a message for the front end, from any thread.
    keep:
        Called when there is something new to save with the notebook, from any thread.
    kernel_id:
        The kernel whose notebook is talked about, as the server knows it.
    conversation_id:
        Go on with this conversation instead of the notebook's.
    variables:
        Returns the variables that `@name` means.
    limit:
        How many of the newest messages are shown of a conversation that is there already.
    """

    def __init__(
        self,
        client: Client,
        tell: Callable[[Message], None],
        keep: Callable[[], None],
        *,
        kernel_id: str | None = None,
        conversation_id: str | None = None,
        variables: Callable[[], Mapping[str, Any]] = mentions.own_variables,
        limit: int = rows.MAX_ROWS,
    ) -> None:
        self.rows: list[Row] = []
        self.chosen: dict[str, str] = {}
        """The model and the preset that were chosen here; else what the server's settings say."""
        self.facts: dict[str, Any] = {}
        self._client = client
        self._current = Current(client, kernel_id, conversation_id)
        self._models = Models(client)
        self._tell = tell
        self._keep = keep
        self._variables = variables
        self._limit = limit
        self._turn: Turn | None = None
        self._left: set[Turn] = set()
        """Turns that a new conversation has left behind."""
        self._lock = threading.RLock()
        self._numbers = count(1)
        self._threads: list[threading.Thread] = []
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether an answer is being written."""
        return self._turn is not None

    # -- what the front end asks for

    def show(self) -> None:
        """Tell everything, for a view that has just been made."""
        with self._lock:
            turn = self._turn
            live = {"id": turn.row["id"], **turn.phase} if turn is not None else None
            # What is being written is told whole: the rest of it is told by its place.
            shown = [
                dict(turn.row) if turn is not None and row["id"] == turn.row["id"] else row
                for row in rows.bounded(self.rows)
            ]
            self._tell({"kind": "all", "rows": shown, "live": live, "facts": self.facts})

    def look(self) -> None:
        """Look at the server: its model, and what was said in this conversation elsewhere."""
        self._aside(self._look)

    def ask(self, text: str, *, instead_of: str | None = None) -> None:
        """Ask a question; `instead_of` is the id of an earlier one, from where the talk goes another way."""
        with self._lock:
            if self._turn is not None:
                self._tell({"kind": "refused", "text": text, "why": BUSY})
                return
            at = len(self.rows) if instead_of is None else self._index(instead_of)
            if at is None:
                self._tell({"kind": "refused", "text": text, "why": GONE})
                return
            try:
                items = mentions.items(self._variables(), text)
            except TetherError as reason:
                self._tell({"kind": "refused", "text": text, "why": f"{reason.message} {reason.hint}"})
                return
            parent_id = self._parent_at(at)
            body: dict[str, Any] = {
                "message": text,
                "client_id": CLIENT,
                # What the words name goes along from here: there is nothing to search them for.
                "see": {"words": False},
                **self.chosen,
                **self._current.address(None if instead_of is None else parent_id or ROOT),
            }
            if items:
                body["context"] = items
            self.rows = self.rows[:at]
            question = rows.question(self._new_id(), text, parent_id)
            answer = rows.answer(self._new_id())
            self._add(question, answer, anew=instead_of is not None)
            stream = self._client.stream(**body)
            self._turn = Turn(self._client, stream, answer, self._tell, self._lock)
            self._aside(self._answer, self._turn, question)

    def again(self, id: str) -> None:
        """Ask the question of an answer once more, in place of both."""
        with self._lock:
            at = self._index(id)
            if at is not None and at > 0 and self.rows[at - 1]["role"] == "user":
                self.ask(self.rows[at - 1]["text"], instead_of=self.rows[at - 1]["id"])

    def stop(self) -> None:
        """End the answer that is being written; its text stays."""
        turn = self._turn
        if turn is not None:
            turn.stop()

    def fresh(self) -> None:
        """Begin a new conversation, which is the notebook's from now on."""
        self._aside(self._fresh)

    def list_models(self) -> None:
        """Tell what can be chosen."""
        self._aside(self._list_models)

    def use(self, *, model: str | None = None, preset: str | None = None) -> None:
        """Choose the model, or the preset, of the questions to come; `None` for what the settings say."""
        chosen = {"model": model, "preset": preset}
        with self._lock:
            self.chosen = {name: value for name, value in chosen.items() if value}
            self._settle_facts()
            self._keep()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is under way, and return whether that came in time."""
        until = time.monotonic() + seconds
        # What is under way may begin something more.
        while busy := [thread for thread in self._threads if thread.is_alive()]:
            if time.monotonic() > until:
                return False
            busy[0].join(max(0.0, until - time.monotonic()))
        return True

    def close(self) -> None:
        """Stop what is under way, and close the connections."""
        with self._lock:
            self._closed = True
            turn = self._turn
            left = list(self._left)
        for each in left:
            each.abort()
        if turn is not None:
            turn.stop()
            if not self.wait(CLOSE_SECONDS):
                turn.abort()
                self.wait(CLOSE_SECONDS)
        self._client.close()

    # -- asking

    def _answer(self, turn: Turn, question: Row | None) -> None:
        row = turn.row
        try:
            turn.run()
        except NotFound as reason:
            if question is None:
                # It has ended meanwhile, and what it said has been kept.
                with self._lock:
                    if self._turn is not turn:
                        return
                    self._turn = None
                self._look(join=False)
                return
            with self._lock:
                if self._turn is turn and "conversation" in reason.message:
                    self._current.forget()
            row |= {"state": rows.FAILED, "problem": reason.payload()}
        except TetherError as reason:
            row |= {"state": rows.FAILED, "problem": reason.payload()}
        except BaseException:
            row |= {"state": rows.FAILED, "problem": Internal().payload()}
            raise
        else:
            row["state"] = ended(turn)
        finally:
            self._left.discard(turn)
            if row["state"] != rows.WRITING:
                self._end(turn, question)

    def _end(self, turn: Turn, question: Row | None) -> None:
        if self._turn is not turn:
            # A new conversation has begun meanwhile.
            return
        label = str(turn.meta.get("model") or "")
        if label and not self._models.is_usual(label):
            with contextlib.suppress(TetherError):  # The answer is there: its line says what is known.
                self._models.look()
        row = turn.row
        row["line"] = self._models.line(label, turn.usage, turn.finish_reason)
        if question is not None and turn.meta:
            question["stored"], row["stored"] = turn.meta.get("parent_id"), turn.meta.get("id")
            self._belongs_to(turn, question)
        with self._lock:
            if self._turn is not turn:
                return
            self._turn = None
            told = {name: value for name, value in row.items() if name != "text"}
            self._tell({"kind": "end", "row": told, "size": turn.size})
            self._settle_facts(label)
            self._keep()

    def _belongs_to(self, turn: Turn, question: Row) -> None:
        """Take in which conversation a question and its answer belong to, and what it follows there."""
        conversation = turn.conversation
        if conversation is None:
            return
        if self._current.id != conversation:
            # What was said there before has not been looked at.
            question["parent_id"] = ROOT
            with contextlib.suppress(TetherError):  # Where it cannot be, the question counts as the first.
                stored = self._client.messages(conversation)
                parents = {message["id"]: message.get("parent_id") for message in stored}
                question["parent_id"] = parents.get(question["stored"]) or ROOT
        with self._lock:
            if self._turn is not turn:
                return
            if self._current.id not in (None, conversation):
                # The notebook has gone on with another one elsewhere: what stood here is not of it.
                self.rows = self.rows[-2:]
                self.show()
            self._current.id = conversation
        self._current.learn_from(conversation)

    def _parent_at(self, at: int) -> str | None:
        """Return the message that a question in a row's place follows; `None` where it is the first."""
        if at < len(self.rows) and self.rows[at].get("parent_id"):
            return str(self.rows[at]["parent_id"])
        # What was refused before it was kept is no message that anything could follow.
        return next((row["stored"] for row in reversed(self.rows[:at]) if row.get("stored")), None)

    def _add(self, *new: Row, anew: bool) -> None:
        self.rows = [*self.rows, *new]
        if anew:
            self.show()
        else:
            self._tell({"kind": "add", "rows": [dict(row) for row in new]})

    def _index(self, id: str | None) -> int | None:
        return next((at for at, row in enumerate(self.rows) if row["id"] == id), None)

    def _new_id(self) -> str:
        return f"w{next(self._numbers)}"

    # -- looking

    def _look(self, *, join: bool = True) -> None:
        problem = None
        try:
            self._models.look()
            self._look_at_history(join)
        except TetherError as reason:
            problem = {"message": reason.message, "hint": reason.hint}
        with self._lock:
            self._settle_facts(problem=problem)
            self._keep()

    def _look_at_history(self, join: bool) -> None:
        before = self._current.id
        conversation = self._current.find()
        stored = self._client.messages(conversation) if conversation else []
        branch = rows.newest_branch(stored)[-self._limit :]
        with self._lock:
            # A conversation that has been left while it was read does not come back.
            if self._turn is not None or self._closed or self._current.id != before:
                return
            self._current.id = conversation or self._current.id
            if not stored and self.rows:
                # What failed before it was kept is worth more than nothing.
                return
            known = {row.get("stored"): row["id"] for row in self.rows}
            read = [self._row_of(message, known) for message in branch]
            self.rows = [*read, *rows.unkept(self.rows, known, read)]
            last = read[-1] if read else None
            if last is not None and last["state"] == rows.WRITING and not join:
                last["state"] = rows.INTERRUPTED
            elif last is not None and last["state"] == rows.WRITING:
                last["text"] = ""
                stream = Join(self._client, str(last["stored"]))
                self._turn = Turn(self._client, stream, last, self._tell, self._lock)
                self._turn.meta = {"model": branch[-1].get("model"), "conversation_id": conversation}
                self._aside(self._answer, self._turn, None)
            self.show()

    def _row_of(self, message: Mapping[str, Any], known: Mapping[Any, str]) -> Row:
        label = str(message.get("model") or "")
        line = self._models.line(label, message.get("usage"), message.get("finish_reason"))
        row = rows.of_stored(message, "" if rows.state_of(message) == rows.WRITING else line)
        row["stored"] = row["id"]
        row["id"] = known.get(row["stored"], row["id"])
        return row

    def _fresh(self) -> None:
        try:
            conversation = self._current.make()
        except TetherError as reason:
            self._tell({"kind": "refused", "text": "", "why": reason.message})
            return
        with self._lock:
            self._current.begin(conversation)
            if self._turn is not None:
                # The server writes it to its end, in the conversation that it was asked in.
                self._turn.leave()
                self._left.add(self._turn)
                self._turn = None
            self.rows = []
            self.show()
            self._keep()

    def _list_models(self) -> None:
        try:
            choices, presets = self._models.choices(), self._client.presets(CLIENT)["presets"]
        except TetherError as reason:
            self._tell({"kind": "models", "models": [], "presets": [], "problem": reason.message})
            return
        self._tell({"kind": "models", **choices, "presets": [preset["name"] for preset in presets]})

    def _settle_facts(self, label: str | None = None, *, problem: Mapping[str, Any] | None = None) -> None:
        """Tell of the model that the next question goes to, and of what stands in its way."""
        self.facts = self._models.facts(self.chosen, label, problem=problem)
        self._tell({"kind": "facts", "facts": self.facts})

    def _aside(self, work: Callable[..., None], *given: Any) -> None:
        def run() -> None:
            try:
                work(*given)
            except RuntimeError:
                # A client that was closed meanwhile raises one.
                if not self._closed:
                    raise

        thread = threading.Thread(target=run, name="tether-chat", daemon=True)
        self._threads = [each for each in self._threads if each.is_alive()] + [thread]
        thread.start()
