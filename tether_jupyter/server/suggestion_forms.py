"""What callers send to and get from the doors of suggestions."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tether_jupyter.core.request import Identifier


def on_one_line(text: str) -> str:
    """Refuse what cannot be shown in one line."""
    if not text.isprintable() and not text.replace("\u200c", "").replace("\u200d", "").isprintable():
        raise ValueError("a title has one line of printable characters")
    return text


def no_nul(text: str) -> str:
    """Refuse the character that PostgreSQL keeps in no text."""
    if "\x00" in text:
        raise ValueError("a prompt holds no NUL character")
    return text


Title = Annotated[
    str,
    StringConstraints(min_length=1, max_length=80, strip_whitespace=True),
    AfterValidator(on_one_line),
]
Prompt = Annotated[
    str, StringConstraints(min_length=1, max_length=4000, strip_whitespace=True), AfterValidator(no_nul)
]
Position = Annotated[int, Field(ge=0, le=1_000_000)]


class NewSuggestion(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    title: Title
    prompt: Prompt
    position: Position | None = Field(None, description="Lower ones come first; behind yours if left out.")


class ChangedSuggestion(BaseModel):
    """New words for one of yours, or `hidden` alone for one that comes with Tether."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: Identifier | None = Field(None, description="Which one, where the address does not say.")
    title: Title | None = None
    prompt: Prompt | None = None
    position: Position | None = Field(None, description="It stays where it is if left out.")
    hidden: bool | None = None

    @model_validator(mode="after")
    def says_one_thing(self) -> ChangedSuggestion:
        words = (self.title, self.prompt, self.position)
        if self.hidden is not None and any(word is not None for word in words):
            raise ValueError("Send `hidden` by itself")
        if self.hidden is None and (self.title is None or self.prompt is None):
            raise ValueError("Send `title` and `prompt`, or `hidden`")
        return self


class WhichSuggestion(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: Identifier


class SuggestionState(BaseModel):
    id: str
    title: str
    prompt: str
    position: int
    builtin: bool = Field(description="Whether it comes with Tether.")
    hidden: bool


class SuggestionList(BaseModel):
    suggestions: list[SuggestionState]


class DeletedSuggestion(BaseModel):
    id: str
    deleted: bool = Field(description="False for one that comes with Tether: it is hidden.")
