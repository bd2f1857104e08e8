"""From what was typed to a question: its parameters, what goes along, and what becomes of the answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from tether_jupyter.errors import NotFound
from tether_jupyter.magics import braces, sources
from tether_jupyter.magics.answer import Answer
from tether_jupyter.magics.names import own_variables
from tether_jupyter.magics.session import CLIENT, Session
from tether_jupyter.magics.showing import leave, show

if TYPE_CHECKING:
    from tether_jupyter.magics.forms import Form

Items = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, before it is sent.

    Parameters
    ----------
    typed:
        The words as they were typed.
    given:
        The options, by the names that the parser gives them.
    items:
        Context that goes along besides the variables that the words name.
    command:
        The command that asks, if one does.
    lead:
        What is asked before the words.
    scope:
        The local variables of the place that asks.
    """

    typed: str
    given: Any
    items: Items = ()
    command: str | None = None
    lead: str = ""
    scope: Mapping[str, Any] | None = None


def ask(session: Session, question: Question) -> Answer:
    """Ask a question, show the answer, and do with it what the options say.

    Raises
    ------
    TetherError, KeyboardInterrupt
        It failed, or was interrupted. The text so far is in the variable that `-o` names, unless that is
        for a typed value.
    """
    given = question.given
    check(given)
    form = read_form(session, question)
    answer = Answer({}, time.monotonic())
    request = prepare(session, question, answer.record, form)
    try:
        if given.background:
            leave(session, request, answer)
        elif form is not None:
            from tether_jupyter.magics.typed import ask_typed

            value, answer = ask_typed(
                session, request, answer, form, name=given.output, stream=streams(session, given)
            )
            session.shell.user_ns[given.output] = value
        else:
            show(session, request, answer, stream=streams(session, given))
    except NotFound as reason:
        if "conversation" in reason.message and not answer.meta:
            session.forget(given.conversation, reason)
        raise
    finally:
        if given.output is not None and form is None and (answer.size or answer.ended):
            session.shell.user_ns[given.output] = answer.text
        if not given.no_store:
            session.remember(given.conversation, answer.meta)
    if given.code or given.run:
        from tether_jupyter.magics import code

        code.use(session.shell, answer.text, run=given.run)
    return answer


def check(given: Any) -> None:
    """Refuse options that do not go together."""
    typed = [name for name in ("many", "frame", "no_repair") if getattr(given, name)]
    if given.schema is None and typed:
        raise UsageError(f"--{typed[0].replace('_', '-')} goes with --schema.")
    if given.schema is not None and given.output is None:
        raise UsageError("--schema needs -o NAME, the variable for the value.")
    if given.schema is not None and (given.code or given.run):
        raise UsageError("--schema makes a value, --code and --run take code: ask twice.")
    if given.background and (given.output or given.code or given.run):
        raise UsageError("--background does not wait for the answer, so -o, --code and --run have none.")
    if given.background and given.no_store:
        raise UsageError("--background with --no-store would leave the answer nowhere.")


def streams(session: Session, given: Any) -> bool:
    """Return whether the answer shows while it is written."""
    return not given.no_stream and bool(session.chosen.get("stream", True))


def read_form(session: Session, question: Question) -> Form | None:
    """Return the form that the answer must have; `None` where any text will do."""
    given = question.given
    if given.schema is None:
        return None
    from tether_jupyter.magics import forms

    return forms.read(
        own_variables(session.shell, question.scope),
        given.schema,
        name=given.output,
        many=given.many,
        frame=given.frame,
        repairs=not given.no_repair,
    )


def prepare(
    session: Session,
    question: Question,
    record: dict[str, Any],
    form: Form | None,
    *,
    preview: bool = False,
) -> dict[str, Any]:
    """Return a question's request, and note in the record what the saved notebook keeps of it.

    Raises
    ------
    TetherError
        A variable or a file is not there, or the server refuses a new conversation or an attachment.
    """
    given, known = question.given, own_variables(session.shell, question.scope)
    message, filled, beside = braces.fill(question.typed, known)
    words = f"{question.lead} {message}".strip() if question.lead else message
    parameters = session.parameters(given)
    seeing = sources.see(session, given)
    items = [*question.items, *variables(session, question, known, seeing)]
    items += [{"kind": "file", "name": name, "text": text} for name, text in beside.items()]
    cells = given.cells or session.chosen.get("cells")
    if cells not in (None, "off") and "cells" not in seeing:
        items += sources.cells_before(session, cells)
    request: dict[str, Any] = {"message": words, "client_id": CLIENT, "see": seeing, **parameters}
    if form is not None:
        request["message"] = f"{words}\n\n{form.instruction}"
        request["response_format"] = form.response_format
        own = "max_tokens" in parameters or "preset" in parameters
        if not own and session.held("max_tokens").get("value") is None:
            request["max_tokens"] = form.room
    if items:
        request["context"] = items
    if given.no_store:
        request["store"] = False
    if given.batch:
        request["priority"] = "batch"
    if given.attach:
        request["attachments"] = [upload["id"] for upload in session.client.upload(*given.attach)]
    request |= session.address(given.conversation, preview=preview)
    note(record, question, request, parameters, filled, form)
    return request


def variables(
    session: Session, question: Question, known: dict[str, Any], seeing: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return context items for the variables that a question speaks of."""
    from tether_jupyter.magics import mentions

    level = seeing.get("level")
    automatic = level not in (None, "off")
    if level is None and mentions.by_word(question.typed, known):
        automatic = session.shows_data()
    return mentions.items(known, question.typed, automatic=automatic)


def note(
    record: dict[str, Any],
    question: Question,
    request: dict[str, Any],
    parameters: dict[str, Any],
    filled: list[str],
    form: Form | None,
) -> None:
    """Write down what an answer can be asked for again with."""
    items = request.get("context", [])
    known = {
        "prompt": question.typed,
        "command": question.command,
        "parameters": parameters,
        "filled": filled,
        "variables": [item["name"] for item in items if item["kind"] == "variable"],
        "context": [
            {"kind": item["kind"], "name": item["name"]} for item in items if item["kind"] != "variable"
        ],
        "attachments": [Path(path).name for path in question.given.attach or ()],
        "see": request["see"].get("level"),
        "cells": request["see"].get("cells"),
        "schema": form.schema if form else None,
        "many": True if form and form.many else None,
        "parent_id": request.get("parent_id"),
    }
    record |= {name: value for name, value in known.items() if value not in (None, [], {})}
    record.setdefault("prompt", question.typed)
    if request.get("store") is False:
        record["stored"] = False


def tell(line: str) -> None:
    """Say something to whoever runs the cell."""
    from tether_jupyter.core import inert

    sys.stdout.write(f"{inert.plain(line)}\n")
