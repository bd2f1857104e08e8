"""What `probe.error` tells of the last error."""

from __future__ import annotations

import json
import linecache
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tether_jupyter.context.probe import error


class Shell:
    """As much of IPython's shell as an error needs: which files are cells."""

    def __init__(self) -> None:
        self.compile = SimpleNamespace(_filename_map={})
        self.user_ns: dict[str, Any] = {}

    def run(self, code: str, number: int = 1) -> None:
        """Run a cell, and keep its error as IPython does."""
        code = textwrap.dedent(code).strip() + "\n"
        name = f"<ipython-input-{number}-test>"
        self.compile._filename_map[name] = number
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        try:
            exec(compile(code, name, "exec"), self.user_ns)  # noqa: S102 - as a shell does
        except BaseException as failed:  # noqa: BLE001 - whatever the cell raises is what is tested
            sys.last_value = failed


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.delattr(sys, "last_exc", raising=False)
    monkeypatch.setattr(sys, "last_value", None, raising=False)
    yield Shell()
    for name in [name for name in linecache.cache if name.endswith("-test>")]:
        del linecache.cache[name]


@pytest.fixture
def failing(shell: Shell) -> Callable[..., dict[str, Any]]:
    def run(code: str, level: str = "schema") -> dict[str, Any]:
        shell.run(code)
        found = error(shell, level)
        assert found is not None
        json.dumps(found)
        return found

    return run


def test_no_error_is_none(shell: Shell) -> None:
    assert error(shell) is None


def test_an_error_has_its_type_its_message_and_its_place(failing: Callable[..., dict[str, Any]]) -> None:
    found = failing(
        """
        def divide(a, b):
            c = [1, 2]
            return a / b

        n = 5
        divide(n, 0)
        """
    )
    assert (found["type"], found["message"]) == ("ZeroDivisionError", "division by zero")
    cell, inner = found["frames"]
    assert (cell["where"], cell["function"], cell["line"]) == ("cell [1]", "<module>", 6)
    assert [variable["name"] for variable in cell["locals"]] == ["n", "divide"]
    assert inner["function"] == "divide"
    assert inner["code"] == [
        "  1  def divide(a, b):",
        "  2      c = [1, 2]",
        "→ 3      return a / b",
        "  4  ",
        "  5  n = 5",
    ]
    assert {variable["name"]: variable["type"] for variable in inner["locals"]} == {
        "a": "int",
        "b": "int",
        "c": "list",
    }


def test_the_level_decides_whether_values_are_told(failing: Callable[..., dict[str, Any]]) -> None:
    code = "secret_key = 'hunter2'\nn = 4711\nn / 0 if secret_key else 0"
    assert "4711" not in json.dumps(failing(code)["frames"][0]["locals"])
    shown = json.dumps(failing(code, "samples")["frames"][0]["locals"])
    assert "4711" in shown
    assert "hunter2" not in shown


def test_what_libraries_do_is_one_line(failing: Callable[..., dict[str, Any]]) -> None:
    found = failing("import json\ndef load(text):\n    return json.loads(text)\nload('{')")
    assert [frame["where"] for frame in found["frames"]] == ["cell [1]", "cell [1]", "… 3 frames in json"]
    assert found["type"] == "json.JSONDecodeError"
    assert "locals" not in found["frames"][-1]


def test_a_call_back_from_a_library_stays(failing: Callable[..., dict[str, Any]]) -> None:
    found = failing("import functools\nfunctools.reduce(lambda a, b: a / b, [1, 0])\n")
    assert [frame.get("function") for frame in found["frames"]] == ["<module>", "<lambda>"]


def test_a_recursion_is_told_once(failing: Callable[..., dict[str, Any]]) -> None:
    found = failing("def down(n):\n    return down(n + 1)\ndown(0)")
    assert found["type"] == "RecursionError"
    assert len(found["frames"]) <= 12
    assert any("times more" in frame["where"] for frame in found["frames"])


def test_a_syntax_error_shows_its_line(failing: Callable[..., dict[str, Any]]) -> None:
    found = failing("a = 1\nb = = 2\nc = 3")
    assert found["type"] == "SyntaxError"
    assert found["frames"][0]["where"] == "cell [1]"
    assert "→ 2  b = = 2" in found["frames"][0]["code"]


def test_what_caused_it_is_told_in_a_line(failing: Callable[..., dict[str, Any]]) -> None:
    found = failing(
        """
        try:
            {}["a"]
        except KeyError as reason:
            raise ValueError("no a") from reason
        """
    )
    assert found["notes"] == ["caused by KeyError: 'a', in cell [1] line 2"]
    found = failing("try:\n    {}['a']\nexcept KeyError:\n    1 / 0")
    assert found["notes"] == ["while handling KeyError: 'a', in cell [1] line 2"]
    found = failing("try:\n    {}['a']\nexcept KeyError:\n    raise ValueError from None")
    assert found["notes"] == []


def test_a_chain_that_goes_in_a_circle_ends(failing: Callable[..., dict[str, Any]]) -> None:
    found = failing("a, b = ValueError('a'), ValueError('b')\na.__cause__ = b\nb.__cause__ = a\nraise a")
    assert found["notes"] == ["caused by ValueError: b"]


def test_notes_and_groups_are_told(failing: Callable[..., dict[str, Any]]) -> None:
    found = failing("e = ExceptionGroup('many', [ValueError('x')] * 7)\ne.add_note('look here')\nraise e")
    assert found["notes"] == ["look here", *["one of 7: ValueError: x"] * 5, "… and 2 more"]
    assert found["message"] == "many (7 errors)"


def test_somebodys_own_text_is_taken_from_what_was_printed(shell: Shell) -> None:
    calls: list[int] = []
    shell.user_ns["calls"] = calls
    shell.run(
        "class Own(Exception):\n    def __str__(self):\n        calls.append(1)\n        return 'x'\n"
        "raise Own('arg')"
    )
    found = error(shell)
    assert found is not None
    assert (found["message"], calls) == ("'arg'", [])
    shell._last_traceback = ["...", "\x1b[31mOwn\x1b[39m: as \x1b[1mprinted"]  # type: ignore[attr-defined]
    again = error(shell)
    assert again is not None
    assert again["message"] == "as printed"
    assert calls == []


def test_an_error_of_the_system_says_what_it_says(failing: Callable[..., dict[str, Any]]) -> None:
    assert failing("open('/nowhere/at/all')")["message"].endswith("'/nowhere/at/all'")
    assert failing("{}['key']")["message"] == "'key'"


def test_many_frames_are_told_by_the_first_and_the_last(failing: Callable[..., dict[str, Any]]) -> None:
    code = "".join(f"def f{n}(x):\n    return f{n + 1}(x)\n" for n in range(40))
    found = failing(f"{code}def f40(x):\n    return 1 / 0\nf0(1)")
    assert len(found["frames"]) <= 13
    assert found["frames"][-1]["function"] == "f40"
    assert any(frame["where"].endswith(" frames") for frame in found["frames"])


def test_a_message_is_cut(failing: Callable[..., dict[str, Any]]) -> None:
    assert len(failing("raise ValueError('x' * 100_000)")["message"]) <= 1_000
