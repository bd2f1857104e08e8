"""`%tether` in a terminal's IPython, which has no kernel and no display."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether, words
from tether_jupyter.errors import ModelNotReady, RateLimited


def test_the_answer_is_printed_as_plain_text(
    shell: InteractiveShell, tether: FakeTether, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell.run_cell("%tether why?").success
    assert capsys.readouterr().out == "Hello there\ntiny · this machine · 2 tokens · 41/s\n"


def test_each_piece_is_printed_when_it_comes(
    shell: InteractiveShell, tether: FakeTether, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    class Out:
        def write(self, text: str) -> None:
            written.append(text)

        def flush(self) -> None:
            if written[-1] == "one":
                tether.release("more")

    tether.script = [{"delta": "one"}, {"wait": "more"}, *words("two")]
    monkeypatch.setattr("sys.stdout", Out())
    shell.run_line_magic("tether", "go")
    assert written[:2] == ["one", "two"]


def test_the_conversation_goes_on_from_question_to_question(
    shell: InteractiveShell, tether: FakeTether, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in ("a", "b", "-c new c", "d"):
        shell.run_line_magic("tether", line)
    sent = [request.get("conversation_id") for request in tether.requests]
    assert sent == [None, "c_1", "c_2", "c_2"]
    assert all("kernel_id" not in request for request in tether.requests)


def test_control_characters_do_not_reach_the_terminal(
    shell: InteractiveShell, tether: FakeTether, capsys: pytest.CaptureFixture[str]
) -> None:
    tether.script = words("a\x1b]52;c;ZXZpbA==\x07b")
    shell.run_line_magic("tether", "-o kept q")
    assert "\x1b" not in capsys.readouterr().out
    assert "a" in str(shell.user_ns["kept"])


def test_a_failure_raises_the_typed_error(shell: InteractiveShell, tether: FakeTether) -> None:
    tether.script = [{"refuse": {"type": "rate_limited", "message": "Slow."}, "status": 429}]
    with pytest.raises(RateLimited, match="Slow"):
        shell.run_line_magic("tether", "q")


def test_no_server_is_told_with_what_to_do(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("JUPYTER_SERVER_URL", "JPY_PARENT_PID", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    result = shell.run_cell("%tether why?")
    shown = result.error_in_exec._render_traceback_()  # type: ignore[union-attr]
    assert shown[0] == "No running Jupyter server was found."
    assert "jupyter lab" in shown[1]


def test_loading_twice_and_unloading_leave_the_shell_as_it_was(shell: InteractiveShell) -> None:
    before = len(shell.input_transformers_cleanup)
    shell.extension_manager.load_extension("tether_jupyter.magics")
    shell.extension_manager.reload_extension("tether_jupyter.magics")
    assert len(shell.input_transformers_cleanup) == before
    shell.extension_manager.unload_extension("tether_jupyter.magics")
    assert shell.find_line_magic("tether") is None
    assert len(shell.input_transformers_cleanup) == before - 1
    shell.extension_manager.load_extension("tether_jupyter.magics")


def test_an_empty_question_is_a_usage_error(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="no question"):
        shell.run_line_magic("tether", "")


@pytest.mark.parametrize(
    ("cell", "sent"),
    [
        ("%tether why?", "why?"),
        ("%tether what is this?? ", "what is this??"),
        ("if True:\n    %tether -t 0 it's what?\n", "it's what?"),
        ("%%tether\n%tether why?", "%tether why?"),
        ("%tether -- --why?", "--why?"),
    ],
)
def test_a_question_may_end_with_its_mark(
    shell: InteractiveShell, tether: FakeTether, cell: str, sent: str
) -> None:
    shell.run_cell(cell)
    assert [request["message"] for request in tether.requests] == [sent]


def test_an_option_that_is_nearly_one_is_told(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match=r"no option --temprature\. Did you mean `--temperature`\?"):
        shell.run_line_magic("tether", "--temprature 0.3 why?")


def test_without_a_server_the_way_to_bring_one_up_is_told(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("JUPYTER_SERVER_URL")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(ModelNotReady) as refused:
        shell.run_line_magic("tether", "why?")
    assert "`%tether start`" in str(refused.value.hint)
