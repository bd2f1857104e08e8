"""From a request to a turn: which conversation it belongs to, what came before, and how to sample."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.attached import MOST_TEXT, Attached, attach
from tether_jupyter.core.given import as_kept, given_with, named_in, remembered
from tether_jupyter.core.history import Conversation, History, Past, StoredMessage, new_id
from tether_jupyter.core.prompt import Message, Prompt, Question, Sampling, Section, compose
from tether_jupyter.core.turn import Model, Turn
from tether_jupyter.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from tether_jupyter.core.request import ChatRequest


ROOT = "root"
"""A `parent_id` that names the conversation's beginning: the question is another first one."""
LONGEST_BRANCH = 200
"""Messages of the past that are looked at: a window holds fewer."""


See = Callable[
    [Question, Conversation, Sequence[Mapping[str, Any]], frozenset[str] | None], Awaitable[Question]
]
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
    see: See | None = None,
    sees: bool = False,
    file_room: int = MOST_TEXT,
    looking: bool = False,
) -> Turn:
    """Find the conversation that a request belongs to, and return its next turn.

    Parameters
    ----------
    files:
        Returns what was attached to this question, to earlier ones, and to the project, in this order.
    see:
        Returns a question with what it may know of the notebook, and without secrets. It is also given what
        came with the request, of which what came as data is not yet in the question; and, where a question is
        asked again, the names of what it asked to see.
    sees:
        Whether the model takes images.
    file_room:
        Characters of attached files that the model's window has room for.
    looking:
        Whether the turn is only looked at: no conversation is bound to a notebook by that.

    Raises
    ------
    NotFound
        The conversation or the parent message is not there for this owner.
    """
    conversation, chain, new = await find_conversation(
        request, owner, history, notebook, file_id, looking=looking
    )
    again = asked_again(chain) if request.regenerate else None
    if request.messages is not None:
        past = [Message(role=m.role, content=plain(m.content)) for m in request.messages]
    else:
        past = [Message(role=m.role, content=m.content) for m in answered(before(chain, again))]
    own_system = any(m["role"] == "system" for m in past)
    system = "" if own_system else defaults.system if request.system is None else request.system
    words = again.content if again else plain(request.message)
    asked = (again.attachments or []) if again else request.attachments
    given = [item.model_dump(exclude_defaults=True) for item in request.context]
    sections = [
        Section(i["kind"], i.get("name", ""), i["text"], i.get("level"), i.get("optional", 0))
        for i in given
        if i.get("text")
    ]
    if again is not None:
        # A branch holds only what was said.
        [again] = [m for m in await history.messages(owner, conversation.id) if m.id == again.id] or [again]
        if not given:
            sections = given_with(again.data)
            given = as_kept(sections)
    content = words
    if files is not None:
        # What a question without an answer held goes no further: it may be why there is none.
        earlier = [id for m in reversed(answered(chain)) for id in m.attachments or () if id not in asked]
        attached = await files(asked, list(dict.fromkeys(earlier)), conversation.project_id)
        content, read = attach(words, attached, sees=sees, model=model_label, most=file_room)
        sections = [*read, *sections]
    question = Question(text=content, system=system or None, sections=sections, past=past)
    if see is not None:
        question = await see(question, conversation, given, named_in(again.data) if again else None)
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
            data=remembered(question.seen, [each for each in question.sections if not each.attached]),
        ),
        max_answer_size=defaults.max_answer_size,
        new=new,
        seen=question.seen,
    )


async def find_conversation(
    request: ChatRequest,
    owner: str,
    history: History,
    notebook: str | None,
    file_id: str | None = None,
    *,
    looking: bool = False,
) -> tuple[Conversation, list[StoredMessage], bool]:
    """Return the conversation that a request names, else its notebook's, else a new one.

    With it come the messages before the question, and whether it is a new one that nobody keeps yet.
    """
    last = None if request.parent_id == ROOT else request.regenerate or request.parent_id
    limit = 0 if request.parent_id == ROOT else LONGEST_BRANCH
    id = request.conversation_id
    if id is not None:
        known, chain = await history.resume(owner, Past(id, notebook, file_id, last, limit, looking))
        if known is not None:
            if known.deleted_at is not None:
                raise NotFound("That conversation was deleted. Restore it, or start a new one.")
            if notebook and known.notebook and known.notebook != notebook and not looking:
                # A notebook that asks under another path than before was renamed.
                await history.move(owner, known.id, notebook)
            return known, chain, False
        # Our own ids are handed out, never made up; any other id is a name of the caller's own.
        if not id.startswith("c_"):
            return begun(Conversation(id, owner), last)
        if notebook is None:
            raise NotFound("There is no such conversation here. Start a new one.")
        # A server that has started anew: the notebook goes on, in a conversation of its own.
    if notebook is not None:
        known, chain = await history.resume(owner, Past(None, notebook, file_id, last, limit, looking))
        if known is not None:
            return known, chain, False
    return begun(Conversation(new_id("c"), owner, notebook=notebook, file_id=file_id), last)


def begun(conversation: Conversation, last: str | None) -> tuple[Conversation, list[StoredMessage], bool]:
    """Return a conversation that begins with the question, which cannot be an answer to anything."""
    if last is not None:
        raise NotFound("There is no message with that `parent_id` in the conversation.")
    return conversation, [], True


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
