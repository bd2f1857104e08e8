"""`%tether preview`: exactly what a question would send, and where to."""

from __future__ import annotations

import json
from typing import Any

from IPython.core.error import UsageError

from tether_jupyter.core.prompt import text_of
from tether_jupyter.magics import asking, options
from tether_jupyter.magics.asking import Question, tell
from tether_jupyter.magics.commands import Asked, read
from tether_jupyter.magics.models import columns


def preview(asked: Asked) -> None:
    """`%tether preview QUESTION`, with its options; `preview fix` and `preview explain` as well."""
    session = asked.session
    inner = read(asked.line, asked.cell)
    name = asked.line.split(" ", 1)[0].removesuffix(":")
    if inner is not None and name in ("fix", "explain"):
        from tether_jupyter.magics import asks

        within = Asked(session, asked.parser, inner.rest, asked.cell, asked.scope)
        words = (asks.FIX, asks.FIX_CODE) if name == "fix" else (asks.EXPLAIN, asks.EXPLAIN_CODE)
        given, question = asks.about(within, name, *words)
    else:
        given, rest = options.split(asked.parser, asked.line)
        typed = "\n\n".join(filter(None, [rest, (asked.cell or "").strip()]))
        if not typed:
            raise UsageError("There is no question to preview. Write it behind %tether preview.")
        question = Question(typed, given, scope=asked.scope)
    form = asking.read_form(session, question)
    request = asking.prepare(session, question, {}, form, preview=True)
    tell(account(session.client.preview(**request)))


def account(found: dict[str, Any]) -> str:
    """Return what the server says of a request that it would send, for people to read."""
    parts = [head(found), context(found), messages(found)]
    return "\n\n".join(part for part in parts if part)


def head(found: dict[str, Any]) -> str:
    """Return where it would go, how much it is, and what was done to it."""
    to = found.get("to") or {}
    name = ":".join(str(part) for part in (to.get("backend"), to.get("model")) if part)
    place = to.get("place") or ("another machine" if to.get("leaves") else "this machine")
    leaves = "It would leave this machine." if to.get("leaves") else "It would stay on this machine."
    amount = tokens(found.get("tokens")) or "An unknown number of tokens"
    level = found.get("level")
    masked = ", ".join(f"{each['count']} × {each['kind']}" for each in found.get("masked") or [])
    return "\n".join(
        filter(
            None,
            [
                f"To {name} at {place}. {leaves} Nothing was sent.",
                f"{amount}{window(found)}.",
                overflow(found),
                f"Of your variables it would see: {level}." if level else None,
                f"Masked, because it looks secret: {masked}." if masked else None,
            ],
        )
    )


def window(found: dict[str, Any]) -> str:
    """Return how much the model can take, and what of that is kept for its answer."""
    most, room = found.get("window"), found.get("room")
    if not isinstance(most, int):
        return ""
    kept = most - room if isinstance(room, int) else 0
    return f" of the {most:,} that the model can take" + (f", {kept:,} for its answer" if kept > 0 else "")


def overflow(found: dict[str, Any]) -> str | None:
    """Return what becomes of a question for which there is not enough room; `None` where there is."""
    all_of_it, needed, room = (found.get(name) for name in ("tokens", "needed", "room"))
    if not isinstance(all_of_it, int) or not isinstance(room, int) or all_of_it <= room:
        return None
    if isinstance(needed, int) and needed > room:
        return (
            f"That is too much: this question and what goes along have {tokens(needed)}, and the model reads "
            f"{room:,}. Shorten it, or send less along."
        )
    return "The beginning of the conversation stays behind."


def context(found: dict[str, Any]) -> str:
    """Return what goes along, and what was left out and why."""
    rows = [
        (str(each.get("kind", "")), str(each.get("name", "")), tokens(each.get("tokens")))
        for each in found.get("items") or []
    ]
    left = [
        (str(each.get("kind", "")), str(each.get("name", "")), str(each.get("why", "")))
        for each in found.get("left_out") or []
    ]
    parts = [f"Goes along:\n{columns(rows)}"] if rows else []
    parts += [f"Left out:\n{columns(left)}"] if left else []
    return "\n\n".join(parts)


def tokens(count: Any) -> str:
    """Return a number of tokens in words; nothing where it is not known."""
    return f"{count:,} token{'' if count == 1 else 's'}" if isinstance(count, int) else ""


def messages(found: dict[str, Any]) -> str:
    """Return the messages as they would be sent."""
    shown = []
    for message in found.get("messages") or []:
        content = message.get("content")
        words = content if isinstance(content, str) else text_of(content)
        others = (
            [] if isinstance(content, str) else [part for part in content or [] if part.get("type") != "text"]
        )
        notes = "".join(f"\n[{part.get('type')}: {len(json.dumps(part)):,} characters]" for part in others)
        shown.append(f"── {message.get('role')} ──\n{words}{notes}")
    return "\n\n".join(shown)
