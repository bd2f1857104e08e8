"""What callers send to change conversations, messages and projects, checked where it is sent."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tether_jupyter.core.request import Identifier, Path, See, explain
from tether_jupyter.errors import InvalidRequest

MAX_DATA = 64 * 1024


def small(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse metadata that is no note any more."""
    if len(json.dumps(value)) > MAX_DATA:
        raise ValueError(f"at most {MAX_DATA // 1024} KB of metadata")
    return value


def seeing(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse what no question could follow: how much of the notebook a conversation sees is kept there."""
    if value.get("see") is not None:
        try:
            See.model_validate(value["see"])
        except ValidationError as reason:
            raise ValueError(f"`see` in it cannot be followed: {explain(reason).rstrip('.')}") from None
    return value


Data = Annotated[dict[str, Any], AfterValidator(small)]
Facts = Annotated[Data, AfterValidator(seeing)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Description = Annotated[str, StringConstraints(max_length=20_000)]
Form = TypeVar("Form", bound=BaseModel)


class Strict(BaseModel):
    """Names every field that it does not know."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, populate_by_name=True)

    def changes(self) -> dict[str, Any]:
        """Return what was set, by the names that the store has for it."""
        found = self.model_dump(exclude_unset=True)
        if "metadata" in found:
            found["data"] = found.pop("metadata")
        return found


class NewConversation(Strict):
    notebook: Path | None = None
    kernel_id: Identifier | None = None
    project_id: Identifier | None = None
    title: Title | None = None
    metadata: Facts = Field(default_factory=dict)


class ConversationChange(Strict):
    title: Title = Field("", description="Empty: made from the first question again.")
    pinned: bool = False
    project_id: Identifier | None = None
    deleted: bool = Field(False, description="`false` restores a deleted one.")
    metadata: Facts = Field(default_factory=dict)


class MessageChange(Strict):
    reaction: Literal["thumbs_up", "thumbs_down"] | None = None
    deleted: bool = Field(
        False, description="`true` takes it away with all that follow it, `false` brings them back."
    )
    metadata: Data = Field(default_factory=dict)


class NewProject(Strict):
    name: Name
    description: Description = ""
    metadata: Data = Field(default_factory=dict)


class ProjectChange(Strict):
    name: Name = ""
    description: Description = ""
    files: list[Identifier] = Field(default_factory=list, max_length=100, description="Ids of uploads.")
    deleted: bool = False
    metadata: Data = Field(default_factory=dict)


class ProjectState(BaseModel):
    id: str
    name: str
    description: str
    files: list[str]
    created_at: str
    updated_at: str
    deleted_at: str | None
    metadata: dict[str, Any]


class ProjectList(BaseModel):
    projects: list[ProjectState]


def read(form: type[Form], fields: dict[str, Any]) -> Form:
    """Return the form that a JSON object fills; raise `InvalidRequest` where it does not."""
    try:
        return form.model_validate(fields)
    except ValidationError as reason:
        raise InvalidRequest(explain(reason)) from None
    except RecursionError:
        raise InvalidRequest("The request is nested too deeply.") from None
