"""An answer as a value: asked for, checked, asked for once more if it does not fit, else an error."""

from __future__ import annotations

import time
from typing import Any

from tether_jupyter.client.schemas import InvalidAnswer
from tether_jupyter.errors import UpstreamError
from tether_jupyter.magics.answer import Answer
from tether_jupyter.magics.forms import Form
from tether_jupyter.magics.session import Session
from tether_jupyter.magics.showing import show

STOPPED = "was stopped before it was whole. Run the cell again to ask once more."
ALLOW_MORE = "Allow more with --max-tokens, if the model can write more, or ask for less."
SHOWN = 2000
"""Characters of an answer that an error shows, and that go back to the model."""


class NoValue(UpstreamError):
    """No answer could be made into the value that was asked for.

    Parameters
    ----------
    answers:
        What the model wrote, the first attempt first.
    problems:
        What is wrong with each.
    """

    retryable = False

    def __init__(self, message: str, answers: list[str], problems: list[str]) -> None:
        lines = []
        for number, (answer, problem) in enumerate(zip(answers, problems, strict=True), 1):
            which = f"Answer {number}" if len(answers) > 1 else "The answer"
            lines += [f"{which}: {problem}", indented(answer)]
        super().__init__(message, hint="\n".join(lines))
        self.answers = answers
        self.problems = problems


def ask_typed(
    session: Session, request: dict[str, Any], answer: Answer, form: Form, *, name: str, stream: bool
) -> tuple[Any, Answer]:
    """Ask, and return the value that the answer means, with the answer that it came from.

    Raises
    ------
    NoValue
        The answer did not fit, nor did the one that came when the model was told why.
    TetherError, KeyboardInterrupt
        The question failed, or was interrupted.
    """
    value, problem = attempt(session, request, answer, form, name, stream=stream)
    if problem is None:
        return value, answer
    if (early := ended_early(answer)) is not None:
        # There is the same room for a second one; and whoever has stopped it wants none.
        raise NoValue(f"The answer {early}", [answer.text], [problem])
    if not form.repairs:
        raise NoValue("The answer does not fit the schema.", [answer.text], [problem])
    again = Answer({**answer.record, "repaired": True}, time.monotonic())
    value, second = attempt(session, mended(request, answer, form, problem), again, form, name, stream=stream)
    if second is None:
        return value, again
    early = ended_early(again)
    why = f" The second one {early}" if early is not None else ""
    raise NoValue(f"Neither answer fits the schema.{why}", [answer.text, again.text], [problem, second])


def ended_early(answer: Answer) -> str | None:
    """Return how an answer ended before it was whole, and what to do; `None` where it is whole."""
    if answer.finish_reason == "length":
        return f"was cut {after(answer)}. {ALLOW_MORE}"
    return STOPPED if answer.finish_reason == "cancelled" else None


def after(answer: Answer) -> str:
    """Return where an answer was cut."""
    tokens = answer.usage.get("completion_tokens")
    return (
        f"after {tokens:,} tokens, before it was whole" if isinstance(tokens, int) else "before it was whole"
    )


def attempt(
    session: Session, request: dict[str, Any], answer: Answer, form: Form, name: str, *, stream: bool
) -> tuple[Any, str | None]:
    """Ask once; return the value, or what is wrong with the answer."""
    found: list[Any] = []
    wrong: list[str] = []

    def settle() -> None:
        try:
            found.append(form.value(answer.text))
            answer.result = f"{name}: {described(found[0])}"
        except InvalidAnswer as reason:
            wrong.append(reason.problem)
            answer.result = "does not fit the schema"

    answer.fence = "json"
    answer.settle = settle
    show(session, request, answer, stream=stream)
    return (None, wrong[0]) if wrong else (found[0], None)


def mended(request: dict[str, Any], answer: Answer, form: Form, problem: str) -> dict[str, Any]:
    """Return the request that asks again: with the first answer, and what is wrong with it."""
    told = form.repair(problem, cut(answer.text))
    again = {name: part for name, part in request.items() if name not in ("parent_id", "attachments")}
    conversation = answer.meta.get("conversation_id")
    if request.get("store") is False or not conversation:
        # Nothing was kept, so that the question must be said again as well.
        return {**request, "message": f"{request['message']}\n\n{told}"}
    return {**again, "message": told, "conversation_id": conversation}


def described(value: Any) -> str:
    """Return what a value is, in a word or two."""
    if isinstance(value, list):
        kinds = {type(each).__name__ for each in value}
        return f"{len(value)} of {kinds.pop()}" if len(kinds) == 1 else f"a list of {len(value)}"
    shape = getattr(value, "shape", None)
    return f"DataFrame, {shape[0]} × {shape[1]}" if shape is not None else type(value).__name__


def cut(text: str) -> str:
    """Return the beginning of a text, and that it goes on."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def indented(text: str) -> str:
    """Return a text so that it stands apart from the words around it."""
    return "\n".join(f"    {line}" for line in cut(text).splitlines() or ["(nothing)"])
