"""`--code` and `--run`: what becomes of the code in an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether, words
from tests.support.kernels import Kernel
from tether_jupyter.magics.code import CodeFailed, NoCode, blocks

Said = Callable[..., str]
ANSWER = (
    "First this:\n\n```python\nx = 1\n```\n\nthen a shell:\n\n```bash\nls\n```\n\n```py\ny = x + 1\n```\n"
)
CODE = "x = 1\n\ny = x + 1"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the user; the test puts the answer in first."""
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return asked.pop(0)

    monkeypatch.setattr("builtins.input", ask)
    return asked


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (ANSWER, ["x = 1", "y = x + 1"]),
        ("```\nx = 1\n```\n\nand\n\n```\ny = 2\n```", ["x = 1", "y = 2"]),
        ("```bash\nls\n```\n\n```\nnot Python\n```", []),
        ("1. So:\n\n   ```python\n   if x:\n       y\n   ```\n", ["if x:\n    y"]),
        ("No code.", []),
        ("```python\ncut off", []),
    ],
)
def test_the_blocks_of_an_answer(answer: str, found: list[str]) -> None:
    assert blocks(answer) == found


class TestCode:
    def test_goes_into_the_next_cell_and_does_not_run(
        self, shell: InteractiveShell, tether: FakeTether, said: Said, next_cell: list[str]
    ) -> None:
        tether.script = words(ANSWER)
        said("--code -o text make y")
        assert next_cell == [CODE]
        assert "y" not in shell.user_ns
        assert shell.user_ns["text"] == ANSWER

    def test_holds_no_control_characters(self, tether: FakeTether, said: Said, next_cell: list[str]) -> None:
        tether.script = words("```python\nx = 1\x1b[2K\x08\n```")
        said("--code make x")
        assert next_cell == ["x = 1[2K"]

    def test_that_is_not_there_fails_the_cell(
        self, shell: InteractiveShell, tether: FakeTether, next_cell: list[str]
    ) -> None:
        with pytest.raises(NoCode, match="no Python code"):
            shell.run_line_magic("tether", "--code why?")
        assert next_cell == []


class TestRunning:
    def test_happens_after_a_yes_and_stands_in_the_history(
        self, shell: InteractiveShell, tether: FakeTether, answers: list[str], capsys: Any
    ) -> None:
        tether.script = words(ANSWER)
        answers.append("y")
        shell.run_cell("first = 0", store_history=True)
        shell.run_cell("%tether --run make y", store_history=True)
        shell.run_cell("after = y", store_history=True)
        shown = capsys.readouterr().out
        assert shown.index("    y = x + 1") < shown.index("tiny") or "    y = x + 1" in shown
        assert shell.user_ns["after"] == 2
        history = shell.history_manager.input_hist_raw
        assert history[1:] == ["first = 0", "%tether --run make y", CODE, "after = y"]
        assert shell.execution_count == 5
        kept = shell.history_manager.get_range(raw=True, output=False)
        assert [(line, source) for _, line, source in kept][1:] == list(enumerate(history))[2:]
        shell.history_manager.writeout_cache()
        assert "not unique" not in "".join(capsys.readouterr())

    @pytest.mark.parametrize("word", ["", "n", "no", "yeah, but"])
    def test_needs_a_clear_yes(
        self,
        shell: InteractiveShell,
        tether: FakeTether,
        answers: list[str],
        said: Said,
        next_cell: list[str],
        word: str,
    ) -> None:
        tether.script = words(ANSWER)
        answers.append(word)
        assert said("--run make y").endswith("Nothing ran.\n")
        assert "y" not in shell.user_ns
        assert next_cell == []

    def test_where_nobody_can_be_asked_leaves_the_code_for_the_next_cell(
        self, shell: InteractiveShell, tether: FakeTether, said: Said, next_cell: list[str], monkeypatch: Any
    ) -> None:
        def nobody(prompt: str) -> str:
            raise EOFError

        monkeypatch.setattr("builtins.input", nobody)
        tether.script = words(ANSWER)
        assert "Nobody can be asked here" in said("--run make y")
        assert next_cell == [CODE]
        assert "y" not in shell.user_ns

    def test_of_code_that_waits_is_left_to_the_user(
        self, tether: FakeTether, said: Said, next_cell: list[str]
    ) -> None:
        tether.script = words("```python\nawait thing()\n```")
        assert "`await`" in said("--run wait")
        assert next_cell == ["await thing()"]

    def test_of_code_that_reads_otherwise_than_it_runs_is_refused(
        self, shell: InteractiveShell, tether: FakeTether, said: Said, next_cell: list[str]
    ) -> None:
        tether.script = words("```python\nx = 'a\u202eb'\n```")
        assert "invisible signs" in said("--run make x")
        assert "x" not in shell.user_ns

    def test_that_fails_fails_the_cell_and_can_be_fixed(
        self, shell: InteractiveShell, tether: FakeTether, answers: list[str], capsys: Any
    ) -> None:
        tether.script = words("```python\n1 / 0\n```")
        answers.append("yes")
        ran = shell.run_cell("%tether --run divide", store_history=True)
        assert isinstance(ran.error_in_exec, CodeFailed)
        assert "ZeroDivisionError" in capsys.readouterr().out
        shell.run_cell("%tether fix", store_history=True)
        kinds = {item["kind"]: item for item in tether.requests[-1]["context"]}
        assert kinds["error"]["name"] == "ZeroDivisionError"
        assert kinds["cell"]["text"] == "1 / 0"

    def test_in_a_notebook_asks_through_the_front_end(self, kernel: Kernel, tether: FakeTether) -> None:
        tether.script = words(ANSWER)
        request = str(kernel.client.execute("%tether --run make y", allow_stdin=True))
        asked = kernel.client.get_stdin_msg(timeout=20)
        assert asked["content"]["prompt"] == "Run this code? [y/N] "
        kernel.client.input("y")
        ran = kernel.finish(request)
        assert ran.reply["status"] == "ok"
        assert kernel.value("y") == "2"
        number = ran.reply["execution_count"]
        assert kernel.value(f"In[{number}]") == repr(CODE)
        assert kernel.run("y").reply["execution_count"] == number + 1

    def test_in_a_notebook_that_cannot_ask_says_so(self, kernel: Kernel, tether: FakeTether) -> None:
        tether.script = words(ANSWER)
        ran = kernel.finish(str(kernel.client.execute("%tether --run make y", allow_stdin=False)))
        assert "Nobody can be asked here" in ran.printed
        assert ran.reply["payload"][0]["text"] == CODE
