"""The code in an answer: into the next cell, or run, once its user has said yes."""

from __future__ import annotations

import re
from typing import Any

from IPython.core.error import StdinNotImplementedError

from tether_jupyter.core import inert
from tether_jupyter.core.export_blocks import Code
from tether_jupyter.core.export_blocks import blocks as parts
from tether_jupyter.errors import TetherError, UpstreamError
from tether_jupyter.magics.asking import tell

BARE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*$", re.MULTILINE)
YES = frozenset({"y", "yes"})
# Signs that change the order in which text is shown: what is read is then not what runs.
TURNED = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")


class NoCode(UpstreamError):
    """An answer in which no code stands."""

    retryable = False


class CodeFailed(TetherError):
    """Code of an answer that was run, and failed; its own traceback stands above."""


def blocks(text: str) -> list[str]:
    """Return the blocks of Python in an answer; those that name no language, where none does."""
    found = [part.text for part in parts(text) if isinstance(part, Code)]
    if found:
        return found
    return [part.text for part in parts(labelled(text)) if isinstance(part, Code)]


def labelled(text: str) -> str:
    """Return an answer whose blocks without a language are said to be Python."""
    opens = True

    def label(fence: re.Match[str]) -> str:
        nonlocal opens
        opens = not opens
        return f"{fence[0]}python" if not opens else fence[0]

    named = re.search(r"^[ \t]*(?:`{3,}|~{3,})[ \t]*[\w{.]", text, re.MULTILINE)
    return text if named else BARE.sub(label, text)


def use(shell: Any, text: str, *, run: bool) -> None:
    """Do with an answer's code what `--code` and `--run` say.

    Raises
    ------
    NoCode
        There is none in the answer.
    CodeFailed
        It was run, and failed.
    """
    found = blocks(text)
    if not found:
        raise NoCode(
            "There is no Python code in the answer, so nothing was put into a cell.",
            hint="Ask for it in so many words. A block of code begins with ```python.",
        )
    code = "\n\n".join(found)
    if run:
        ask_and_run(shell, code)
    else:
        put(shell, code)


def put(shell: Any, code: str) -> None:
    """Put code into the next cell, below this one; nothing of it runs."""
    # A control character in it would be code that cannot be seen.
    shell.set_next_input(inert.plain(code), replace=False)


def ask_and_run(shell: Any, code: str) -> None:
    """Show code, and run it if the user says yes; where nobody can be asked, put it into the next cell."""
    code = inert.plain(code)
    if shell.should_run_async(code, transformed_cell=shell.transform_cell(code)):
        put(shell, code)
        tell("The code waits for something with `await`, so it stands in the next cell, for you to run.")
        return
    if TURNED.search(code):
        put(shell, code)
        tell(
            "The code holds invisible signs that change how it reads, so it is not run. "
            "It stands in the next cell."
        )
        return
    tell("\n".join(f"    {line}" for line in code.splitlines()))
    try:
        said = input("Run this code? [y/N] ")
    except (StdinNotImplementedError, EOFError, OSError):
        put(shell, code)
        tell("Nobody can be asked here, so nothing ran. The code stands in the next cell.")
        return
    if said.strip().lower() not in YES:
        tell("Nothing ran.")
        return
    execute(shell, code)


def execute(shell: Any, code: str) -> None:
    """Run code as a cell of its own number, and keep it in the history as one."""
    # The cell that asked stands under its own number. IPython counts on when a cell ends; since 9.16, when it
    # begins.
    ahead = 1 if shell.execution_count < len(shell.history_manager.input_hist_raw) else 0
    shell.execution_count += ahead
    try:
        result = shell.run_cell(code, store_history=True)
    finally:
        shell.execution_count -= ahead
    if not result.success:
        raise CodeFailed("The code of the answer failed. `%tether fix` looks at the error.")
