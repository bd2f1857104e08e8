"""The JSON form of a conversation, read again: everything in it is checked, and gets an id of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tether_jupyter.core.export import FORMAT, VERSION
from tether_jupyter.core.given import as_kept, fits, given_with
from tether_jupyter.core.history import GIVEN, Conversation, StoredMessage, new_id, now, title_of
from tether_jupyter.core.prompt import text_of
from tether_jupyter.core.request import explain, without_nul
from tether_jupyter.errors import InvalidRequest, TooLarge

MAX_MESSAGES = 10_000
MAX_TITLE = 300
MAX_NOTE = 64 * 1024
DEEPEST = 50
LARGEST = 2**31 - 1


def shallow(value: Any) -> Any:
    """Refuse what is nested so deeply that nobody could read it again."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ValueError("it is nested too deeply")
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return value


def note(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse metadata that is no note any more."""
    shallow(value)
    if len(str(value)) > MAX_NOTE:
        raise ValueError(f"at most {MAX_NOTE // 1024} KB of metadata")
    return value


def message_note(value: dict[str, Any]) -> dict[str, Any]:
    """Return a message's metadata. What Tether keeps there itself is no note: it may be as long as that."""
    shallow(value)
    note({name: each for name, each in value.items() if name not in (GIVEN, "context")})
    kept = as_kept(given_with(value)) if fits(value.get(GIVEN)) else []
    own = {name: each for name, each in value.items() if name != GIVEN}
    return own | {GIVEN: kept} if kept else own


def parts(value: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Refuse content parts that are none."""
    shallow(value)
    for part in value:
        if not isinstance(part.get("type"), str) or not isinstance(part.get("text", ""), str):
            raise ValueError("each content part must have a `type`, and a text as its `text`")
    return value


def in_our_time(value: datetime) -> datetime:
    """Return a time in UTC; one without a zone is meant so."""
    if not 1970 <= value.year < 2200:
        raise ValueError("it must lie between 1970 and 2200")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Id = Annotated[str, StringConstraints(min_length=1, max_length=160), AfterValidator(without_nul)]
Text = Annotated[str, StringConstraints(max_length=400), AfterValidator(without_nul)]
Note = Annotated[dict[str, Any], AfterValidator(note)]
MessageNote = Annotated[dict[str, Any], AfterValidator(message_note)]
Parts = Annotated[list[dict[str, Any]], Field(max_length=1000), AfterValidator(parts)]
Calls = Annotated[list[dict[str, Any]], Field(max_length=1000), AfterValidator(shallow)]
Time = Annotated[datetime, AfterValidator(in_our_time)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


class Strict(BaseModel):
    """Names every field that it does not know."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ExportedUsage(Strict):
    prompt_tokens: Count | None = None
    cached_tokens: Count | None = None
    completion_tokens: Count | None = None
    cost_usd: Amount | None = None
    ttft_ms: Amount | None = None
    tokens_per_s: Amount | None = None


class ExportedError(Strict):
    type: Annotated[str, StringConstraints(max_length=64)]
    message: Annotated[str, StringConstraints(max_length=4000)]
    retryable: bool = False
    hint: Annotated[str, StringConstraints(max_length=4000)] | None = None
    retry_after: Amount | None = None


class ExportedMessage(Strict):
    id: Id
    parent_id: Id | None = None
    role: Literal["system", "user", "assistant", "tool"]
    content: str | Parts
    created_at: Time | None = None
    status: Literal["running", "complete", "interrupted"] = "complete"
    model: Text | None = None
    finish_reason: Literal["stop", "length", "tool", "cancelled", "error"] | None = None
    error: ExportedError | None = None
    usage: ExportedUsage | None = None
    completion_ms: Amount | None = None
    tool_calls: Calls | None = None
    attachments: Annotated[list[Id], Field(max_length=100)] | None = None
    reaction: Literal["thumbs_up", "thumbs_down"] | None = None
    metadata: MessageNote = Field(default_factory=dict)


class ExportedFacts(Strict):
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_TITLE)] = ""
    notebook: str | None = Field(None, description="Where it was held. It is not bound to it again.")
    created_at: Time | None = None
    last_message_at: Time | None = None
    metadata: Note = Field(default_factory=dict)


class ExportedConversation(Strict):
    """A conversation as `export?format=json` gives it."""

    format: Literal["tether-conversation"]
    version: Literal[1]
    exported_at: datetime | None = None
    conversation: ExportedFacts
    messages: list[ExportedMessage] = Field(max_length=MAX_MESSAGES)


def read_file(fields: dict[str, Any], owner: str) -> tuple[Conversation, list[StoredMessage]]:
    """Return the conversation in a file, with ids that nobody has, and each message after its parent.

    Raises
    ------
    InvalidRequest, TooLarge
        It is no such file; the message says where it goes wrong, and never what stands there.
    """
    recognise(fields)
    try:
        file = ExportedConversation.model_validate(fields)
    except ValidationError as reason:
        raise InvalidRequest(explain(reason)) from None
    except RecursionError:
        raise InvalidRequest("The file is nested too deeply.") from None
    ordered = in_order(file.messages)
    fresh = {message.id: new_id("m") for message in ordered}
    begun = file.conversation.created_at or now()
    messages = [
        StoredMessage(
            id=fresh[said.id],
            role=said.role,
            content=said.content,
            parent_id=fresh[said.parent_id] if said.parent_id is not None else None,
            created_at=said.created_at or begun,
            # Nobody writes it any more.
            status="interrupted" if said.status == "running" else said.status,
            model=said.model,
            finish_reason=said.finish_reason,
            error=said.error.model_dump(exclude_unset=True) if said.error else None,
            usage=said.usage.model_dump() if said.usage else None,
            completion_ms=said.completion_ms,
            tool_calls=said.tool_calls,
            attachments=said.attachments,
            reaction=said.reaction,
            data=said.metadata,
        )
        for said in ordered
    ]
    asked = next((text_of(each.content) for each in messages if each.role == "user"), "")
    conversation = Conversation(
        new_id("c"),
        owner,
        title=file.conversation.title or title_of(asked),
        titled=bool(file.conversation.title),
        message_count=len(messages),
        created_at=begun,
        last_message_at=max((each.created_at for each in messages), default=begun),
        # How much is seen of notebooks here is not for whoever made the file to say.
        data={name: each for name, each in file.conversation.metadata.items() if name != "see"},
    )
    return conversation, messages


def recognise(fields: dict[str, Any]) -> None:
    """Tell apart a file of another kind, one of a newer Tether, and one that is too long."""
    if fields.get("format") != FORMAT:
        what = "a notebook" if "nbformat" in fields else "another kind of file"
        raise InvalidRequest(
            f"This is {what}, not a conversation of Tether. Export one as JSON, and import that file."
        )
    version = fields.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        raise InvalidRequest(
            "This file was made by a newer version of Tether. Update this one, and try again."
        )
    if version is True or version != VERSION:
        raise InvalidRequest("`version` of the file must be 1.")
    messages = fields.get("messages")
    if isinstance(messages, list) and len(messages) > MAX_MESSAGES:
        raise TooLarge(
            f"The file has {len(messages):,} messages, and {MAX_MESSAGES:,} are taken at once. Split it."
        )


def in_order(messages: list[ExportedMessage]) -> list[ExportedMessage]:
    """Return messages with each one after its parent, and else in the order of the file."""
    place = {message.id: number for number, message in enumerate(messages)}
    if len(place) < len(messages):
        raise InvalidRequest("Two messages of the file have the same `id`. Give each one its own.")
    done: set[str] = set()
    out: list[ExportedMessage] = []
    for start in messages:
        waiting: list[ExportedMessage] = []
        at = start
        above = {at.id}
        while at.id not in done:
            waiting.append(at)
            if at.parent_id is None:
                break
            if at.parent_id not in place:
                raise InvalidRequest(f"`messages.{place[at.id]}.parent_id` names no message of the file.")
            at = messages[place[at.parent_id]]
            if at.id in above:
                raise InvalidRequest(
                    f"`messages.{place[at.id]}` comes after itself: its parents make a circle."
                )
            above.add(at.id)
        for each in reversed(waiting):
            done.add(each.id)
            out.append(each)
    return out
