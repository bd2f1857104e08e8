"""What OpenAI's API takes and gives at `v1/…`: requests checked here, answers for the published contract.

Pydantic is imported with this module, so nothing that runs at start may import it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tether_jupyter.core.request import Identifier, Name, explain
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.server.v1_door import FieldRefused

MAX_TEXTS = 2048
CODES = {
    "extra_forbidden": "unknown_parameter",
    "missing": "missing_required_parameter",
    "unsupported_parameter": "unsupported_parameter",
}
"""OpenAI's codes, by pydantic's."""


def one_text(value: Any) -> Any:
    """Return the text of a prompt: itself, or the only one of a list."""
    if isinstance(value, list):
        refuse_tokens(value)
        if len(value) != 1:
            raise PydanticCustomError("one_prompt", "One text is completed at a time: send one prompt")
        return value[0]
    return value


def texts(value: Any) -> Any:
    """Return a list of texts, of which there may be one alone."""
    if isinstance(value, list):
        refuse_tokens(value)
        return value
    return [value] if isinstance(value, str) else value


def refuse_tokens(values: list[Any]) -> None:
    """Raise where a list holds tokens: another vocabulary's numbers would be another text."""
    if any(isinstance(value, int | list) for value in values):
        raise PydanticCustomError("unsupported_parameter", "Arrays of tokens are not taken: send the text")


def only(*known: Any) -> AfterValidator:
    """Return a check that lets through `null` and the values that change nothing."""

    def check(value: Any) -> Any:
        if value is not None and value not in known:
            raise PydanticCustomError("unsupported_parameter", "This is not offered here: leave it out")
        return value

    return AfterValidator(check)


Penalty = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Bias = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]
TokenNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}$")]
Stop = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Text = Annotated[str, StringConstraints(min_length=1)]
MODEL = "An id of `GET v1/models`; without one, the usual model."


class Form(BaseModel):
    """A request: nothing unknown, and nothing taken for what it is not."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class StreamOptions(Form):
    include_usage: bool | None = None


class CompletionRequest(Form):
    """`POST v1/completions`: go on from `prompt`, up to `suffix` where there is one."""

    model: Name | None = Field(None, description=MODEL)
    prompt: Annotated[str, BeforeValidator(one_text, json_schema_input_type=str | list[str])] = Field(
        description="A text, or a list of one."
    )
    suffix: str | None = Field(None, description="What stands after the gap that is filled.")
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(None, description="16 where unset.")
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    n: Annotated[int | None, only(1)] = Field(None, description="1.")
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    stop: Annotated[
        list[Stop] | None,
        Field(max_length=16),
        BeforeValidator(texts, json_schema_input_type=str | list[str] | None),
    ] = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: dict[TokenNumber, Bias] | None = Field(None, max_length=1024)
    user: str | None = Field(None, description="Taken and not used: the server knows who asks.")
    prompt_cache_key: Identifier | None = Field(
        None,
        description="Requests of one caller with the same key go on from one another in the model's memory, "
        "and push nothing else out of it.",
    )
    priority: Literal["interactive", "low"] | None = Field(
        None,
        description="Not OpenAI's. `low` for a text that nobody asked for, such as one proposed while "
        "somebody types: it begins at once where there is room, answers to questions go first where there is "
        "none, and it may end early for them, with `length`.",
    )
    wake: bool | None = Field(
        None,
        description="Not OpenAI's. With `false`, a model that would have to be loaded first is left alone: "
        "the request is refused with `model_not_ready`.",
    )
    echo: Annotated[bool | None, only(False)] = Field(None, description="Not offered.")
    best_of: Annotated[int | None, only(1)] = Field(None, description="Not offered.")
    logprobs: Annotated[int | None, only()] = Field(None, description="Not offered.")

    @model_validator(mode="after")
    def makes_sense(self) -> CompletionRequest:
        if not self.prompt and not self.suffix:
            raise ValueError("There is nothing to go on from: send a `prompt` that is not empty")
        if self.stream_options is not None and not self.stream:
            raise ValueError("`stream_options` goes with `stream: true`: send both, or neither")
        return self


class EmbeddingRequest(Form):
    """`POST v1/embeddings`: a vector for each text."""

    model: Name | None = Field(None, description=MODEL)
    input: Annotated[
        list[Text],
        Field(min_length=1, max_length=MAX_TEXTS),
        BeforeValidator(texts, json_schema_input_type=str | list[str]),
    ]
    encoding_format: Literal["float", "base64"] | None = Field(None, description="`float` where unset.")
    dimensions: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Refused unless it is what the model makes."
    )
    user: str | None = Field(None, description="Taken and not used: the server knows who asks.")


AnyForm = TypeVar("AnyForm", bound=Form)


def read(form: type[AnyForm], fields: dict[str, Any]) -> AnyForm:
    """Return the request that a JSON object makes.

    Raises
    ------
    FieldRefused, InvalidRequest
        A field is unknown or holds what it cannot; the message names the field and never its value.
    """
    try:
        return form.model_validate(fields)
    except ValidationError as reason:
        first = reason.errors(include_url=False, include_input=False, include_context=False)[0]
        param = str(first["loc"][0])[:100] if first["loc"] else None
        raise FieldRefused(
            explain(reason), param=param, code=CODES.get(first["type"], "invalid_value")
        ) from None
    except RecursionError:
        raise InvalidRequest("The request is nested too deeply.") from None


class CachedTokens(BaseModel):
    cached_tokens: int


class CompletionUsage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: CachedTokens | None = None


class CompletionChoice(BaseModel):
    index: Literal[0]
    text: str
    logprobs: None
    finish_reason: Literal["stop", "length"]


class Completion(BaseModel):
    id: str
    object: Literal["text_completion"]
    created: int = Field(description="Seconds since 1970.")
    model: str
    choices: list[CompletionChoice]
    usage: CompletionUsage | None = Field(description="Null where the backend does not count.")


class Embedding(BaseModel):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str = Field(description="Figures, or base64 of little-endian 32-bit ones.")


class EmbeddingUsage(BaseModel):
    prompt_tokens: int | None = Field(description="Null: backends do not count the tokens of texts.")
    total_tokens: int | None


class EmbeddingList(BaseModel):
    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class OpenAIModel(BaseModel):
    id: str = Field(description="What `model` takes.")
    object: Literal["model"]
    created: int = Field(description="0: not known.")
    owned_by: str = Field(description="The backend.")


class OpenAIModels(BaseModel):
    object: Literal["list"]
    data: list[OpenAIModel]


class OpenAIErrorBody(BaseModel):
    message: str = Field(description="What happened and what to do next.")
    type: Literal["invalid_request_error", "rate_limit_error", "server_error"]
    param: str | None = Field(description="The field that is refused.")
    code: str


class OpenAIError(BaseModel):
    error: OpenAIErrorBody
