"""What was said, as the widget shows and saves it: one small JSON object a message.

A row has `id`, `role` (`user` or `assistant`), `text` and `state`; a question `parent_id`, the message that
it follows, or `root`; an answer `line`, what made it, and where it failed `problem`, an error's payload.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

Row = dict[str, Any]

WRITING = "writing"
DONE = "done"
STOPPED = "stopped"
FAILED = "failed"
INTERRUPTED = "interrupted"

MAX_ROWS = 40
MAX_TEXT = 48 * 1024
MAX_TOTAL = 192 * 1024
"""Characters of text that a notebook is given to save: of one message, and of all of them."""
CUT = "\n\n… (cut here, to keep the notebook small)"


def question(id: str, text: str, parent_id: str | None = None) -> Row:
    """Return the row of a question; `parent_id` is the message that it follows, where that is known."""
    return {"id": id, "role": "user", "text": text, "state": DONE, "parent_id": parent_id}


def answer(id: str, *, text: str = "", state: str = WRITING, line: str = "") -> Row:
    """Return the row of an answer."""
    return {"id": id, "role": "assistant", "text": text, "state": state, "line": line}


def newest_branch(stored: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the branch that ends with the newest message, from its beginning.

    Parameters
    ----------
    stored:
        A conversation's messages as the server tells them, the oldest first.
    """
    by_id = {message["id"]: message for message in stored}
    branch: list[Mapping[str, Any]] = []
    at = stored[-1] if stored else None
    while at is not None:
        branch.append(at)
        # Taken out, no message is met twice, whatever the history says.
        by_id.pop(at["id"], None)
        at = by_id.get(at.get("parent_id"))
    return branch[::-1]


def of_stored(message: Mapping[str, Any], line: str) -> Row:
    """Return the row of a message that the server kept; `line` is what stands under it if it is an answer."""
    text = text_of(message.get("content"))
    if message.get("role") != "assistant":
        return question(str(message["id"]), text, message.get("parent_id"))
    row = answer(str(message["id"]), text=text, state=state_of(message), line=line)
    if message.get("error"):
        row["problem"] = dict(message["error"])
    return row


def unkept(shown: Sequence[Row], known: Collection[Any], read: Sequence[Row]) -> list[Row]:
    """Return the questions at the end that failed before the server kept them, each with its answer.

    Parameters
    ----------
    shown:
        The rows that have stood there.
    known:
        The messages of the server that stood among them, by their ids there.
    read:
        The rows that the server has kept.
    """
    last = next((row for row in reversed(read) if row["role"] == "user"), None)
    # A connection may have broken before the server could say that it had kept the question.
    kept_after_all = None if last is None or last.get("stored") in known else last["text"]
    left: list[Row] = []
    for at in range(len(shown) - 2, -1, -2):
        asked, answered = shown[at : at + 2]
        if asked.get("stored") or answered.get("stored") or answered["state"] != FAILED:
            break
        if asked["text"] != kept_after_all:
            # It follows what is there by now, which may be more than when it was asked.
            left[:0] = [{**asked, "parent_id": None}, answered]
    return left


def state_of(message: Mapping[str, Any]) -> str:
    """Return how far a kept answer came."""
    if message.get("status") == "running":
        return WRITING
    if message.get("error"):
        return FAILED
    if message.get("status") == "interrupted":
        return INTERRUPTED
    return STOPPED if message.get("finish_reason") == "cancelled" else DONE


def text_of(content: Any) -> str:
    """Return the words of a message; what is no text in it is named."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(
        str(part.get("text") or "") if part.get("type") == "text" else "[image]" for part in parts
    )


def bounded(rows: Sequence[Row]) -> list[Row]:
    """Return the newest rows that a notebook can be asked to save, the longest of them cut."""
    kept: list[Row] = []
    total = 0
    for row in reversed(rows[-MAX_ROWS:]):
        text = row["text"]
        short = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - len(CUT)] + CUT
        total += len(short)
        if kept and total > MAX_TOTAL:
            break
        kept.append({**row, "text": short})
    return kept[::-1]
