"""The commands of `%tether`: which there are, and when a line is one.

A line is a command if its first word is one and what follows is what that command takes. Everything else is a
question, so that `%tether use a loop or a comprehension?` is one. A cell's body is never a command.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from IPython.core.error import UsageError

from tether_jupyter.magics.session import Session

NEAR = 0.75
OPTIONS = r"-.*"
CELL = r"in\s*\[\s*\d{1,6}\s*\]|cell\s*\[?\s*\d{1,6}\s*\]?|\[\s*\d{1,6}\s*\]|\d{1,6}\s*$"
"""How a cell is named: `In [3]`, `cell 3`, `[3]`, or the number alone."""
ABOUT = rf"{OPTIONS}|(?:{CELL})(?:[\s:,.].*)?"
NUMBER = rf"\d+|{OPTIONS}"
WORD = rf"""{OPTIONS}|("[^"]+"|'[^']+'|\S+)(\s+-.*)?"""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command is given.

    Parameters
    ----------
    parser:
        The parser of a question's options.
    line:
        What follows the command's name.
    cell:
        The cell's body; `None` in a line magic.
    scope:
        The local variables of the place that asks.
    """

    session: Session
    parser: ArgumentParser
    line: str
    cell: str | None
    scope: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Parameters
    ----------
    home:
        The module that it stands in, and its function there.
    usage:
        What may follow its name.
    summary:
        What it does, in a line.
    takes:
        What may follow its name, as a pattern.
    below:
        What may follow it in `%%tether`, where the cell's body belongs to it; `None` where it has no use for
        one.
    """

    home: str
    usage: str
    summary: str
    takes: str
    below: str | None = None


TABLE = {
    "ask": Command("asks:ask", "QUESTION", "ask, whatever the first word is", ".*", ".*"),
    "fix": Command("asks:fix", "[In [3]] [HOW]", "mend the last error, or a cell", ".*", OPTIONS),
    "explain": Command("asks:explain", "[In [3]]", "explain the last error, or a cell", ABOUT, OPTIONS),
    "preview": Command("preview:preview", "QUESTION", "show what would be sent; send nothing", ".*", ".*"),
    "models": Command("asks:models", "", "list what is here and what answers", ""),
    "presets": Command("asks:presets", "", "list the presets", ""),
    "use": Command("using:use", "[MODEL] [OPTIONS]", "set what holds in this session, or show it", WORD),
    "history": Command("past:history", "[N]", "show what was said, or exchange N in full", NUMBER),
    "undo": Command("past:undo", "", "take the last exchange out of what the model sees", OPTIONS),
    "branch": Command("past:branch", "[N]", "list the branches, or go on behind exchange N", NUMBER),
    "export": Command("exporting:export", "[FILE]", "save the conversation: .md, .ipynb or .json", WORD),
    "status": Command("status:status", "", "say how the server and its model are", ""),
    "start": Command("starting:start", "", "bring up a server where there is none", OPTIONS),
    "stop": Command("starting:stop", "", "end the server that `start` has brought up", ""),
    "help": Command("commands:help", "", "show this", ""),
}


TERMINAL = {"doctor": OPTIONS, "pull": r"\S+(\s+-.*)?"}
"""Commands of `tether` in a terminal, and what may follow them."""


@dataclass(frozen=True, slots=True)
class Found:
    """A command in a line, and what follows it."""

    command: Command
    rest: str

    def run(self, asked: Asked) -> None:
        """Do it."""
        module, _, name = self.command.home.partition(":")
        getattr(import_module(f"tether_jupyter.magics.{module}"), name)(asked)


def read(line: str, cell: str | None) -> Found | None:
    """Return the command that a line is; `None` for a question.

    Raises
    ------
    UsageError
        The line is a single word that is nearly a command, or a command for a terminal.
    """
    word, rest = split(line)
    if cell is None and word in TERMINAL and (not rest or re.fullmatch(TERMINAL[word], rest)):
        raise UsageError(
            f"`tether {word}` is typed in a terminal; in a cell it is `!tether {f'{word} {rest}'.strip()}`. "
            f"As a question it is `%tether ask {word}`."
        )
    command = TABLE.get(word)
    if command is not None:
        takes = command.takes if cell is None else command.below
        if takes is not None and (not rest or re.fullmatch(takes, rest, re.DOTALL | re.IGNORECASE)):
            return Found(command, rest)
        return None
    if cell is None and word.isalpha() and not rest:
        from difflib import get_close_matches

        near = get_close_matches(word.lower(), TABLE, n=1, cutoff=NEAR)
        if near:
            raise UsageError(
                f"There is no command `{word}`. Did you mean `%tether {near[0]}`? "
                f"As a question it is `%tether ask {word}`."
            )
    return None


def split(line: str) -> tuple[str, str]:
    """Return a line's first word and the rest; a colon behind the word is not part of it."""
    word, _, rest = line.strip().partition(" ")
    bare = word.removesuffix(":")
    return (bare, rest.strip()) if bare in ("fix", "ask", "preview") else (word, rest.strip())


def help(asked: Asked) -> None:
    """List the commands."""
    from tether_jupyter.magics.asking import tell
    from tether_jupyter.magics.models import columns

    rows = [(f"%tether {name} {command.usage}".rstrip(), command.summary) for name, command in TABLE.items()]
    tell(f"{columns(rows)}\n\n`%%tether?` lists the options of a question.")


def plain(asked: Asked, **switches: str) -> dict[str, Any]:
    """Return the options of a command that has a few of its own: a value for each that is named.

    Parameters
    ----------
    switches:
        The options without their dashes, and what kind of value each takes: `flag`, `text`.

    Raises
    ------
    UsageError
        There is another option.
    """
    from tether_jupyter.magics import options

    parser = ArgumentParser(add_help=False, prog="%tether")
    parser.error = usage  # type: ignore[assignment, method-assign]
    for name, kind in switches.items():
        short = {"conversation": ["-c"], "force": ["-f"]}.get(name, [])
        if kind == "flag":
            parser.add_argument(*short, f"--{name}", action="store_true")
        else:
            parser.add_argument(*short, f"--{name}")
    given, rest = options.split(parser, asked.line)
    return {**vars(given), "rest": rest}


def usage(message: str) -> None:
    """Raise what argparse would print before it ends the process."""
    raise UsageError(message)
