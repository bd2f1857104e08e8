"""A conversation as a file: Markdown to read, a notebook to run, JSON to keep and to bring back.

What a model or a person wrote is data in all three: nothing of it runs, loads or becomes mark-up when the
file is opened. Of a notebook nothing is marked as trusted, and no cell has an output.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import quote

from tether_jupyter.core import export_markdown as safe
from tether_jupyter.core.export_blocks import Code, blocks
from tether_jupyter.core.history import Conversation, StoredMessage, now
from tether_jupyter.core.prompt import text_of
from tether_jupyter.errors import NotFound

Format = Literal["md", "ipynb", "json"]

FORMAT, VERSION = "tether-conversation", 1
UNTITLED = "Conversation"
LONGEST_NAME = 80
MEDIA_TYPES: dict[Format, str] = {
    "md": "text/markdown; charset=utf-8",
    "ipynb": "application/x-ipynb+json",
    "json": "application/json",
}
KEPT: tuple[str, ...] = (
    "id",
    "parent_id",
    "role",
    "content",
    "status",
    "model",
    "finish_reason",
    "error",
    "usage",
)
KEPT += ("completion_ms", "tool_calls", "attachments", "reaction")
NO_FILE_NAME = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]'
)
DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)")


@dataclass(frozen=True, slots=True)
class Export:
    """A file to download. `disposition` is the header's value, after RFC 6266."""

    content: bytes
    media_type: str
    disposition: str


def export(
    conversation: Conversation, messages: Sequence[StoredMessage], form: Format, last: str | None = None
) -> Export:
    """Return a conversation as a file.

    Parameters
    ----------
    messages:
        All branches, the oldest first.
    last:
        The message that ends the branch for Markdown and notebooks; the newest one by default.

    Raises
    ------
    NotFound
        There is no such message in the conversation.
    """
    if form == "json":
        if last is not None:
            branch(messages, last)
        text = as_json(conversation, messages)
    elif form == "md":
        text = as_markdown(conversation, branch(messages, last))
    else:
        text = as_notebook(conversation, branch(messages, last))
    return Export(text.encode("utf-8", "replace"), MEDIA_TYPES[form], disposition(conversation.title, form))


def branch(messages: Sequence[StoredMessage], last: str | None = None) -> list[StoredMessage]:
    """Return the messages from the first one to `last`, the newest by default."""
    by_id = {message.id: message for message in messages}
    at: str | None = last if last is not None else messages[-1].id if messages else None
    if last is not None and last not in by_id:
        raise NotFound("There is no such message in this conversation.")
    found: list[StoredMessage] = []
    while at is not None and at in by_id:
        message = by_id.pop(at)  # Taken out, so that no circle of parents goes on for ever.
        found.append(message)
        at = message.parent_id
    return found[::-1]


def as_json(conversation: Conversation, messages: Sequence[StoredMessage]) -> str:
    """Return all that is kept of a conversation, but for who owns it and what was deleted."""
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "exported_at": now().isoformat(),
            "conversation": {
                "title": conversation.title,
                "notebook": conversation.notebook,
                "created_at": conversation.created_at.isoformat(),
                "last_message_at": conversation.last_message_at.isoformat(),
                "metadata": conversation.data,
            },
            "messages": [entry(message) for message in whole(messages)],
        },
        ensure_ascii=False,
        indent=1,
    )


def whole(messages: Sequence[StoredMessage]) -> list[StoredMessage]:
    """Return messages without a parent that is not among them: whatever came before such a one is gone."""
    known = {message.id for message in messages}
    return [
        m if m.parent_id in known or m.parent_id is None else replace(m, parent_id=None) for m in messages
    ]


def entry(message: StoredMessage) -> dict[str, Any]:
    """Return a message in the form of the JSON file."""
    found = {name: getattr(message, name) for name in KEPT}
    return {**found, "created_at": message.created_at.isoformat(), "metadata": message.data}


def as_markdown(conversation: Conversation, messages: Sequence[StoredMessage]) -> str:
    """Return a branch as one Markdown text: questions are quoted, answers stand as they are."""
    parts = [f"# {safe.line(conversation.title or UNTITLED)}"]
    for message in messages:
        text = text_of(message.content)
        if message.role == "user":
            parts.append(safe.quotation(text))
        elif message.role == "assistant":
            parts.append(safe.markdown(text))
            if note := remark(message):
                parts.append(f"*{note}*")
    return "\n\n".join(part for part in parts if part.strip()) + "\n"


def as_notebook(conversation: Conversation, messages: Sequence[StoredMessage]) -> str:
    """Return a branch as a notebook: prose in Markdown cells, Python of the answers in code cells."""
    cells = [cell("title", "markdown", f"# {safe.line(conversation.title or UNTITLED)}")]
    for message in messages:
        text = text_of(message.content)
        if message.role == "user":
            cells.append(cell(message.id, "markdown", safe.quotation(text)))
        elif message.role == "assistant":
            for number, block in enumerate(blocks(text)):
                key = f"{message.id}/{number}"
                if isinstance(block, Code):
                    cells.append(cell(key, "code", safe.code(block.text)))
                else:
                    cells.append(cell(key, "markdown", safe.markdown(block)))
            if note := remark(message):
                cells.append(cell(f"{message.id}/note", "markdown", f"*{note}*"))
    notebook = {
        "cells": [each for each in cells if "".join(each["source"]).strip()],
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def cell(key: str, kind: Literal["markdown", "code"], source: str) -> dict[str, Any]:
    """Return a cell. The same message makes the same ids, so that two exports can be compared."""
    id = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]
    lines = [f"{line}\n" for line in source.split("\n")]
    lines[-1] = lines[-1][:-1]
    found: dict[str, Any] = {"cell_type": kind, "id": id, "metadata": {}, "source": [s for s in lines if s]}
    return {**found, "execution_count": None, "outputs": []} if kind == "code" else found


def remark(message: StoredMessage) -> str:
    """Return what a reader must know of an answer that is not whole."""
    if message.status == "running":
        return "This answer was still being written."
    if message.status == "interrupted":
        return "This answer was interrupted."
    if message.error is not None:
        return f"The answer failed: {safe.line(str(message.error.get('message', '')))}"
    return {"length": "This answer was cut at its longest.", "cancelled": "This answer was stopped."}.get(
        message.finish_reason or "", ""
    )


def disposition(title: str, form: Format) -> str:
    """Return `Content-Disposition` for a file that is named after a title."""
    name = " ".join(NO_FILE_NAME.sub(" ", title).split()).strip(". ")
    while len(name.encode()) > LONGEST_NAME:
        name = name[:-1]
    name = name.strip(". ")
    if not name or DEVICES.fullmatch(name.split(".")[0].strip()):
        name = UNTITLED.lower()
    plain = "".join(c if c.isascii() and c not in "%;'" else "_" for c in name)
    value = f'attachment; filename="{plain}.{form}"'
    return value if plain == name else f"{value}; filename*=UTF-8''{quote(f'{name}.{form}', safe='')}"
