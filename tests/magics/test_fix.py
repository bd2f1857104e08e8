"""`%tether fix` and `%tether explain`: the last error, or a cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether, words
from tests.support.kernels import Kernel
from tether_jupyter.errors import NotFound
from tether_jupyter.magics import asks

Said = Callable[..., str]
FIXED = "The name was wrong.\n\n```python\ntotal = 3\nprint(total)\n```\n"


@pytest.fixture
def failed(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """A shell whose second cell has failed."""
    shell.run_cell("rate = 3", store_history=True)
    shell.run_cell("total = 3\nprint(totl)", store_history=True)
    capsys.readouterr()


def context(tether: FakeTether) -> dict[str, dict[str, Any]]:
    """Return the context of the last request, by kind."""
    return {item["kind"]: item for item in tether.requests[-1]["context"]}


def said_of(command: str, error: str) -> str:
    """Return what a command asks of an error."""
    return {"fix": asks.FIX, "explain": asks.EXPLAIN}[command].format(error=error)


@pytest.mark.usefixtures("failed")
class TestTheLastError:
    @pytest.mark.parametrize("command", ["fix", "explain"])
    def test_goes_along_with_the_cell_that_it_happened_in(
        self, tether: FakeTether, said: Said, command: str
    ) -> None:
        said(f"{command} -m openai:big")
        found = context(tether)
        assert found["error"]["name"] == "NameError"
        assert found["error"]["data"]["message"].startswith("name 'totl' is not defined")
        assert found["cell"] == {"kind": "cell", "name": "In [2]", "text": "total = 3\nprint(totl)"}
        assert tether.requests[-1]["message"] == said_of(command, "NameError")
        assert tether.requests[-1]["model"] == "openai:big"

    def test_can_be_fixed_as_one_says(self, tether: FakeTether, said: Said) -> None:
        said("fix: rename it to {rate} and keep @rate")
        assert (
            tether.requests[-1]["message"] == f"{said_of('fix', 'NameError')} rename it to 3 and keep @rate"
        )
        assert context(tether)["variable"]["name"] == "rate"

    def test_is_named_by_its_cell_as_well(self, tether: FakeTether, said: Said) -> None:
        said("explain In [2] in one sentence")
        assert set(context(tether)) == {"error", "cell"}
        assert tether.requests[-1]["message"] == f"{said_of('explain', 'NameError')} in one sentence"

    def test_stays_the_last_one_after_a_question_of_tethers_own_failed(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        tether.scripts = [[{"refuse": {"type": "rate_limited", "message": "Slow."}, "status": 429}]]
        shell.run_cell("%tether why?", store_history=True)
        shell.run_cell("%tether histroy", store_history=True)
        said("fix")
        assert context(tether)["error"]["name"] == "NameError"

    def test_is_what_went_wrong_in_the_syntax_too(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        shell.run_cell("for x in range(3) print(x)", store_history=True)
        said("fix")
        assert context(tether)["error"]["name"] == "SyntaxError"
        assert context(tether)["cell"]["text"] == "for x in range(3) print(x)"

    def test_puts_the_code_into_the_next_cell(
        self, tether: FakeTether, said: Said, next_cell: list[str]
    ) -> None:
        tether.script = words(FIXED)
        said("fix")
        assert next_cell == ["total = 3\nprint(total)"]

    @pytest.mark.parametrize("answer", ["I do not know.", f"{FIXED}\nor\n\n```python\nprint(3)\n```\n"])
    def test_puts_nothing_there_where_the_answer_leaves_a_choice(
        self, tether: FakeTether, said: Said, next_cell: list[str], answer: str
    ) -> None:
        tether.script = words(answer)
        said("fix")
        assert next_cell == []

    def test_is_explained_without_touching_the_next_cell(
        self, tether: FakeTether, said: Said, next_cell: list[str]
    ) -> None:
        tether.script = words(FIXED)
        said("explain")
        assert next_cell == []


class TestACell:
    def test_goes_along_by_its_number(self, shell: InteractiveShell, tether: FakeTether, said: Said) -> None:
        shell.run_cell("rate = 3", store_history=True)
        for way in ("explain In [1]", "explain [1]", "explain 1", "explain cell 1"):
            said(way)
            assert tether.requests[-1]["message"] == asks.EXPLAIN_CODE
            assert tether.requests[-1]["context"] == [{"kind": "cell", "name": "In [1]", "text": "rate = 3"}]

    def test_stands_below_the_magic(self, tether: FakeTether, said: Said) -> None:
        said("fix", "for x in [1]\n    print(x)\n")
        assert tether.requests[-1]["message"] == asks.FIX_CODE
        assert context(tether)["cell"]["text"] == "for x in [1]\n    print(x)"

    def test_that_never_ran_is_told(self, shell: InteractiveShell, tether: FakeTether) -> None:
        with pytest.raises(NotFound, match=r"no In \[99\]"):
            shell.run_line_magic("tether", "explain In [99]")
        assert tether.paths == []

    def test_that_is_empty_is_told(self, shell: InteractiveShell) -> None:
        with pytest.raises(UsageError, match="no code below"):
            shell.run_cell_magic("tether", "explain", "  \n")


@pytest.mark.parametrize("command", ["fix", "explain"])
def test_no_error_is_told_with_what_to_do(shell: InteractiveShell, tether: FakeTether, command: str) -> None:
    with pytest.raises(NotFound) as raised:
        shell.run_line_magic("tether", command)
    assert raised.value.message == "No cell has failed yet."
    assert f"%tether {command} In [3]" in str(raised.value.hint)
    assert tether.paths == []


def test_an_error_from_before_the_extension_was_loaded_finds_its_cell(
    shell: InteractiveShell, tether: FakeTether, said: Said
) -> None:
    shell.extension_manager.unload_extension("tether_jupyter.magics")
    shell.run_cell("1 / 0", store_history=True)
    shell.extension_manager.load_extension("tether_jupyter.magics")
    said("fix")
    assert context(tether)["error"]["name"] == "ZeroDivisionError"
    assert context(tether)["cell"]["text"] == "1 / 0"


def test_a_notebook_gets_the_fixed_cell_below(kernel: Kernel, tether: FakeTether) -> None:
    assert kernel.run("print(totl)").reply["ename"] == "NameError"
    tether.script = words(FIXED)
    ran = kernel.run("%tether fix")
    assert ran.reply["payload"] == [
        {"source": "set_next_input", "text": "total = 3\nprint(total)", "replace": False}
    ]
    assert context(tether)["cell"]["text"] == "print(totl)"
    assert ran.metadata["command"] == "fix"
    assert ran.metadata["context"][0] == {"kind": "error", "name": "NameError"}
