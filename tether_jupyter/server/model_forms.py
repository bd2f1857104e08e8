"""What callers send to and get from the doors of the models, for the published contract."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class PullRequest(BaseModel):
    name: str = Field(description="A name of the list, or OWNER/REPO, OWNER/REPO:QUANT or OWNER/REPO:FILE.")


class LoadRequest(BaseModel):
    name: str | None = Field(
        None, description="`MODEL`, `BACKEND:MODEL` or `BACKEND`; nothing for the usual."
    )


class ModelState(BaseModel):
    name: str
    installed: bool
    loaded: bool
    active: bool = Field(description="Whether a question that names no model goes there.")
    backend: str
    place: str
    size: int | None = Field(description="Bytes of its files.")
    memory: int | None = Field(description="Bytes of memory that it takes, about.")
    quantization: str | None
    context_length: int | None
    architecture: str | None
    vision: bool | None = Field(description="Whether it takes pictures; null where nobody knows.")
    license: str | None
    repo: str | None
    purpose: str | None
    partial: int | None = Field(description="Bytes that a broken-off pull has left.")
    problem: str | None
    engine: dict[str, int | float | bool | None] | None = Field(
        description="How its engine does: load progress, slots, memory, speed, queue."
    )
    approximate: bool = Field(description="Whether size and memory are rounded figures of the list.")


class ModelList(BaseModel):
    models: list[ModelState]
    problem: str | None = Field(description="Why a backend does not tell its models.")


class FacetValue(BaseModel):
    value: str | int | bool
    count: int


class ModelFacets(BaseModel):
    facets: dict[str, list[FacetValue]]
    models: list[ModelState]


class PulledModel(BaseModel):
    done: Literal[True]
    name: str
    size: int
    already: bool = Field(description="Whether it was here before.")


class LoadedModel(BaseModel):
    backend: str
    name: str
    loaded: bool


class RemovedModel(BaseModel):
    name: str
    removed: Literal[True]
