"""What callers send to and get from the doors of the uploads, for the published contract."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class WorkspaceFile(BaseModel):
    path: str = Field(
        description="A file's path under the contents root.", pattern="[^/ ]", min_length=1, max_length=4096
    )


class UploadState(BaseModel):
    id: str
    name: str
    kind: Literal["text", "image"]
    media_type: str = Field(description="What it is by its content.")
    size: int = Field(description="Bytes.")
    sha256: str
    characters: int | None = Field(description="Of what a model reads; null for images and unreadable files.")
    facts: dict[str, int] = Field(description="Figures such as pages, cells, rows and columns.")
    problem: str | None = Field(description="Why nothing can be read of it, or what is missing.")
    created_at: str
    used_at: str | None = Field(description="When a question last used it; unused ones go after a day.")


class UploadList(BaseModel):
    uploads: list[UploadState]
    bytes: int = Field(description="Of all your uploads.")
    max_bytes: int


class Uploaded(BaseModel):
    uploads: list[UploadState]


class DeletedUpload(BaseModel):
    id: str
    deleted: Literal[True]
