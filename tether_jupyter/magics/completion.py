"""Completion behind `%tether` and `%%tether`: commands, options, models, presets, and `@` for variables.

It never waits for long: names that the server knows are fetched aside, and what is there in 0.3 s is offered.
"""

from __future__ import annotations

import re
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tether_jupyter.magics import commands
from tether_jupyter.magics.names import own_variables
from tether_jupyter.magics.session import CLIENT, Session

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext, SimpleMatcherResult

PATIENCE_SECONDS = 0.3
FRESH_SECONDS = 30.0
MOST = 200
LINE = re.compile(r"^\s*%{1,2}tether[ \t]+")
WORD = re.compile(r"\S*$")
AT = re.compile(r"(?<![\w@`])@([^\W\d]\w*)?(\.\w*)?$")
NAMES = {"-m": "models", "--model": "models", "--preset": "presets"}
PATHS = ("-a", "--attach")


class Names:
    """Names that the server knows, fetched in a thread of their own and kept for half a minute."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, list[str]] = {"models": [], "presets": []}
        self._asked = -FRESH_SECONDS
        self._thread: threading.Thread | None = None

    def get(self, kind: str) -> list[str]:
        """Return what is known after 0.3 s at most; what comes later is there the next time."""
        now = time.monotonic()
        busy = self._thread is not None and self._thread.is_alive()
        if not busy and now - self._asked >= FRESH_SECONDS:
            self._asked = now
            self._thread = threading.Thread(target=self._fetch, name="tether-names", daemon=True)
            self._thread.start()
            busy = True
        if busy and self._thread is not None and not self._known[kind]:
            self._thread.join(PATIENCE_SECONDS)
        return self._known[kind]

    def _fetch(self) -> None:
        from tether_jupyter.client.sync import Client
        from tether_jupyter.errors import TetherError

        try:
            # A connection of its own: the session's may be in the middle of an answer.
            server = self._session.client.server
            with Client(server.url, server.token) as client:
                rows = client.models()["models"]
                self._known["models"] = [
                    f"{row['backend']}:{row['name']}" for row in rows if row["installed"] or row["active"]
                ]
                self._known["presets"] = [str(row["name"]) for row in client.presets(CLIENT)["presets"]]
        except (TetherError, RuntimeError):
            # Typing goes on without; a client that was closed meanwhile raises a RuntimeError.
            return


class Completer:
    """IPython's matcher for lines and cells of `%tether`.

    Parameters
    ----------
    parser:
        Returns the parser of a question's options.
    """

    matcher_api_version = 2
    matcher_identifier = "tether"
    matcher_priority = 100.0

    def __init__(self, session: Session, parser: Callable[[], ArgumentParser]) -> None:
        self._session = session
        self._parser = parser
        self._names = Names(session)
        # Where IPython looks for a name of its own.
        self.__qualname__ = "tether"

    def __call__(self, context: CompletionContext) -> SimpleMatcherResult:
        """Return what may stand at the cursor; nothing outside of a question."""
        from IPython.core.completer import SimpleCompletion

        fragment, found, kind = self.complete(context.full_text, context.text_until_cursor)
        return {
            "completions": [SimpleCompletion(text=text, type=kind) for text in found[:MOST]],
            "matched_fragment": fragment,
            "suppress": bool(found),
            "ordered": True,
        }

    def complete(self, cell: str, before: str) -> tuple[str, list[str], str]:
        """Return the words before the cursor that are replaced, by what, and what kind of thing that is.

        Parameters
        ----------
        cell:
            The whole cell.
        before:
            The cursor's line up to the cursor.
        """
        magic = LINE.match(before)
        in_cell = cell.lstrip().startswith("%%tether")
        if magic is None and not in_cell:
            return "", [], ""
        if mention := AT.search(before):
            return self._variables(mention[1] or "", mention[2])
        if magic is None:
            return "", [], ""
        said = before[magic.end() :]
        word = WORD.search(said)
        fragment = word[0] if word else ""
        behind = said[: len(said) - len(fragment)].split()
        return self._line(fragment, behind)

    def _line(self, fragment: str, behind: list[str]) -> tuple[str, list[str], str]:
        last = behind[-1] if behind else ""
        if last in NAMES:
            return fragment, starting(fragment, self._names.get(NAMES[last])), "model"
        actions = self._parser()._option_string_actions
        action = actions.get(last)
        if action is not None and action.choices:
            return fragment, starting(fragment, map(str, action.choices)), "value"
        if last in PATHS or (action is not None and action.nargs != 0):
            return "", [], ""
        if fragment.startswith("-"):
            long = [name for name in actions if name.startswith("--") and name not in ("--help",)]
            return fragment, starting(fragment, long if len(fragment) > 1 else actions), "option"
        if not behind and fragment:
            return fragment, starting(fragment, commands.TABLE), "command"
        if not behind:
            return "", list(commands.TABLE), "command"
        if behind == ["use"]:
            return (
                fragment,
                starting(fragment, [*self._names.get("models"), *self._names.get("presets")]),
                "model",
            )
        return "", [], ""

    def _variables(self, name: str, part: str | None) -> tuple[str, list[str], str]:
        variables = own_variables(self._session.shell)
        if part is None:
            names = (each for each in variables if not each.startswith("_"))
            return f"@{name}", [f"@{each}" for each in starting(name, names)], "variable"
        if name not in variables:
            return "", [], ""
        from tether_jupyter.magics.mentions import columns

        known = starting(part[1:], columns(variables, name))
        return f"@{name}{part}", [f"@{name}.{each}" for each in known if each.isidentifier()], "column"


def starting(fragment: str, names: Iterable[str]) -> list[str]:
    """Return the names that begin with a fragment, as it is typed or else in any case, sorted."""
    known = sorted(set(names), key=str.lower)
    exact = [name for name in known if name.startswith(fragment)]
    return exact or [name for name in known if name.lower().startswith(fragment.lower())]
