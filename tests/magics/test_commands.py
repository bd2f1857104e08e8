"""When a line is a command, and when it is a question."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether
from tether_jupyter.magics import commands

Said = Callable[..., str]


@pytest.mark.parametrize(
    ("line", "name", "rest"),
    [
        ("fix", "fix", ""),
        ("fix: keep the names", "fix", "keep the names"),
        ("fix In [3]", "fix", "In [3]"),
        ("explain", "explain", ""),
        ("explain in [3]", "explain", "in [3]"),
        ("explain -m openai:big", "explain", "-m openai:big"),
        ("ask explain it", "ask", "explain it"),
        ("models", "models", ""),
        ("use", "use", ""),
        ("use openai:gpt-4o -t 0", "use", "openai:gpt-4o -t 0"),
        ("history 3", "history", "3"),
        ("undo -c side", "undo", "-c side"),
        ("branch 2", "branch", "2"),
        ("export talk.md --force", "export", "talk.md --force"),
        ('export "two words.md"', "export", '"two words.md"'),
        ("preview fix", "preview", "fix"),
        ("  status ", "status", ""),
    ],
)
def test_a_line_is_a_command_if_all_of_it_is(line: str, name: str, rest: str) -> None:
    found = commands.read(line, None)
    assert found == commands.Found(commands.TABLE[name], rest)


@pytest.mark.parametrize(
    "line",
    [
        "explain how groupby works",
        "explain 3 ways to sort a list",
        "explain in 3 sentences what a list is",
        "models are slow, why?",
        "use a loop or a comprehension?",
        "history of pandas",
        "undo the sort of df",
        "start with the imports",
        "status of my job?",
        "stop at the first match?",
        "help me",
        "branch prediction, what is it?",
        "export df to Parquet",
        "Explain",
        "why?",
        "-t 0 fix",
    ],
)
def test_everything_else_is_a_question(line: str) -> None:
    if line != "Explain":
        assert commands.read(line, None) is None


@pytest.mark.parametrize("line", ["doctor", "doctor --json", "pull qwen3-4b", "pull qwen3-4b --file q4"])
def test_a_command_of_the_terminal_says_how_to_run_it_in_a_cell(
    shell: InteractiveShell, tether: FakeTether, line: str
) -> None:
    with pytest.raises(UsageError, match=f"in a cell it is `!tether {line}`"):
        shell.run_line_magic("tether", line)
    assert tether.requests == []
    assert commands.read(line, "some words") is None
    assert commands.read(f"{line.split()[0]} the data together for me", None) is None


@pytest.mark.parametrize("line", ["explain this loop:", "models", "undo", "status", "use -t 0", "histroy"])
def test_a_cells_body_is_never_a_command(line: str) -> None:
    assert commands.read(line, "some words") is None


@pytest.mark.parametrize(
    ("word", "meant"), [("histroy", "history"), ("Explain", "explain"), ("modles", "models")]
)
def test_a_word_that_is_nearly_a_command_is_asked_about(
    shell: InteractiveShell, tether: FakeTether, word: str, meant: str
) -> None:
    with pytest.raises(UsageError, match=f"Did you mean `%tether {meant}`"):
        shell.run_line_magic("tether", word)
    assert tether.paths == []


@pytest.mark.parametrize("word", ["hello", "thanks", "why", "42", "continue"])
def test_any_other_word_is_a_question(tether: FakeTether, said: Said, word: str) -> None:
    said(word)
    assert tether.requests[0]["message"] == word


def test_ask_takes_every_question(tether: FakeTether, said: Said) -> None:
    said("ask -t 0 undo")
    said("ask", "models")
    assert [request["message"] for request in tether.requests] == ["undo", "models"]


def test_help_has_a_line_for_each(said: Said) -> None:
    shown = said("help")
    for name, command in commands.TABLE.items():
        assert f"%tether {name}" in shown
        assert command.summary in shown


def test_each_command_is_where_the_table_says() -> None:
    from importlib import import_module

    for command in commands.TABLE.values():
        module, _, name = command.home.partition(":")
        assert callable(getattr(import_module(f"tether_jupyter.magics.{module}"), name))


def test_an_option_that_a_command_does_not_have_is_told(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="no option --nope"):
        shell.run_line_magic("tether", "history --nope 3")
