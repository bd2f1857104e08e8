"""What callers get from the doors of search and import, for the published contract."""

from __future__ import annotations

from pydantic import BaseModel, Field

from tether_jupyter.core.answers import ConversationState


class FoundConversation(BaseModel):
    id: str
    title: str
    project_id: str | None
    notebook: str | None
    last_message_at: str


class FoundMessage(BaseModel):
    id: str
    role: str
    model: str | None
    created_at: str


class SnippetPiece(BaseModel):
    text: str = Field(description="Bare text: make a text node of it, never mark-up.")
    hit: bool = Field(description="Whether this is what was searched for.")


class SearchResult(BaseModel):
    conversation: FoundConversation
    message: FoundMessage | None = Field(description="`null` where the title has the words.")
    snippet: list[SnippetPiece]


class SearchResults(BaseModel):
    results: list[SearchResult]
    next: int | None = Field(description="The `offset` of the next page; `null` at the end.")


class ImportedConversation(BaseModel):
    conversation: ConversationState
    missing_attachments: int = Field(description="How many attachments the file names that are not here.")
