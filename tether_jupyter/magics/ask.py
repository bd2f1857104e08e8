# mypy: disable-error-code="no-untyped-call, untyped-decorator"
# IPython's decorators for a magic's arguments are not typed.
"""`%tether` and `%%tether`: ask a question where the code is."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, cast

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from tether_jupyter.client.discovery import HOW_TO_START
from tether_jupyter.errors import TetherError
from tether_jupyter.magics import commands, options
from tether_jupyter.magics.completion import Completer
from tether_jupyter.magics.failure import quietly, when
from tether_jupyter.magics.session import Session

LEVELS = ("off", "schema", "samples", "values")

START_HERE = "`%tether start` brings one up for this session; or start `jupyter lab`, and try again."


@magics_class
class AskMagics(Magics):
    """Ask the model that the Jupyter server offers."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self.session = Session(shell)
        self._completer: Completer | None = None

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @magic_arguments()
    @argument("-m", "--model", help="The model to ask, such as local:name or openai:name.")
    @argument("--preset", metavar="NAME", help="Answer as this preset of the front end `magic` says.")
    @argument(
        "-c",
        "--conversation",
        metavar="NAME",
        help="Go on with a conversation of this name instead of the notebook's; `new` starts the "
        "notebook's afresh.",
    )
    @argument(
        "-o",
        "--output",
        metavar="NAME",
        type=options.variable_name,
        help="Assign the answer's text, or with --schema its value, to this variable.",
    )
    @argument(
        "--schema",
        metavar="FIELDS",
        help="What the value must be: fields such as 'name, age int, tags list[str], mood one of good|bad', "
        "a type, JSON Schema, or a variable that holds a pydantic class or a schema. An answer that does not "
        "fit is asked for once more.",
    )
    @argument("--many", action="store_true", help="With --schema: a list of such values.")
    @argument("--frame", action="store_true", help="With --schema: a pandas DataFrame, a row for each value.")
    @argument("--no-repair", action="store_true", help="With --schema: ask only once.")
    @argument("--code", action="store_true", help="Put the answer's code into the next cell.")
    @argument("--run", action="store_true", help="Show the answer's code, and run it if you say yes.")
    @argument(
        "-a",
        "--attach",
        metavar="FILE",
        action="append",
        help="Send a file along: text, code, a table, a notebook, a PDF, an image. May stand several times.",
    )
    @argument(
        "--see",
        metavar="LEVEL",
        choices=LEVELS,
        help="How much of your variables the model sees: off, schema (names, types, shapes), samples (and "
        "ranges and a few rows) or values. Also sends the variables that the question names without @.",
    )
    @argument(
        "--cells",
        metavar="WHICH",
        choices=("off", "around", "all"),
        help="Which of the notebook's cells go along: off, around or all.",
    )
    @argument("-t", "--temperature", type=options.number(0, 2), help="From 0 (the same each time) to 2.")
    @argument("--top-p", type=options.number(0, 1), help="Choose among the likeliest tokens of this share.")
    @argument("--top-k", type=options.whole(1, 100_000), help="Choose among so many of the likeliest tokens.")
    @argument(
        "--min-p", type=options.number(0, 1), help="Leave out tokens below this share of the likeliest."
    )
    @argument(
        "--seed", type=options.whole(0), help="The same seed draws the same answer, where that is kept."
    )
    @argument("--max-tokens", type=options.whole(1, 1_000_000), help="The longest answer, in tokens.")
    @argument(
        "--stop",
        metavar="TEXT",
        action="append",
        type=options.unescaped,
        help="End before this text. May stand several times.",
    )
    @argument("--presence-penalty", type=options.number(-2, 2), help="Against words that were there at all.")
    @argument("--frequency-penalty", type=options.number(-2, 2), help="Against words that were there often.")
    @argument("--repeat-penalty", type=options.number(0, 10), help="Above 1: against repeating.")
    @argument(
        "--logit-bias", metavar="JSON", type=options.biases, help='Added to tokens, such as {"13": -5}.'
    )
    @argument("--system", metavar="TEXT", help="What the model is told before the question.")
    @argument(
        "--no-stream",
        action="store_true",
        help="Show the answer when it is complete, as suits a front end that cannot update what it shows.",
    )
    @argument("--no-store", action="store_true", help="Keep neither the question nor the answer.")
    @argument(
        "--background",
        action="store_true",
        help="Do not wait: the answer is written into the conversation, and `%%tether history` shows it.",
    )
    @argument("--batch", action="store_true", help="Let people's questions go before this one.")
    @argument("--models", action="store_true", help="As `%%tether models`.")
    @argument("--presets", action="store_true", help="List the presets that --preset takes.")
    @argument(
        "--unload",
        action="store_true",
        help="Give back the memory of the model, and the GPU. Answers under way end; the next question "
        "loads it again.",
    )
    @argument("question", nargs="*", help="The question; in %%%%tether the cell holds it, or the rest of it.")
    def tether(self, line: str, cell: str | None = None, local_ns: Mapping[str, Any] | None = None) -> None:
        """Ask a question and show the answer as it is written.

        `{name}` stands for the value of your variable of that name, in a function for its own; all other
        braces stay as typed. `@df` and `@df.price` send along what there is to know of a variable, as far as
        --see or the server allows.
        Interrupting the kernel stops the answer and keeps its text.

        A line that begins with one of these words is a command, and `%tether ask ...` asks it all the same:

        fix, explain   the last error, or a cell: `%tether fix In [3]`; or code below `%%tether explain`
        models, use    what can answer; what holds from now on: `%tether use openai:name -t 0.2`
        preview        what a question would send, where to, and how many tokens; nothing is sent
        history, undo, branch, export
                       the conversation: what was said; take the last exchange out of what the model sees;
                       go on from another place; save it as Markdown, notebook or JSON
        status, start, stop
                       how the server is; bring one up where there is none, and end it
        help           all of these, a line each
        """
        try:
            self._do(line, cell, local_ns)
        except TetherError as reason:
            if reason.hint == HOW_TO_START and not self.session.has_notebook:
                # A notebook's own server would be another one, with the notebook's conversation.
                reason.hint = START_HERE
            raise quietly(reason, reason.message, reason.hint, when(reason)) from None
        except KeyboardInterrupt as reason:
            self.session.client.close()
            raise quietly(reason, "Stopped by you.") from None

    def _do(self, line: str, cell: str | None, scope: Mapping[str, Any] | None) -> None:
        found = commands.read(line, cell)
        if found is not None:
            found.run(commands.Asked(self.session, parser_of(self), found.rest, cell, scope))
            return
        given, rest = options.split(parser_of(self), line)
        typed = "\n\n".join(filter(None, [rest, (cell or "").strip()]))
        if given.models or given.unload or given.presets:
            self._list(given, typed)
            return
        if not typed:
            raise UsageError("There is no question. Write one behind %tether, or below %%tether.")
        from tether_jupyter.magics import asking

        asking.ask(self.session, asking.Question(typed, given, scope=scope))

    def _list(self, given: Any, typed: str) -> None:
        """Unload, and then list, as the options say."""
        from tether_jupyter.magics import models, presets
        from tether_jupyter.magics.asking import tell

        if typed:
            raise UsageError("--models, --presets and --unload take no question. Ask it by itself.")
        wanted = [models.unload] if given.unload else []
        wanted += [models.listing] if given.models else []
        wanted += [presets.listing] if given.presets else []
        for listing in wanted:
            tell(listing(self.session.client))

    def enter(self) -> None:
        """Follow the shell: which of its cells fail, and what is typed."""
        self.session.failures.watch()
        matchers = getattr(self.session.shell.Completer, "custom_matchers", None)
        if matchers is not None:
            self._completer = Completer(self.session, lambda: parser_of(self))
            matchers.append(self._completer)

    def leave(self) -> None:
        """Follow the shell no more, and close the connections to the server."""
        self.session.failures.unwatch()
        matchers = getattr(self.session.shell.Completer, "custom_matchers", [])
        if self._completer in matchers:
            matchers.remove(self._completer)
        self.session.close()


def parser_of(magics: AskMagics) -> ArgumentParser:
    """Return the parser that the decorators made."""
    parser: ArgumentParser = cast(Any, magics.tether).parser
    return parser
