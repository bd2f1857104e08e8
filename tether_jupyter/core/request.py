"""What a caller may ask: the request's shape, checked once, whichever door it came in by.

Pydantic is imported with this module, so nothing that runs at start may import it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from tether_jupyter.errors import InvalidRequest, TooLarge

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
MOST_PATH = 2048
"""Bytes of a path: PostgreSQL's indexes hold 2704 in a row, the owner's name among them."""


def without_nul(text: str) -> str:
    """Refuse what PostgreSQL has no place for in a text."""
    if "\x00" in text:
        raise ValueError("it holds a NUL character")
    return text


def short_path(text: str) -> str:
    """Refuse a path that no index takes."""
    if len(text.encode("utf-8", "replace")) > MOST_PATH:
        raise ValueError(f"a path has at most {MOST_PATH} bytes")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=256), AfterValidator(without_nul)]
Path = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MOST_PATH),
    AfterValidator(without_nul),
    AfterValidator(short_path),
]


class Part(BaseModel):
    """One OpenAI content part: text, or an image for a model that sees."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text", "image_url"]
    text: str | None = None
    image_url: dict[str, str] | None = None

    @model_validator(mode="after")
    def holds_what_it_says(self) -> Part:
        if (self.type == "text") != (self.text is not None):
            raise ValueError("a text part holds `text`, an image part `image_url`")
        if (self.type == "image_url") != (self.image_url is not None):
            raise ValueError("a text part holds `text`, an image part `image_url`")
        return self


class PastMessage(BaseModel):
    """An earlier entry of the chat."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: str | list[Part]


Level = Literal["off", "schema", "samples", "values"]
"""How much of the data may be seen: nothing; names, types and shapes; a few rows too; whole small values."""


class ContextItem(BaseModel):
    """A piece of context: data for the model to read, as text or as what a kernel tells of it."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["file", "cell", "variable", "error", "selection"]
    name: Annotated[str, StringConstraints(max_length=1024)] = ""
    text: str = ""
    data: dict[str, Any] | None = Field(
        None,
        description="A variable or an error as a kernel tells it, instead of `text`: what the level in force "
        "forbids is taken out of it before it is laid out.",
    )

    level: Level | None = Field(
        default=None,
        description="The level at which it was looked at, where it comes from an earlier question: "
        "it is left out where less may be seen now.",
    )

    optional: int = Field(
        default=0,
        ge=0,
        le=9,
        description="How soon it is left out where the model's window has no room for all, the larger the "
        "sooner; 0: it goes along.",
    )

    @model_validator(mode="after")
    def holds_something(self) -> ContextItem:
        if "text" not in self.model_fields_set and self.data is None:
            raise ValueError("it needs `text`, or `data`")
        if self.data is not None and self.kind not in ("variable", "error"):
            raise ValueError("`data` goes with the kinds `variable` and `error`")
        return self


class ShownError(BaseModel):
    """An error as a notebook's cell shows it."""

    model_config = ConfigDict(extra="forbid")

    ename: Annotated[str, StringConstraints(max_length=1024)]
    evalue: Annotated[str, StringConstraints(max_length=1024)] = Field(
        "", description="What it says, or how that begins."
    )
    execution_count: int | None = Field(None, description="The count of the cell that failed.")


class See(BaseModel):
    """What the server itself may look at for a question. What is left open follows the settings."""

    model_config = ConfigDict(extra="forbid")

    level: Level | None = Field(None, description="How much of the data the model may see.")
    names: list[Annotated[str, StringConstraints(min_length=1, max_length=256)]] | None = Field(
        None, max_length=64, description="Variables of the kernel to describe."
    )
    words: bool | None = Field(
        None,
        description="Whether the question's words are searched too: for variables that they name by `@`, "
        "besides those in `names`, and for whether they ask how far a running cell is. They are where this "
        "is left open. `false` is for words that hold data, which then can ask for nothing.",
    )
    cells: Literal["off", "around", "all"] | None = Field(
        None, description="Cells of the notebook: none, those near `cell_id`, or all that there is room for."
    )
    cell_id: Annotated[str, StringConstraints(max_length=256)] | None = Field(
        None, description="The cell where the question stands; the notebook's end without one."
    )
    cell_index: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="The index of that cell, from 0, for a notebook as it was last saved that does not know "
        "`cell_id`: formats before 4.5 keep no ids, and a new cell is not in the file yet.",
    )
    error: bool | None = Field(None, description="The kernel's last error, with its frames.")
    shown_error: ShownError | None = Field(
        None,
        description="The error that the question is about: a kernel's last error goes along only if it is "
        "this one.",
    )
    running: bool | None = Field(
        None,
        description="What the kernel is doing right now. With `false` it does not go along either where the "
        "words ask how far a running cell is.",
    )


class ChatRequest(BaseModel):
    """One turn, as a caller asks for it. Only `message` is needed."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    message: str | list[Part] | None = Field(
        None,
        validation_alias=AliasChoices("message", "prompt"),
        description="The user's new words.",
    )
    messages: list[PastMessage] | None = Field(
        None,
        validation_alias=AliasChoices("messages", "chatHistory"),
        max_length=1000,
        description="Earlier turns; without `message`, the last one is the new question.",
    )
    conversation_id: Identifier | None = Field(
        None,
        validation_alias=AliasChoices("conversation_id", "conversationId"),
        description="The conversation to go on with; a new one where there is none.",
    )
    parent_id: Identifier | None = Field(
        None,
        description="The message that this one answers: another than the newest makes a branch, `root` a "
        "first question anew.",
    )
    regenerate: Identifier | None = Field(
        None,
        description="An answer, or a question, of the conversation: answer it again, in a branch. `message` "
        "is left out.",
    )
    notebook: Path | None = Field(
        None, description="A notebook's path under the contents root: go on with its conversation."
    )
    kernel_id: Identifier | None = Field(
        None, description="The kernel that asks: go on with the conversation of its notebook."
    )
    client_id: Identifier = Field("api", description="Which front end asks.")
    preset: Name | None = None
    model: Name | None = Field(None, description="`backend:model`, or a model of the backend in use.")
    system: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    stop: list[Annotated[str, StringConstraints(min_length=1, max_length=256)]] | None = Field(
        None, max_length=16
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] | None = None
    top_k: Annotated[int, Field(ge=1, le=100_000)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)] | None = None
    repeat_penalty: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] | None = None
    logit_bias: dict[str, Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]] | None = Field(
        None, max_length=1024, description="What is added to the logits of tokens, by the token's number."
    )
    response_format: dict[str, Any] | None = None
    context: list[ContextItem] = Field(default_factory=list, max_length=256)
    see: See | None = Field(
        None, description="What the server may look at: the kernel's variables, and the notebook."
    )
    attachments: list[Identifier] = Field(
        default_factory=list,
        max_length=64,
        description="Ids of uploads: texts are read as data, images go to a model that sees.",
    )
    tools: Literal["off", "ask", "auto"] = "off"
    tool_names: list[Name] | None = None
    store: bool = True
    background: bool = False
    priority: Literal["interactive", "batch"] = Field(
        "interactive", description="`batch` for a row of many, which nobody waits for: people go first."
    )
    correlation_id: Identifier | None = Field(
        None, validation_alias=AliasChoices("correlation_id", "correlationId")
    )
    project_files: list[str] = Field(
        default_factory=list,
        validation_alias=AliasChoices("projectFiles", "project_files"),
        exclude=True,
        description="Texts of files: each becomes a `file` context.",
    )

    @model_validator(mode="after")
    def asks_something(self) -> ChatRequest:
        if self.regenerate is not None:
            if self.message is not None or self.messages is not None or self.parent_id is not None:
                raise ValueError(
                    "`regenerate` goes with `conversation_id`, and without a question of its own"
                )
            if self.conversation_id is None or not self.store:
                raise ValueError("`regenerate` needs the `conversation_id`")
            return self
        if self.message is None:
            if not self.messages:
                raise ValueError("Send the question as `message`")
            if self.messages[-1].role != "user":
                raise ValueError("The last of `messages` must be the user's")
            self.message = self.messages[-1].content
            self.messages = self.messages[:-1]
        if not self.message or (isinstance(self.message, str) and not self.message.strip()):
            raise ValueError("The question is empty")
        self.context += [
            ContextItem(kind="file", name=f"file {n}", text=text, data=None)
            for n, text in enumerate(self.project_files, 1)
        ]
        self.project_files = []
        return self


# Parts of the contract that later work fills in. Asking for one is refused by name: a caller who sets
# `tools` and gets an answer without them would never know.
LATER = {
    "tool_names": "Tools",
}


def read_json(body: bytes) -> dict[str, Any]:
    """Return the object in a request body.

    Raises
    ------
    InvalidRequest
        The body is not one JSON object, names a key twice, or holds a number that JSON does not know or that
        is too large to be one.
        Nothing of the body is in the message.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise InvalidRequest("A field stands twice in the request. Send each one once.")
        return found

    def refuse(_: str) -> NoReturn:
        raise InvalidRequest("NaN and Infinity are not JSON. Send a number or null.")

    def finite(digits: str) -> float:
        # JSON may say 1e999, which becomes the Infinity that no JSON can say.
        if not math.isfinite(number := float(digits)):
            raise InvalidRequest("A number in the request is too large. Send a smaller one, or null.")
        return number

    try:
        # `json` would guess at UTF-16, and let bytes through that are no UTF-8.
        text = body.decode("utf-8")
        found = json.loads(text, object_pairs_hook=once, parse_float=finite, parse_constant=refuse)
        if "\\u" in text:
            # JSON can name half of a code point, which no encoder downstream could write.
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise InvalidRequest("The request is not valid JSON.") from None
    if not isinstance(found, dict):
        raise InvalidRequest('The request must be a JSON object, such as {"message": "Hello"}.')
    return found


def read_chat(fields: dict[str, Any], *, max_message_length: int) -> ChatRequest:
    """Return the request that a JSON object makes.

    Raises
    ------
    InvalidRequest, TooLarge
        A field is unknown or holds what it cannot; the message names the field and never its value.
    """
    try:
        request = ChatRequest.model_validate(fields)
    except ValidationError as reason:
        raise InvalidRequest(explain(reason)) from None
    except RecursionError:
        raise InvalidRequest("The request is nested too deeply.") from None
    not_here_yet(vars(request))
    length = message_length(request)
    if length > max_message_length:
        raise TooLarge(
            f"The question has {length} characters and {max_message_length} are allowed. "
            "Shorten it, or send the long part as `context`."
        )
    return request


def not_here_yet(fields: Mapping[str, Any]) -> None:
    """Refuse fields of a request, or of settings for requests, that nothing answers to yet.

    Raises
    ------
    InvalidRequest
        One of them is set; the message names it.
    """
    for name, what in LATER.items():
        if fields.get(name):
            raise InvalidRequest(f"{what} are not here yet: leave `{name}` out.")
    if fields.get("tools") not in (None, "off"):
        raise InvalidRequest("Tools are not here yet: leave `tools` out, or send `off`.")


def message_length(request: ChatRequest) -> int:
    """Return the number of characters in the new question, images not counted."""
    if isinstance(request.message, str):
        return len(request.message)
    return sum(len(part.text or "") for part in request.message or [])


def explain(reason: ValidationError) -> str:
    """Return what is wrong in words: which field and why, never what it held."""
    said: list[str] = []
    for problem in reason.errors(include_url=False, include_input=False, include_context=False):
        # Pydantic names the branches of its own types as well, which say nothing to a caller.
        parts = [str(part) for part in problem["loc"]]
        where = ".".join(part for part in parts if "[" not in part and part not in ("str", "int", "float"))
        if problem["type"] == "extra_forbidden":
            said.append(f"Unknown field `{where[:100]}`.")
        elif problem["type"] == "value_error":
            text = problem["msg"].removeprefix("Value error, ")
            said.append(f"{text}." if not where else f"`{where[:100]}`: {text}.")
        elif problem["type"] == "string_pattern_mismatch":
            said.append(f"`{where[:100]}` may hold letters, digits and `_ . : -`, at most 128 of them.")
        else:
            said.append(f"`{where[:100]}`: {problem['msg']}.")
    return " ".join(dict.fromkeys(said[:5]))
