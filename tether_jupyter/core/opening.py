"""From a request to a turn: which conversation it belongs to, what came before, and how to sample."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.attached import MOST_TEXT, Attached, attach
from tether_jupyter.core.history import Conversation, History, StoredMessage, new_id
from tether_jupyter.core.prompt import Message, Prompt, Question, Sampling, Section, compose
from tether_jupyter.core.turn import Model, Turn
from tether_jupyter.errors import Conflict, InvalidRequest, NotFound

if TYPE_CHECKING:
    from tether_jupyter.core.request import ChatRequest


ROOT = "root"
"""A `parent_id` that names the conversation's beginning: the question is another first one."""
LONGEST_BRANCH = 200
"""Messages of the past that are looked at: a window holds fewer."""


Files = Callable[[Sequence[str], Sequence[str], str | None], Awaitable[list[Attached]]]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a request that says nothing gets."""

    system: str = ""
    temperature: float = 0.7
    max_tokens: int | None = None
    max_answer_size: int = 4 * 2**20


async def open_turn(
    request: ChatRequest,
    *,
    owner: str,
    wake: Callable[[], Awaitable[Model]],
    model_name: str | None,
    model_label: str,
    history: History,
    defaults: Defaults,
    notebook: str | None,
    correlation_id: str,
    file_id: str | None = None,
    files: Files | None = None,
    sees: bool = False,
    file_room: int = MOST_TEXT,
) -> Turn:
    """Find the conversation that a request belongs to, and return its next turn.

    Parameters
    ----------
    files:
        Returns what was attached to this question, to earlier ones, and to the project, in this order.
    sees:
        Whether the model takes images.
    file_room:
        Characters of attached files that the model's window has room for.

    Raises
    ------
    NotFound
        The conversation or the parent message is not there for this owner.
    """
    conversation = await find_conversation(request, owner, history, notebook, file_id)
    chain: list[StoredMessage] = []
    if request.parent_id != ROOT and (conversation.message_count or request.parent_id or request.regenerate):
        last = request.regenerate or request.parent_id
        chain = await history.branch(owner, conversation.id, last, LONGEST_BRANCH)
    again = asked_again(chain) if request.regenerate else None
    if request.messages is not None:
        past = [Message(role=m.role, content=plain(m.content)) for m in request.messages]
    else:
        past = [Message(role=m.role, content=m.content) for m in answered(before(chain, again))]
    own_system = any(m["role"] == "system" for m in past)
    system = "" if own_system else defaults.system if request.system is None else request.system
    words = again.content if again else plain(request.message)
    asked = (again.attachments or []) if again else request.attachments
    content, sections = words, [Section(item.kind, item.name, item.text) for item in request.context]
    if files is not None:
        earlier = [id for m in reversed(chain) for id in m.attachments or () if id not in asked]
        attached = await files(asked, list(dict.fromkeys(earlier)), conversation.project_id)
        content, read = attach(words, attached, sees=sees, model=model_label, most=file_room)
        sections = [*read, *sections]
    question = Question(text=content, system=system or None, sections=sections, past=past)
    temperature = defaults.temperature if request.temperature is None else request.temperature
    return Turn(
        id=new_id("m"),
        owner=owner,
        conversation=conversation,
        prompt=Prompt(
            compose(question),
            model_name,
            conversation.id,
            caller=owner,
            batch=request.priority == "batch",
        ),
        sampling=Sampling(
            temperature=temperature,
            max_tokens=request.max_tokens or defaults.max_tokens,
            top_p=request.top_p,
            stop=tuple(request.stop or ()),
            seed=request.seed,
            response_format=request.response_format,
            top_k=request.top_k,
            min_p=request.min_p,
            presence_penalty=request.presence_penalty,
            frequency_penalty=request.frequency_penalty,
            repeat_penalty=request.repeat_penalty,
            logit_bias=request.logit_bias,
        ),
        wake=wake,
        model_label=model_label,
        correlation_id=correlation_id,
        history=history if request.store else None,
        question=again
        or StoredMessage(
            new_id("m"),
            "user",
            words,
            chain[-1].id if chain else None,
            attachments=list(request.attachments) or None,
        ),
        max_answer_size=defaults.max_answer_size,
    )


async def find_conversation(
    request: ChatRequest, owner: str, history: History, notebook: str | None, file_id: str | None = None
) -> Conversation:
    """Return the conversation a request names, else its notebook's, else a new one."""
    if request.conversation_id is not None:
        try:
            known = await history.get(owner, request.conversation_id)
        except NotFound:
            # Our own ids are handed out, never made up; any other id is a name of the caller's own.
            if not request.conversation_id.startswith("c_"):
                if not request.store:
                    return Conversation(request.conversation_id, owner)
                return await create(history, owner, conversation_id=request.conversation_id)
            if notebook is None:
                raise
            # A server that has started anew: the notebook goes on, in a conversation of its own.
        else:
            if known.deleted_at is not None:
                raise NotFound("That conversation was deleted. Restore it, or start a new one.")
            if notebook and known.notebook and known.notebook != notebook:
                # A notebook that asks under another path than before was renamed.
                await history.move(owner, known.id, notebook)
            return known
    if notebook is not None and (found := await history.of_notebook(owner, notebook, file_id)):
        return found
    if not request.store:
        return Conversation(new_id("c"), owner)
    return await history.create(owner, notebook=notebook, file_id=file_id)


async def create(history: History, owner: str, *, conversation_id: str) -> Conversation:
    """Begin a conversation under a caller's own name, or return it where another turn was quicker."""
    try:
        return await history.create(owner, conversation_id=conversation_id)
    except Conflict:
        return await history.get(owner, conversation_id)


def asked_again(chain: list[StoredMessage]) -> StoredMessage:
    """Return the question at the end of a branch, its answer left out."""
    for message in reversed(chain[-2:]):
        if message.role == "user":
            return message
    raise InvalidRequest("`regenerate` must name an answer of the conversation, or its question.")


def before(chain: list[StoredMessage], question: StoredMessage | None) -> list[StoredMessage]:
    """Return what was said before a question; all of it where the question is a new one."""
    return chain if question is None else chain[: chain.index(question)]


def answered(chain: list[StoredMessage]) -> list[StoredMessage]:
    """Leave out questions that got no text: two user messages in a row confuse most models."""
    kept: list[StoredMessage] = []
    for message in chain:
        if message.role == "assistant" and not message.content:
            continue
        if kept and kept[-1].role == "user" and message.role == "user":
            kept.pop()
        kept.append(message)
    if kept and kept[-1].role == "user":
        kept.pop()
    return kept


def plain(content: Any) -> Any:
    """Return a request's content as text or plain dicts."""
    if content is None:
        raise InvalidRequest("Send the question as `message`.")
    if isinstance(content, str):
        return content
    return [part.model_dump(exclude_none=True) for part in content]
