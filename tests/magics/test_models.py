"""`%tether --models` and `%tether --unload`: what is here, and giving its memory back."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether, model
from tests.support.kernels import Kernel
from tether_jupyter.errors import RateLimited

ENGINE = {"running": 0, "waiting": 0, "weight_bytes": 4_000_000_000, "kv_bytes": 680_000_000}


def rows(tether: FakeTether, *models: dict[str, Any], problem: str | None = None) -> None:
    tether.models = {"models": list(models), "problem": problem}


class TestTheTable:
    def test_marks_what_answers_and_says_what_is_loaded(self, tether: FakeTether, said: Any) -> None:
        rows(
            tether,
            model("tiny", size=4_684_000_000, loaded=True, active=True, engine={**ENGINE, "running": 1}),
            model("other-model", size=999),
            model("gpt", backend="openai", place="api.example.org", loaded=True),
            model("to-be-pulled", installed=False),
        )
        assert said("--models") == (
            "   model        size       where\n"
            "*  tiny         4.68 GB    this machine     loaded, 1 answering\n"
            "   other-model  999 bytes  this machine\n"
            "   gpt                     api.example.org\n"
            "\n"
            "* answers.\n"
            "1 more can be fetched: `tether models` in a terminal lists them.\n"
        )
        assert tether.requests == []

    def test_says_how_far_one_is_that_loads_and_why_one_cannot(self, tether: FakeTether, said: Any) -> None:
        rows(
            tether,
            model("tiny", active=True, engine={"progress": 0.384}),
            model("bad", problem="It is cut off."),
            problem="One backend is silent.",
        )
        shown = said("--models")
        assert "loading, 38 %" in shown
        assert "It is cut off." in shown
        assert "One backend is silent." in shown

    def test_says_that_there_is_none(self, said: Any) -> None:
        assert said("--models") == "No model is here.\n"

    def test_keeps_control_characters_of_a_name_from_the_terminal(
        self, tether: FakeTether, said: Any
    ) -> None:
        rows(tether, model("a\x1b]52;c;ZXZpbA==\x07b"))
        assert "\x1b" not in said("--models")


class TestUnloading:
    def test_tells_what_it_gave_back(self, tether: FakeTether, said: Any) -> None:
        rows(tether, model("tiny", loaded=True, engine=ENGINE))
        assert said("--unload") == (
            "tiny is unloaded and gave back about 4.68 GB. The next question loads it again.\n"
        )
        assert tether.asked == [("unload", {"name": "local"})]

    def test_tells_how_many_answers_ended_with_it(self, tether: FakeTether, said: Any) -> None:
        rows(tether, model("tiny", loaded=True, engine={**ENGINE, "running": 1, "waiting": 1}))
        assert "; 2 answers under way ended with it." in said("--unload")

    def test_reaches_the_model_that_is_not_the_usual_one(self, tether: FakeTether, said: Any) -> None:
        rows(
            tether,
            model("gpt", backend="openai", loaded=True, active=True),
            model("tiny", loaded=True, engine=ENGINE),
        )
        assert said("--unload").startswith("tiny is unloaded")
        assert tether.asked == [("unload", {"name": "local"})]

    @pytest.mark.parametrize("known", [{"loaded": False}, {"loaded": True, "place": "api.example.org"}])
    def test_has_nothing_to_do_where_nothing_takes_memory(
        self, tether: FakeTether, said: Any, known: dict[str, Any]
    ) -> None:
        rows(tether, model("tiny", **known))
        assert said("--unload") == "No model is loaded, so none takes any memory.\n"
        assert tether.asked == []

    def test_lists_afterwards_where_both_are_asked_for(self, tether: FakeTether, said: Any) -> None:
        rows(tether, model("tiny", loaded=True, engine=ENGINE))
        assert said("--models --unload").startswith("tiny is unloaded")
        assert tether.paths[-1] == "/tether/models"

    @pytest.mark.parametrize("line", ["--unload why?", "--models -t 0 why?"])
    def test_takes_no_question(self, shell: InteractiveShell, tether: FakeTether, line: str) -> None:
        with pytest.raises(UsageError, match="no question"):
            shell.run_line_magic("tether", line)
        assert tether.paths == []


def test_the_options_are_in_the_help(kernel: Kernel, tether: FakeTether) -> None:
    text = kernel.run("%tether?").reply["payload"][0]["data"]["text/plain"]
    assert "--unload" in text
    assert "--models" in text


def test_a_refusal_is_told_without_a_traceback(kernel: Kernel, tether: FakeTether) -> None:
    rows(tether, model("tiny", loaded=True, engine=ENGINE))
    tether.script = [{"refuse": {"type": "forbidden", "message": "Ask whoever runs it."}, "status": 403}]
    assert kernel.run("%tether --unload").error["traceback"] == ["Ask whoever runs it."]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Too many at once.", ["Too many at once.", "Try again in 7 s."]),
        ("Try again in about 7 s.", ["Try again in about 7 s."]),
    ],
)
def test_a_limit_tells_once_when_to_try_again(
    kernel: Kernel, tether: FakeTether, message: str, told: list[str]
) -> None:
    reason = {"type": "rate_limited", "message": message, "retryable": True, "retry_after": 7}
    tether.script = [{"refuse": reason, "status": 429}]
    assert kernel.run("%tether q").error["traceback"] == told


def test_a_limit_can_be_caught_with_its_seconds(shell: InteractiveShell, tether: FakeTether) -> None:
    reason = {"type": "rate_limited", "message": "Slow.", "retry_after": 7}
    tether.script = [{"refuse": reason, "status": 429}]
    with pytest.raises(RateLimited) as raised:
        shell.run_line_magic("tether", "q")
    assert raised.value.retry_after == 7
