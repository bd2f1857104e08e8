"""From the options of a question to its request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether
from tests.support.kernels import Kernel
from tether_jupyter.core.request import ChatRequest
from tether_jupyter.errors import NotFound

Said = Callable[..., str]


def test_every_option_that_shapes_an_answer_reaches_the_server(tether: FakeTether, said: Said) -> None:
    said(
        "-m openai:big -t 0 --top-p 0.9 --top-k 40 --min-p 0.05 --seed 7 --max-tokens 9 --stop END "
        r"--stop '\n\n' --presence-penalty -0.5 --frequency-penalty 1 --repeat-penalty 1.1 "
        """--logit-bias '{"13": -5}' --system "be brief" --batch why?"""
    )
    (request,) = tether.requests
    assert request == {
        "message": "why?",
        "client_id": "magic",
        "see": {"words": False},
        "model": "openai:big",
        "temperature": 0.0,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.05,
        "seed": 7,
        "max_tokens": 9,
        "stop": ["END", "\n\n"],
        "presence_penalty": -0.5,
        "frequency_penalty": 1.0,
        "repeat_penalty": 1.1,
        "logit_bias": {"13": -5},
        "system": "be brief",
        "priority": "batch",
    }
    assert ChatRequest.model_validate(request)


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        (r'"Say \"hi\""', 'Say "hi"'),
        (r"'It\'s me'", "It's me"),
        (r'"It\'s in C:\new\table"', r"It\'s in C:\new\table"),
        (r"""'"a\"b" \d'""", r'"a\"b" \d'),
        (r"C:\a\"b", r"C:\a\"b"),
    ],
)
def test_only_an_escaped_quote_of_the_same_kind_loses_its_backslash(
    tether: FakeTether, said: Said, typed: str, sent: str
) -> None:
    said(f"--system {typed} why?")
    assert (tether.requests[0]["system"], tether.requests[0]["message"]) == (sent, "why?")


@pytest.mark.parametrize("option", ["--top-p 2", "--top-k 0", "--seed -1", "--see much", "--logit-bias 3"])
def test_a_value_that_no_server_takes_is_refused_here(
    shell: InteractiveShell, tether: FakeTether, option: str
) -> None:
    with pytest.raises(UsageError):
        shell.run_line_magic("tether", f"{option} why?")
    assert tether.paths == []


def test_the_help_lists_options_and_commands(kernel: Kernel) -> None:
    text = kernel.run("%%tether?").reply["payload"][0]["data"]["text/plain"]
    for word in ("--schema FIELDS", "--attach FILE", "--see LEVEL", "--cells WHICH", "--no-store", "--run"):
        assert word in text
    assert "fix, explain" in text
    assert "%tether ask" in text


class TestAttachments:
    def test_go_to_the_server_first_and_along_by_their_ids(
        self, tether: FakeTether, said: Said, tmp_path: Path
    ) -> None:
        (tmp_path / "a.csv").write_text("x,y\n1,2\n")
        (tmp_path / "two words.txt").write_bytes(b"\xff")
        said(f'-a {tmp_path}/a.csv --attach "{tmp_path}/two words.txt" what is in them?')
        assert tether.uploads == [("a.csv", b"x,y\n1,2\n"), ("two words.txt", b"\xff")]
        assert tether.requests[0]["attachments"] == ["u_1", "u_2"]

    def test_a_file_that_is_not_there_costs_nothing(
        self, shell: InteractiveShell, tether: FakeTether, tmp_path: Path
    ) -> None:
        with pytest.raises(NotFound, match=r"There is no file `.*gone\.csv`"):
            shell.run_line_magic("tether", f"-a {tmp_path}/gone.csv why?")
        assert tether.paths == []


class TestStoring:
    def test_nothing_is_kept_on_request(self, tether: FakeTether, said: Said) -> None:
        said("--no-store a")
        said("b")
        assert tether.requests[0]["store"] is False
        assert "conversation_id" not in tether.requests[1], "nothing was kept to go on with"

    def test_a_question_in_the_background_is_left_to_the_server(self, tether: FakeTether, said: Said) -> None:
        tether.script = [{"wait": "never"}]
        shown = said("--background write a novel")
        assert tether.requests[0]["background"] is True
        assert "under way in the background" in shown
        tether.wait_for_close()

    @pytest.mark.parametrize("line", ["--background -o x q", "--background --no-store q", "--many q"])
    def test_options_that_exclude_each_other_are_told(
        self, shell: InteractiveShell, tether: FakeTether, line: str
    ) -> None:
        with pytest.raises(UsageError):
            shell.run_line_magic("tether", line)
        # Of the test before, a look at the server's health may still come.
        assert set(tether.paths) <= {"/tether/health"}


class TestCells:
    @pytest.fixture(autouse=True)
    def notebook(self, kernel: Kernel) -> Iterator[None]:
        """The kernel as Jupyter starts it for a notebook."""
        kernel.run("import os; os.environ['JPY_SESSION_NAME'] = 'a.ipynb'")
        yield
        kernel.run("del os.environ['JPY_SESSION_NAME']")

    def test_the_server_reads_the_notebook_itself(self, kernel: Kernel, tether: FakeTether) -> None:
        kernel.run("%tether --cells around --see schema why?")
        assert tether.requests[0]["see"] == {"words": False, "level": "schema", "cells": "around"}

    def test_the_cell_is_named_where_the_front_end_tells_it(self, kernel: Kernel, tether: FakeTether) -> None:
        content = {"code": "%tether --cells all why?", "silent": False, "store_history": True}
        content |= {"user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
        message = kernel.client.session.msg("execute_request", content, metadata={"cellId": "abc-1"})
        kernel.client.shell_channel.send(message)
        kernel.finish(message["header"]["msg_id"])
        assert tether.requests[0]["see"] == {"words": False, "cells": "all", "cell_id": "abc-1"}

    def test_a_kernel_without_a_notebook_sends_what_ran_before(
        self, kernel: Kernel, tether: FakeTether
    ) -> None:
        kernel.run("del os.environ['JPY_SESSION_NAME']")
        kernel.run("x = 1")
        kernel.run("%tether --cells all why?")
        kernel.run("os.environ['JPY_SESSION_NAME'] = 'a.ipynb'")
        assert tether.requests[0]["context"][-1]["text"] == "x = 1"
        assert "cells" not in tether.requests[0]["see"]

    def test_a_terminal_sends_what_ran_before(
        self, shell: InteractiveShell, tether: FakeTether, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for cell in ("x = 1", "y = x + 1", "%tether --cells around why?"):
            shell.run_cell(cell, store_history=True)
        (request,) = tether.requests
        assert request["context"] == [
            # Where there is no room for all, the oldest is left out first.
            {"kind": "cell", "name": "In [1]", "text": "x = 1", "optional": 5},
            {"kind": "cell", "name": "In [2]", "text": "y = x + 1", "optional": 1},
        ]
        assert "cells" not in request["see"]


class TestAForeignKernel:
    """A kernel of VS Code or Colab, whose notebook no Jupyter server knows."""

    def test_keeps_its_conversation_all_the_same(
        self, shell: InteractiveShell, tether: FakeTether, monkeypatch: pytest.MonkeyPatch, said: Said
    ) -> None:
        session: Any = shell.magics_manager.registry["AskMagics"].session
        monkeypatch.setattr(session, "kernel_id", "k-1")
        monkeypatch.setattr(session, "_bound", None)
        tether.strangers = {"k-1"}
        for word in ("a", "b", "-c new c", "d"):
            said(word)
        assert [r.get("conversation_id") for r in tether.requests] == [None, "c_1", "c_2", "c_2"]


def test_the_saved_notebook_can_tell_how_it_was_asked(
    kernel: Kernel, tether: FakeTether, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("secret-content-4711")
    kernel.run("city = 'value-4712'")
    ran = kernel.run(
        f"%%tether --preset kind -t 0 --seed 3 --see samples --no-store -a {tmp_path}/notes.txt\n@city?"
    )
    assert ran.reply["status"] == "ok", ran.printed
    found = ran.metadata
    assert found["parameters"] == {"preset": "kind", "temperature": 0.0, "seed": 3}
    assert (found["see"], found["variables"], found["attachments"]) == ("samples", ["city"], ["notes.txt"])
    assert found["stored"] is False
    assert found["prompt"] == "@city?"
    shown = str([message for _, message in ran.messages])
    for secret in (tether.token, "value-4712", "secret-content-4711", str(tmp_path)):
        assert secret not in str(found)
    assert tether.token not in shown


def test_what_did_not_go_along_and_what_was_masked_is_told(kernel: Kernel, tether: FakeTether) -> None:
    left = [{"kind": "cell", "name": "In [1]", "tokens": 9000, "why": "no room"}]
    tether.seen = {"level": "samples", "left_out": left, "masked": [{"kind": "API key", "count": 2}]}
    for way in ("", "--no-stream "):
        ran = kernel.run(f"%tether {way}why?")
        plain = ran.displays[-1]["data"]["text/plain"]
        assert "Left out: cell In [1] (no room).\n\nMasked, because it looks secret: 2 × API key." in plain
        assert (ran.metadata["level"], ran.metadata["left_out"]) == ("samples", left)
        assert ran.metadata["masked"] == [{"kind": "API key", "count": 2}]
