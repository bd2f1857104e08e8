"""What a run will take: told first, and agreed to where it costs money."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest

from tests.support.fake_rows import ELSEWHERE, FakeRows
from tether_jupyter.frames.estimate import NotConfirmed, duration, money
from tether_jupyter.frames.results import DryRun

COUNT = 103


def frame(count: int = COUNT) -> pd.DataFrame:
    return pd.DataFrame({"text": [f"row {n};" for n in range(count)]})


@pytest.fixture
def dear(fake: FakeRows) -> FakeRows:
    """A service elsewhere that takes a cent for each answer."""
    fake.health = dict(ELSEWHERE)
    fake.cost = 0.01
    return fake


class Keyboard(io.StringIO):
    """A terminal in which somebody types."""

    def isatty(self) -> bool:
        return True


def test_a_dry_run_asks_three_rows_and_tells_what_the_rest_takes(dear: FakeRows) -> None:
    found = frame().tether.map("Say {text}", dry_run=True)
    assert isinstance(found, DryRun)
    assert len(dear.requests) == 3
    assert found.rows["answer"].tolist() == ["SAY ROW 0;", "SAY ROW 1;", "SAY ROW 2;"]
    estimate = found.estimate
    assert (estimate.rows, estimate.to_ask, estimate.tokens) == (103, 100, 1200)
    assert estimate.cost_usd == pytest.approx(1.0)
    assert "100 more rows by openai:tiny (api.example.org)" in repr(found)
    assert "about $1.00" in found._repr_html_()


def test_a_dry_run_counts_what_is_known_and_what_stands_twice(dear: FakeRows) -> None:
    frame(10).tether.map("Say {text}", confirm=False)
    twice = pd.concat([frame(20), frame(20)])
    found = twice.tether.map("Say {text}", dry_run=True)
    assert len(dear.requests) == 10
    assert found.estimate.to_ask == 10
    assert found.estimate.cost_usd == pytest.approx(0.1)


def test_the_rows_of_a_dry_run_are_not_asked_again(dear: FakeRows) -> None:
    frame().tether.map("Say {text}", dry_run=True)
    frame().tether.map("Say {text}", max_cost=2)
    assert len(dear.requests) == COUNT


def test_a_run_that_costs_money_is_not_begun_where_nobody_can_be_asked(
    dear: FakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(NotConfirmed, match=r"about \$1\.00.*`max_cost=1\.2\d`, or `confirm=False`"):
        frame().tether.map("Say {text}")
    assert len(dear.requests) == 3


@pytest.mark.parametrize("typed", ["y\n", "YES\n"])
def test_somebody_at_the_keyboard_is_asked_first(
    dear: FakeRows, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin", Keyboard())
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or typed)
    found = frame().tether.map("Say {text}")
    assert len(found) == COUNT
    assert "100 more rows" in asked[0]


@pytest.mark.parametrize("typed", ["", "n", "maybe"])
def test_anything_but_yes_is_no(dear: FakeRows, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr("sys.stdin", Keyboard())
    monkeypatch.setattr("builtins.input", lambda question: typed)
    with pytest.raises(NotConfirmed, match="Not run"):
        frame().tether.map("Say {text}")
    assert len(dear.requests) == 3


@pytest.mark.parametrize("options", [{"confirm": False}, {"max_cost": 1.5}])
def test_who_has_agreed_is_not_asked(
    dear: FakeRows, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert frame().tether.map("Say {text}", **options)["answer_error"].isna().all()
    assert len(dear.requests) == COUNT


def test_more_than_the_limit_is_refused_before_it_is_spent(dear: FakeRows) -> None:
    with pytest.raises(NotConfirmed, match=r"more than `max_cost=0\.5`"):
        frame().tether.map("Say {text}", max_cost=0.5)
    assert len(dear.requests) == 3


def test_rows_that_cost_more_than_the_first_end_at_the_limit(dear: FakeRows) -> None:
    dear.cost = 0.001

    def answer(request: dict[str, Any]) -> str:
        dear.cost = 0.001 if len(dear.requests) <= 3 else 0.1
        return "x"

    dear.answer = answer
    with pytest.raises(NotConfirmed, match="The run has cost"):
        frame().tether.map("Say {text}", max_cost=0.5, concurrency=2)
    assert len(dear.requests) < 15


def test_a_service_without_prices_keeps_no_limit_and_is_not_asked_about(dear: FakeRows) -> None:
    dear.cost = None
    with pytest.raises(NotConfirmed, match="does not tell what an answer costs"):
        frame().tether.map("Say {text}", max_cost=0.5)
    assert frame().tether.map("Say {text}")["answer_error"].isna().all()


def test_a_few_cents_and_a_model_of_this_machine_are_not_asked_about(
    fake: FakeRows, dear: FakeRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    dear.cost = 0.0001
    frame().tether.map("Say {text}")
    fake.forget()
    frame().tether.map("Tell {text}")
    assert len(fake.requests) == COUNT


def test_figures_are_written_with_no_more_digits_than_count() -> None:
    assert [duration(s) for s in (0.2, 5.4, 89, 200, 7200)] == ["1 s", "5 s", "89 s", "3 min", "2.0 h"]
    assert [money(usd) for usd in (0, 0.00001, 0.00123, 0.5, 1234.5)] == [
        "$0", "less than $0.0001", "$0.0012", "$0.50", "$1,234.50",
    ]  # fmt: skip
