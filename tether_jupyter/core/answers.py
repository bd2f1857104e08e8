"""What callers get back, for the published contract. Doors do not build these: they would cost every turn."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from tether_jupyter.core.request import ContextItem
from tether_jupyter.errors import STATUS


class ErrorBody(BaseModel):
    type: str = Field(json_schema_extra={"enum": list(STATUS)})
    message: str = Field(description="What happened and what to do next.")
    retryable: bool
    hint: str | None


class Error(BaseModel):
    error: ErrorBody


class Usage(BaseModel):
    prompt_tokens: int | None
    cached_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    ttft_ms: float | None
    tokens_per_s: float | None


class Answer(BaseModel):
    id: str
    conversation_id: str
    model: str
    content: str
    finish_reason: Literal["stop", "length", "tool", "cancelled"]
    usage: Usage
    tools: list[dict[str, Any]]


class Destination(BaseModel):
    backend: str
    model: str
    place: str = Field(description="Where the question goes: `this machine`, or whose.")
    leaves: bool = Field(description="Whether it leaves this machine.")


class ContextPiece(BaseModel):
    kind: Literal["file", "cell", "variable", "error", "selection"]
    name: str
    tokens: int | None


class LeftOut(ContextPiece):
    why: str


class MaskedKind(BaseModel):
    kind: str
    count: int


class ContextPreview(BaseModel):
    to: Destination
    level: Literal["off", "schema", "samples", "values"]
    items: list[ContextPiece] = Field(description="What goes along.")
    left_out: list[LeftOut] = Field(description="What does not, and why.")
    masked: list[MaskedKind] = Field(description="Secrets that were taken out.")
    messages: list[dict[str, Any]] = Field(description="Exactly what the model would get.")
    tokens: int
    needed: int = Field(description="Those that stay where a conversation is too long for the model.")
    window: int | None
    room: int | None = Field(description="Tokens of the window that are not kept for the answer.")


class Stopped(BaseModel):
    conversation_id: str
    stopped: int = Field(description="How many running turns this ended.")


class GenerationState(BaseModel):
    id: str
    conversation_id: str
    model: str
    status: Literal["running", "stop", "length", "tool", "cancelled", "error"]
    usage: Usage
    error: ErrorBody | None


class MessageState(BaseModel):
    id: str
    parent_id: str | None
    role: Literal["system", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]]
    created_at: str
    status: Literal["running", "complete", "interrupted"]
    model: str | None
    finish_reason: str | None
    error: dict[str, Any] | None
    usage: Usage | None
    token_count: int | None
    cost_usd: float | None
    completion_ms: float | None
    tool_calls: list[dict[str, Any]]
    attachments: list[str]
    reaction: Literal["thumbs_up", "thumbs_down"] | None
    metadata: dict[str, Any]


class WholeMessage(MessageState):
    context: list[ContextItem] = Field(
        description="What went along with a question, as the model saw it; none where it was too long."
    )


class ConversationState(BaseModel):
    id: str
    title: str
    project_id: str | None
    notebook: str | None
    pinned: bool
    message_count: int
    created_at: str
    last_message_at: str
    deleted_at: str | None
    metadata: dict[str, Any]
    messages: list[MessageState] = Field([], description="What was said in it, where it is asked for.")


class ConversationList(BaseModel):
    conversations: list[ConversationState]
    messages: list[MessageState] = Field([], description="What was said in the first one, on request.")
    next: int | None = Field(description="The `offset` of the next page; `null` at the end.")
    writing: list[str] = Field(description="Ids of those in which an answer is being written.")


class VariableName(BaseModel):
    name: str
    type: str = Field(description="The name of its type; empty where there was no time to look.")


class VariableNames(BaseModel):
    variables: list[VariableName]
    problem: str | None = Field(description="Why there are none.")


class MessageList(BaseModel):
    messages: list[MessageState]


class Health(BaseModel):
    status: Literal["healthy", "degraded", "unhealthy"]
    model: str
    backend: str
    llm_service: dict[str, Any]
    database: dict[str, Any]
    gpu: dict[str, Any] | None
    version: str
    demo: bool
    place: str
    problem: str | None
