"""Rows of the tables as what the rest of Tether knows: conversations and messages."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from tether_jupyter.core.history import Conversation, StoredMessage
from tether_jupyter.core.prompt import text_of

CONVERSATION = tuple(Conversation.__slots__)
MESSAGE = tuple(StoredMessage.__slots__)


def conversation(row: Row[*tuple[Any, ...]]) -> Conversation:
    """Return the conversation that a row holds."""
    found = row._mapping
    return Conversation(**{name: found[name] for name in CONVERSATION})


def message(row: Row[*tuple[Any, ...]]) -> StoredMessage:
    """Return the message that a row begins with, in the order of `MESSAGE`."""
    return StoredMessage(*row[: len(MESSAGE)])


def columns(said: StoredMessage, owner: str, conversation_id: str, server: str) -> dict[str, Any]:
    """Return what a message's row holds, but for its number and for what only people set."""
    usage = said.usage or {}
    return {
        "owner": owner,
        "id": said.id,
        "conversation_id": conversation_id,
        "parent_id": said.parent_id,
        "role": said.role,
        "content": clean(said.content),
        "text": clean(text_of(said.content)),
        "created_at": said.created_at,
        "status": said.status,
        "server": server if said.status == "running" else None,
        "model": said.model,
        "finish_reason": said.finish_reason,
        "error": clean(said.error),
        "usage": said.usage,
        "token_count": usage.get("completion_tokens"),
        "cost_usd": usage.get("cost_usd"),
        "completion_ms": said.completion_ms,
        "tool_calls": clean(said.tool_calls),
        "attachments": said.attachments,
    }


def clean(value: Any) -> Any:
    """Return a value that every database can hold: PostgreSQL knows no NUL in a text."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd") if "\x00" in value else value
    if isinstance(value, list):
        return [clean(each) for each in value]
    if isinstance(value, dict):
        return {clean(name): clean(each) for name, each in value.items()}
    return value
