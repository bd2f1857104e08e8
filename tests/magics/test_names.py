"""Which variable a name in a question is: a function's own first, and as Python keeps names."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether, words
from tests.support.kernels import Kernel
from tether_jupyter.errors import NotFound, TetherError

Said = Callable[..., str]
FUNCTION = """
def explain(topic, table=None):
    %tether {line}
explain(*given)
"""


@pytest.fixture
def explain(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Ask from within a function whose own variables are `topic` and `table`."""

    def run(line: str, *given: Any) -> None:
        shell.user_ns["given"] = given
        shell.run_cell(FUNCTION.replace("{line}", line)).raise_error()

    return run


def variables(tether: FakeTether) -> dict[str, Any]:
    """Return the variables of the last request, by name."""
    return {item["name"]: item["data"] for item in tether.requests[-1].get("context", [])}


class TestInAFunction:
    @pytest.mark.parametrize("line", ["-o answer Explain {topic}", "-o answer Explain {topic}?"])
    def test_braces_hold_its_own_variables(
        self, shell: InteractiveShell, tether: FakeTether, explain: Callable[..., None], line: str
    ) -> None:
        explain(line, "food")
        shell.user_ns["topic"] = "the notebook's"
        explain(line, "rooms")
        ends = "?" if line.endswith("?") else ""
        assert [r["message"] for r in tether.requests] == [f"Explain food{ends}", f"Explain rooms{ends}"]
        assert shell.user_ns["answer"] == "Hello there"
        shell.run_cell("%tether Explain {topic} {line} {given}").raise_error()
        assert tether.requests[-1]["message"] == "Explain the notebook's {line} ('rooms',)"

    def test_an_at_sends_its_own_table_and_not_the_notebooks(
        self, shell: InteractiveShell, tether: FakeTether, explain: Callable[..., None]
    ) -> None:
        inner = pd.DataFrame({"inner": [1, 2]})
        explain("What of @table?", "x", inner)
        assert [column["name"] for column in variables(tether)["table"]["columns"]] == ["inner"]
        shell.user_ns["table"] = pd.DataFrame({"outer": [1, 2, 3]})
        explain("--see values Is the table right, and @table.inner too?", "x", inner)
        assert list(variables(tether)) == ["table"]
        assert "outer" not in json.dumps(tether.requests[-1])
        assert tether.requests[-1]["see"]["words"] is False, "the server would look for the notebook's"
        with pytest.raises(NotFound, match=r"has no column or entry `outer`"):
            explain("What of @table.outer?", "x", inner)

    def test_what_the_notebook_has_is_there_as_well(
        self, shell: InteractiveShell, tether: FakeTether, explain: Callable[..., None]
    ) -> None:
        shell.user_ns["rate"] = 0.19
        explain("Is {topic} at {rate} right, {In} {exit}? @rate", "food")
        assert tether.requests[-1]["message"] == "Is food at 0.19 right, {In} {exit}? @rate"
        assert list(variables(tether)) == ["rate"]

    def test_a_schema_may_be_its_own(
        self, shell: InteractiveShell, tether: FakeTether, explain: Callable[..., None]
    ) -> None:
        shell.user_ns["topic"] = "wrong str"
        tether.script = words('{"stars": 4}')
        explain("-o found --schema topic How many?", "stars int")
        assert shell.user_ns["found"].stars == 4

    def test_fix_and_preview_speak_of_the_same(
        self, tether: FakeTether, explain: Callable[..., None]
    ) -> None:
        explain("preview Explain {topic}", "food")
        assert tether.previewed[-1]["message"] == "Explain food"
        with pytest.raises(ZeroDivisionError):
            explain("ask {topic}\n    1 / 0", "food")
        explain("fix with {topic}", "less food")
        assert tether.requests[-1]["message"].endswith("with less food")

    def test_in_a_kernel_it_is_the_same(self, kernel: Kernel, tether: FakeTether) -> None:
        kernel.run(
            "topic = 'the notebook'\ndef explain(topic):\n    %tether Explain {topic}\nexplain('food')"
        )
        kernel.run("%%tether\nExplain {topic}")
        assert [r["message"] for r in tether.requests] == ["Explain food", "Explain the notebook"]


EPSILON, PHI, MICRO = "\u03f5", "\u03d5", "\u00b5"
"""As keyboards and `\\epsilon` + Tab write them; Python keeps each as another character."""


class TestANameThatPythonKeepsOtherwise:
    @pytest.fixture(autouse=True)
    def mine(self, shell: InteractiveShell) -> None:
        shell.run_cell(f"{PHI}, {MICRO}, x2 = 1.5, 2.5, 7").raise_error()
        assert MICRO not in shell.user_ns

    def test_can_be_assigned_to(self, shell: InteractiveShell, said: Said) -> None:
        said(f"-o {EPSILON} why?")
        shell.run_cell(f"seen = {EPSILON}").raise_error()
        assert shell.user_ns["seen"] == "Hello there"

    def test_is_filled_in(self, tether: FakeTether, said: Said) -> None:
        said(f"is {{{PHI}}} more than {{{MICRO}}}, {{x²}}?")
        assert tether.requests[0]["message"] == "is 1.5 more than 2.5, {x²}?"

    def test_is_found_behind_an_at_and_as_a_word(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        shell.run_cell(f"{MICRO}m = {PHI}{PHI}{PHI} = 3").raise_error()
        said(f"--see values is @{MICRO} right, with {PHI}{PHI}{PHI}?")
        assert list(variables(tether)) == ["\u03bc", "\u03c6" * 3]
        with pytest.raises(TetherError, match="no variable"):
            said("what of @x²?")

    def test_of_a_column_stays_as_it_is_written(
        self, shell: InteractiveShell, tether: FakeTether, said: Said
    ) -> None:
        shell.run_cell(f"{EPSILON}s = table = None").raise_error()
        shell.user_ns["\u03b5s"] = pd.DataFrame({MICRO: [1], "other": [2]})
        said(f"how large is @{EPSILON}s.{MICRO}, or @{EPSILON}s['{MICRO}']?")
        assert {column["name"] for data in variables(tether).values() for column in data["columns"]} == {
            MICRO
        }

    def test_may_be_a_schemas(self, shell: InteractiveShell, tether: FakeTether, said: Said) -> None:
        shell.run_cell(f"{PHI} = 'stars int'").raise_error()
        tether.script = words('{"stars": 4}')
        said(f"-o {EPSILON} --schema {PHI} how many?")
        assert shell.user_ns["\u03b5"].stars == 4

    def test_is_no_keyword_in_other_letters(self, shell: InteractiveShell, tether: FakeTether) -> None:
        with pytest.raises(UsageError, match="not a variable"):
            shell.run_line_magic("tether", "-o 𝐢𝐟 why?")
        assert tether.requests == []
