"""`%tether history`, `undo` and `branch`: what was said, and from where it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from IPython.core.error import UsageError

from tether_jupyter.core.prompt import text_of
from tether_jupyter.errors import NotFound
from tether_jupyter.magics.asking import tell
from tether_jupyter.magics.commands import Asked, plain
from tether_jupyter.magics.models import columns

ROOT = "root"
LONGEST = 70
STATES = {"length": "cut", "cancelled": "stopped"}


@dataclass(slots=True)
class Exchange:
    """A question and its answers. Numbers run through the whole conversation, whichever branch."""

    number: int
    question: dict[str, Any]
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def end(self) -> str:
        """The message that what follows goes on from: the newest answer, else the question."""
        return str((self.answers[-1] if self.answers else self.question)["id"])


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation as a tree.

    Parameters
    ----------
    chain:
        The exchanges that the next question goes on from, the oldest first.
    """

    id: str
    messages: Sequence[dict[str, Any]]
    exchanges: Sequence[Exchange]
    chain: Sequence[Exchange]

    def numbered(self, number: int) -> Exchange:
        """Return an exchange by its number."""
        for exchange in self.exchanges:
            if exchange.number == number:
                return exchange
        raise NotFound(f"There is no exchange {number}: this conversation has {len(self.exchanges)}.")


def read(asked: Asked) -> tuple[Talk, str]:
    """Return the conversation that a line is about, and what else the line says."""
    given = plain(asked, conversation="text")
    session = asked.session
    conversation = session.conversation(given["conversation"])
    messages = session.client.messages(conversation)
    return talk(conversation, messages, session.tip(conversation)), given["rest"]


def talk(conversation: str, messages: Sequence[dict[str, Any]], tip: str | None) -> Talk:
    """Return a conversation's exchanges, and the branch that a message ends; the newest by default."""
    by_id = {message["id"]: message for message in messages}
    exchanges: dict[str, Exchange] = {}
    for message in messages:
        if message["role"] == "user":
            exchanges[message["id"]] = Exchange(len(exchanges) + 1, message)
        elif message["parent_id"] in exchanges:
            exchanges[message["parent_id"]].answers.append(message)
    chain: list[Exchange] = []
    at = by_id.get(tip) if tip is not None else (messages[-1] if messages else None)
    while at is not None:
        if at["id"] in exchanges:
            chain.append(exchanges[at["id"]])
        at = by_id.get(at["parent_id"] or "")
    return Talk(conversation, messages, list(exchanges.values()), chain[::-1])


def history(asked: Asked) -> None:
    """`%tether history [N]`: what was said on this branch, in short, or exchange N in full."""
    found, rest = read(asked)
    if rest:
        tell(in_full(found.numbered(number_in(rest))))
        return
    if not found.chain:
        tell("Nothing has been said yet that the next question would go on from.")
        return
    lines = [line for exchange in found.chain for line in in_short(exchange)]
    others = len(found.exchanges) - len(found.chain)
    if others:
        ending = "" if others == 1 else "s"
        lines += ["", f"{others} more exchange{ending} on other branches: `%tether branch` lists them."]
    tell("\n".join(lines))


def undo(asked: Asked) -> None:
    """`%tether undo`: the next question goes on from before the last exchange. Nothing is deleted."""
    found, rest = read(asked)
    if rest:
        raise UsageError("`undo` takes the last exchange out. For another place there is `%tether branch N`.")
    if not found.chain:
        tell("There is nothing to undo: the next question is a first one already.")
        return
    *before, last = found.chain
    asked.session.go_on_from(found.id, str(last.question["parent_id"] or ROOT))
    goes_on = f"goes on from {quoted(before[-1])}" if before else "is a first one"
    tell(
        f"Undone: {quoted(last)}. The next question {goes_on}. "
        f"Nothing is deleted: `%tether branch {last.number}` takes it back in."
    )


def branch(asked: Asked) -> None:
    """`%tether branch [N]`: list where the conversation ends, or go on behind exchange N."""
    found, rest = read(asked)
    if rest:
        exchange = found.numbered(number_in(rest))
        asked.session.go_on_from(found.id, exchange.end)
        tell(f"The next question goes on from {quoted(exchange)}.")
        return
    parents = {message["parent_id"] for message in found.messages}
    here = found.chain[-1].number if found.chain else 0
    rows = []
    for exchange in found.exchanges:
        if exchange.end in parents and exchange.number != here:
            continue
        length = len(talk(found.id, found.messages, exchange.end).chain)
        mark = "*" if exchange.number == here else ""
        rows.append(
            (mark, str(exchange.number), f"{length} deep", short(text_of(exchange.question["content"])))
        )
    if not rows:
        tell("Nothing has been said yet.")
        return
    note = "* goes on with the next question." if here else "The next question is a first one."
    tell(
        f"{columns([('', 'N', '', 'ends with'), *rows])}\n\n{note} `%tether branch N` goes on behind another."
    )


def in_short(exchange: Exchange) -> list[str]:
    """Return an exchange in two lines."""
    lines = [f"{exchange.number:>3}  {short(text_of(exchange.question['content']))}"]
    if not exchange.answers:
        return [*lines, "       (no answer)"]
    answer = exchange.answers[-1]
    notes = [str(answer.get("model") or "").partition(":")[2] or answer.get("model"), state(answer)]
    if len(exchange.answers) > 1:
        notes.append(f"the last of {len(exchange.answers)}")
    told = ", ".join(str(note) for note in notes if note)
    said = short(text_of(answer["content"])) or "(nothing)"
    return [*lines, f"     → {said}" + (f"  ({told})" if told else "")]


def in_full(exchange: Exchange) -> str:
    """Return all that was said in an exchange."""
    parts = [f"{exchange.number}  {text_of(exchange.question['content'])}"]
    for answer in exchange.answers:
        told = ", ".join(str(note) for note in (answer.get("model"), state(answer)) if note)
        parts.append(f"→ ({told})\n{text_of(answer['content'])}")
    return "\n\n".join(parts)


def state(answer: dict[str, Any]) -> str | None:
    """Return how an answer ended, if not as usual."""
    if answer.get("status") == "running":
        return "under way"
    if answer.get("error"):
        return "failed"
    if answer.get("status") == "interrupted":
        return "interrupted"
    return STATES.get(str(answer.get("finish_reason")))


def quoted(exchange: Exchange) -> str:
    """Return an exchange by its number and its question's beginning."""
    return f"{exchange.number}, “{short(text_of(exchange.question['content']), 50)}”"


def short(text: str, longest: int = LONGEST) -> str:
    """Return the beginning of a text, in one line."""
    words = " ".join(text.split())
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def number_in(text: str) -> int:
    """Return the number that a text is."""
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f"{text[:40]!r} is no exchange's number. `%tether history` shows the numbers.")
    return int(text)
