# mypy: disable-error-code="no-untyped-call, untyped-decorator"
# IPython's decorators for a magic's arguments are not typed.
"""`%tether` and `%%tether`: ask a question where the code is."""

from __future__ import annotations

import re
import sys
import time
from argparse import ArgumentParser
from typing import Any, TypeVar, cast

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from tether_jupyter.client.sync import Client
from tether_jupyter.errors import NotFound, TetherError
from tether_jupyter.magics import braces, models, options, presets
from tether_jupyter.magics.answer import DEMO, Answer
from tether_jupyter.magics.loading import LoadWatch
from tether_jupyter.magics.origin import Origin
from tether_jupyter.magics.output import NotebookOutput, Output, TerminalOutput
from tether_jupyter.magics.reader import Reader

Failure = TypeVar("Failure", bound=BaseException)

CONNECTION_FILE = re.compile(r"kernel-([0-9A-Za-z-]+)\.json$")
HEALTH_SECONDS = 0.2


@magics_class
class AskMagics(Magics):
    """Ask the model that the Jupyter server offers."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._shell = shell
        self._client = Client()
        self._kernel_id = kernel_id(shell)
        self._named: dict[str, str] = {}
        self._own: str | None = None
        self._origins: dict[str, Origin] = {}
        self._told = False

    @no_var_expand
    @line_cell_magic
    @magic_arguments()
    @argument("-m", "--model", help="The model to ask, such as local:name or openai:name.")
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
        help="Assign the answer's text to this variable.",
    )
    @argument("-t", "--temperature", type=options.temperature, help="From 0 (the same each time) to 2.")
    @argument("--max-tokens", type=options.positive, help="The longest answer, in tokens.")
    @argument("--system", metavar="TEXT", help="What the model is told before the question.")
    @argument("--preset", metavar="NAME", help="Answer as this preset of the front end `magic` says.")
    @argument("--no-stream", action="store_true", help="Show the answer when it is complete.")
    @argument("--presets", action="store_true", help="List the presets that --preset takes.")
    @argument("--models", action="store_true", help="List the models that are here, and which one answers.")
    @argument(
        "--unload",
        action="store_true",
        help="Give back the memory of the model, and the GPU. Answers under way end; the next question "
        "loads it again.",
    )
    @argument("question", nargs="*", help="The question; in %%%%tether the cell holds it, or the rest of it.")
    def tether(self, line: str, cell: str | None = None) -> None:
        """Ask a question and show the answer as it is written.

        `{name}` stands for the value of your variable of that name; all other braces stay as typed.
        Interrupting the kernel stops the answer and keeps its text.
        """
        given, rest = options.split(parser_of(self), line)
        typed = "\n\n".join(filter(None, [rest, (cell or "").strip()]))
        if given.models or given.unload or given.presets:
            self._list(given, typed)
            return
        if not typed:
            raise UsageError("There is no question. Write one behind %tether, or below %%tether.")
        record: dict[str, Any] = {"prompt": typed}
        answer = Answer(record, time.monotonic())
        try:
            message, filled = braces.fill(typed, braces.own_variables(self._shell))
            parameters = self._parameters(given)
            record |= {"parameters": parameters} if parameters else {}
            record |= {"filled": filled} if filled else {}
            request = {"message": message, "client_id": presets.CLIENT, **parameters, **self._address(given)}
            self._ask(request, answer, stream=not given.no_stream)
        except TetherError as reason:
            if isinstance(reason, NotFound) and "conversation" in reason.message and not answer.meta:
                self._forget(given, reason)
            raise quietly(reason, reason.message, reason.hint, when(reason)) from None
        except KeyboardInterrupt as reason:
            raise quietly(reason, "Stopped by you.") from None
        finally:
            if given.output is not None and (answer.size or answer.ended):
                self._shell.user_ns[given.output] = answer.text
        self._remember(given, answer)

    def _list(self, given: Any, typed: str) -> None:
        """Unload, and then list, as the options say."""
        if typed:
            raise UsageError("--models, --presets and --unload take no question. Ask it by itself.")
        wanted = [models.unload] if given.unload else []
        wanted += [models.listing] if given.models else []
        wanted += [presets.listing] if given.presets else []
        try:
            for tell in wanted:
                sys.stdout.write(f"{tell(self._client)}\n")
        except TetherError as reason:
            raise quietly(reason, reason.message, reason.hint, when(reason)) from None
        except KeyboardInterrupt as reason:
            self._client.close()
            raise quietly(reason, "Stopped by you.") from None

    def close(self) -> None:
        """Close the connections to the server."""
        self._client.close()

    def _parameters(self, given: Any) -> dict[str, Any]:
        names = ("model", "preset", "temperature", "max_tokens", "system")
        return {name: getattr(given, name) for name in names if getattr(given, name) is not None}

    def _address(self, given: Any) -> dict[str, Any]:
        """Return the fields that say which conversation the question belongs to."""
        notebook = {"kernel_id": self._kernel_id} if self._kernel_id else {}
        name = given.conversation
        if name == "new":
            return {**notebook, "conversation_id": self._client.new_conversation(**notebook)}
        if name is not None:
            # Without an id it must not carry the kernel's: that would go on with the notebook's own.
            return {**notebook, "conversation_id": self._named[name]} if name in self._named else {}
        if self._kernel_id:
            return notebook
        return {"conversation_id": self._own} if self._own else {}

    def _remember(self, given: Any, answer: Answer) -> None:
        conversation = answer.meta.get("conversation_id")
        if conversation and given.conversation not in (None, "new"):
            self._named[given.conversation] = conversation
        elif conversation and not self._kernel_id:
            self._own = conversation

    def _forget(self, given: Any, reason: NotFound) -> None:
        """Drop the id of a conversation that the server refused."""
        if given.conversation is None:
            lost, self._own = self._own, None
        else:
            lost = self._named.pop(given.conversation, None)
        if lost is not None and reason.hint is None:
            reason.hint = "The server no longer has this conversation. Run the cell again to start anew."

    def _ask(self, request: dict[str, Any], answer: Answer, *, stream: bool) -> None:
        output: Output = (
            NotebookOutput(self._shell.display_pub, answer)
            if getattr(self._shell, "kernel", None) is not None
            else TerminalOutput(answer)
        )
        try:
            if stream:
                self._stream(request, answer, output)
            else:
                self._whole(request, answer, output)
        except KeyboardInterrupt:
            answer.outcome = "Stopped by you"
            self._client.close()
            self._describe(answer, patience=0)
            output.close()
            raise
        except TetherError:
            answer.outcome = "incomplete"
            self._describe(answer, patience=0)
            output.close(failed=True)
            raise
        self._describe(answer, patience=HEALTH_SECONDS)
        output.close()

    def _stream(self, request: dict[str, Any], answer: Answer, output: Output) -> None:
        stream = self._client.stream(**request)
        reader: Reader | None = None
        try:
            stream.open()
            reader = Reader(stream)
            watch = LoadWatch(self._client, answer)
            while not answer.ended:
                event = reader.next(output.wait())
                if event is None:
                    watch.glance(time.monotonic())
                    output.tick()
                elif text := answer.take(event):
                    output.write(text)
                elif "meta" in event:
                    self._origin(answer)
            reader.finish()
        except BaseException:
            if reader is not None:
                reader.abort()
            stream.abort()
            raise

    def _whole(self, request: dict[str, Any], answer: Answer, output: Output) -> None:
        reply = self._client.chat(**request)
        answer.take(
            {"meta": {"id": reply.id, "conversation_id": reply.conversation_id, "model": reply.model}}
        )
        if reply.usage:
            answer.take({"usage": reply.usage})
        if reply.text:
            output.write(answer.take({"delta": reply.text}))
        answer.take({"done": True, "finish_reason": reply.finish_reason})

    def _origin(self, answer: Answer) -> Origin:
        """Return where the answer's model runs, which is asked for once, while it answers."""
        label = str(answer.meta.get("model") or "")
        if label not in self._origins:
            self._origins[label] = Origin(self._client, label)
        return self._origins[label]

    def _describe(self, answer: Answer, *, patience: float) -> None:
        """Fill in where the answer came from, as far as that is known."""
        if not answer.meta:
            return
        origin = self._origin(answer)
        answer.place, answer.demo = origin.learn(patience)
        if answer.demo and not self._told:
            self._told = True
            answer.notice = DEMO


def parser_of(magics: AskMagics) -> ArgumentParser:
    """Return the parser that the decorators made."""
    parser: ArgumentParser = cast(Any, magics.tether).parser
    return parser


def kernel_id(shell: Any) -> str | None:
    """Return the id by which the server knows this kernel; `None` outside of one."""
    if getattr(shell, "kernel", None) is None:
        return None
    from ipykernel.kernelapp import IPKernelApp

    if not IPKernelApp.initialized():
        return None
    found = CONNECTION_FILE.search(str(IPKernelApp.instance().connection_file))
    return found[1] if found else None


def when(reason: TetherError) -> str | None:
    """Return when to try again, where that is known and the message does not tell."""
    if reason.retry_after is None:
        return None
    seconds = max(1, round(reason.retry_after))
    return None if re.search(rf"\b{seconds} s\b", reason.message) else f"Try again in {seconds} s."


def quietly(reason: Failure, *lines: str | None) -> Failure:
    """Return the exception so that IPython shows these lines instead of a traceback."""
    shown = [line for line in lines if line]
    if not reason.args:
        reason.args = tuple(shown)
    vars(reason)["_render_traceback_"] = lambda: shown
    return reason
