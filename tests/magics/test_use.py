"""`%tether use`: what holds in this session, and what holds and why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether, model
from tether_jupyter.errors import NotFound

Said = Callable[..., str]


@pytest.fixture(autouse=True)
def known(tether: FakeTether) -> None:
    tether.models = {"models": [model("tiny"), model("gpt", backend="openai")], "problem": None}
    presets = [{"name": "kind", "values": {"temperature": 0.9, "system": "Be kind."}, "active": False}]
    tether.presets["magic"] = {"presets": presets, "active": None}
    tether.settings = {
        "model": {"value": "local:tiny", "layer": "default"},
        "temperature": {"value": 0.7, "layer": "client settings"},
        "seed": {"value": None, "layer": "default"},
    }


def test_says_what_holds_and_where_it_comes_from(said: Said) -> None:
    assert said("use") == (
        "setting      value       from\n"
        "model        local:tiny  default\n"
        "temperature  0.7         client settings\n"
    )


def test_what_is_set_holds_for_every_question_of_the_session(tether: FakeTether, said: Said) -> None:
    shown = said("use openai:gpt -t 0.2 --stop END")
    assert "model        openai:gpt  this session" in shown
    assert 'stop         ["END"]     this session' in shown
    said("why?")
    said("-t 1 why?")
    first, second = tether.requests
    assert (first["model"], first["temperature"], first["stop"]) == ("openai:gpt", 0.2, ["END"])
    assert (second["model"], second["temperature"]) == ("openai:gpt", 1.0)


def test_a_preset_takes_the_place_of_what_was_set(tether: FakeTether, said: Said) -> None:
    said("use -t 0.2")
    shown = said("use kind")
    assert "temperature  0.9         preset kind" in shown
    said("why?")
    assert tether.requests[-1]["preset"] == "kind"
    assert "temperature" not in tether.requests[-1]


def test_a_preset_that_a_question_names_stands_alone(tether: FakeTether, said: Said) -> None:
    said("use openai:gpt -t 0.2")
    said("--preset kind why?")
    assert tether.requests[-1]["preset"] == "kind"
    assert "model" not in tether.requests[-1]


def test_reset_forgets_it(tether: FakeTether, said: Said) -> None:
    said("use -t 0.2 --see schema")
    assert "this session" not in said("use --reset")
    said("why?")
    assert "temperature" not in tether.requests[-1]
    assert "level" not in tether.requests[-1]["see"]


def test_answers_can_be_shown_whole_from_now_on(tether: FakeTether, said: Said) -> None:
    said("use --no-stream")
    said("why?")
    assert "/tether/chat" in tether.paths


def test_a_name_that_is_neither_is_told_with_what_is_near(shell: InteractiveShell) -> None:
    with pytest.raises(NotFound, match=r"no model or preset `tini`. Did you mean `tiny`"):
        shell.run_line_magic("tether", "use tini")


@pytest.mark.parametrize(
    "line", ["use -o x", "use --schema 'a'", "use --background", "use --batch", "use --unload", "use --many"]
)
def test_what_belongs_to_one_question_is_refused(shell: InteractiveShell, line: str) -> None:
    with pytest.raises(UsageError, match="belongs to one question"):
        shell.run_line_magic("tether", line)


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_name_of_two_words_stands_in_quotes(tether: FakeTether, said: Said, quote: str) -> None:
    tether.presets["magic"]["presets"].append({"name": "code review", "values": {}, "active": False})
    assert "preset       code review" in said(f"use {quote}code review{quote} -t 0.2")
    said("why?")
    assert (tether.requests[-1]["preset"], tether.requests[-1]["temperature"]) == ("code review", 0.2)
