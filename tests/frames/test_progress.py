"""How far a run is: under a cell, in a terminal, or nowhere."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest

from tests.support.fake_rows import FakeRows, refusal
from tether_jupyter.frames.progress import NotebookProgress, Progress, State, TerminalProgress


class Publisher:
    """A front end that notes what is shown."""

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []

    def publish(self, **message: Any) -> None:
        self.shown.append(message)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("tether_jupyter.frames.progress.time.monotonic", lambda: now[0])
    return now


def test_the_line_tells_rows_rate_time_left_and_cost(clock: list[float]) -> None:
    state = State(1000, done=200, cached=200)
    progress = Progress(state)
    progress.tick()
    clock[0] += 10
    state.done, state.failed, state.cost_usd = 600, 3, 0.0123
    progress.tick()
    assert (
        progress.line() == "600/1,000 rows · 40.0 rows/s · 10 s left · 200 from the cache · 3 failed · $0.01"
    )


def test_a_slow_run_is_told_by_the_minute(clock: list[float]) -> None:
    state = State(100)
    progress = Progress(state)
    clock[0] += 20
    state.done = 5
    progress.tick()
    assert progress.line() == "5/100 rows · 15.0 rows/min · 6 min left"


def test_the_rate_is_that_of_the_last_seconds(clock: list[float]) -> None:
    state = State(10_000)
    progress = Progress(state)
    for _ in range(60):
        clock[0] += 1
        state.done += 1
        progress.tick()
    for _ in range(30):
        clock[0] += 1
        state.done += 100
        progress.tick()
    assert progress.rate() == pytest.approx(100)


def test_a_notebook_shows_one_bar_that_changes_and_no_oftener_than_people_see(clock: list[float]) -> None:
    publisher = Publisher()
    state = State(10)
    progress = NotebookProgress(state, publisher)
    for _ in range(100):
        clock[0] += 0.01
        progress.tick()
    state.done = 10
    progress.close()
    assert len(publisher.shown) <= 6
    assert [message["update"] for message in publisher.shown] == [False] + [True] * (len(publisher.shown) - 1)
    assert len({message["transient"]["display_id"] for message in publisher.shown}) == 1
    last = publisher.shown[-1]["data"]
    assert '<progress value="10" max="10">' in last["text/html"]
    assert last["text/plain"] == "10/10 rows · 1 s"


def test_a_notice_is_shown_as_text_and_once() -> None:
    publisher = Publisher()
    progress = NotebookProgress(State(1), publisher)
    progress.tell("<b>Careful</b>")
    progress.tell("<b>Careful</b>")
    progress.close()
    assert publisher.shown[-1]["data"]["text/html"].count("&lt;b&gt;Careful") == 1


def test_a_terminal_writes_over_one_line(clock: list[float]) -> None:
    stream = io.StringIO()
    state = State(10)
    progress = TerminalProgress(state, stream)
    progress.tick()
    clock[0] += 1
    state.done = 5
    progress.tick()
    progress.tell("Careful.")
    progress.tick()
    progress.close("interrupted. Run this again.")
    text = stream.getvalue()
    assert text.count("\n") == 2
    assert "Careful.\n" in text
    assert text.rsplit("\r", 1)[1].rstrip() == "5/10 rows · interrupted. Run this again."


def test_a_dry_run_counts_its_own_rows_where_many_ask_the_same(
    fake: FakeRows, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.DataFrame({"text": ["a"] * 1000})
    frame.tether.map("Say {text}", dry_run=True, progress=True)
    fake.scripts = {"a": [refusal("internal", 500)]}
    frame.tether.map("Tell {text}", dry_run=True, progress=True)
    ends = [line.rsplit("\r", 1)[1].split(" · ") for line in capsys.readouterr().err.split("\n")[:-1]]
    assert [(end[0], end[2:]) for end in ends] == [("3/3 rows", []), ("3/3 rows", ["3 failed"])]


def test_a_script_prints_nothing_unless_it_is_asked_to(
    fake: FakeRows, capsys: pytest.CaptureFixture[str]
) -> None:
    frame = pd.DataFrame({"text": ["a", None, "b"]})
    fake.scripts = {"b": [refusal("internal", 500)]}
    frame.tether.map("Say {text}")
    assert capsys.readouterr() == ("", "")
    frame.tether.map("Say {text}", progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.endswith("3/3 rows · 1 s · 1 from the cache · 1 without a value\n")
