"""The commands that ask, or list what can be asked: `ask`, `fix`, `explain`, `models`, `presets`."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

from tether_jupyter.magics import asking, options, sources
from tether_jupyter.magics.asking import Question, tell
from tether_jupyter.magics.commands import Asked
from tether_jupyter.magics.failure import Failed

WHOLE = "the whole corrected cell in one Python code block, and say what was wrong."
FIX = f"How do I fix this {{error}}? Write {WHOLE}"
FIX_CODE = f"What is wrong with this cell? Write {WHOLE}"
EXPLAIN = "Explain this {error}: what went wrong, where, and how to mend it."
EXPLAIN_CODE = "Explain what this cell does, step by step, and what to look out for."


def ask(asked: Asked) -> None:
    """`%tether ask QUESTION`: what follows is a question, whatever it begins with."""
    given, rest = options.split(asked.parser, asked.line)
    typed = "\n\n".join(filter(None, [rest, (asked.cell or "").strip()]))
    if not typed:
        raise UsageError("There is no question. Write one behind %tether ask.")
    asking.ask(asked.session, Question(typed, given, scope=asked.scope))


def fix(asked: Asked) -> None:
    """`%tether fix [In [3]] [HOW]`: mend the last error, or a cell; the code goes into the next cell."""
    from tether_jupyter.magics import code

    given, question = about(asked, "fix", FIX, FIX_CODE)
    answer = asking.ask(asked.session, question)
    if given.code or given.run or given.background or given.schema:
        return
    found = code.blocks(answer.text)
    if len(found) == 1:
        code.put(asked.session.shell, found[0])


def explain(asked: Asked) -> None:
    """`%tether explain [In [3]]`: explain the last error, or a cell."""
    asking.ask(asked.session, about(asked, "explain", EXPLAIN, EXPLAIN_CODE)[1])


def models(asked: Asked) -> None:
    """`%tether models`: what is here, and what answers."""
    from tether_jupyter.magics.models import listing

    tell(listing(asked.session.client))


def presets(asked: Asked) -> None:
    """`%tether presets`: the presets that there are."""
    from tether_jupyter.magics.presets import listing

    tell(listing(asked.session.client))


def about(asked: Asked, command: str, of_error: str, of_code: str) -> tuple[Any, Question]:
    """Return the options and the question of `fix` and `explain`: what it is about goes along.

    Raises
    ------
    NotFound
        There is no error, or no such cell.
    """
    given, rest = options.split(asked.parser, asked.line)
    number, how = sources.reference(rest)
    session = asked.session
    failed = session.failures.find()
    if asked.cell is not None:
        if not asked.cell.strip():
            raise UsageError(f"There is no code below %%tether {command}.")
        items, words = [sources.cell_item(asked.cell.strip("\n"), "code")], of_code
        how = rest
    elif number is not None:
        source = sources.input_number(session.shell, number)
        items, words = [sources.cell_item(source, f"In [{number}]")], of_code
        if failed is not None and is_of(failed, number, source):
            items, words = sources.error_items(session, failed), of_error
    else:
        failed = sources.last_error(session, command)
        items, words, how = sources.error_items(session, failed), of_error, rest
    if failed is not None:
        # The kind alone: what its message holds is data, and goes along as far as it may be seen.
        words = words.format(error=type(failed.error).__name__)
    return given, Question(how, given, items, command, words, asked.scope)


def is_of(failed: Failed, number: int, source: str) -> bool:
    """Return whether an error is a cell's."""
    return failed.number == number or (failed.number is None and failed.source == source)
