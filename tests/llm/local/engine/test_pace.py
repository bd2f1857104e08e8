"""How fast the engine is, and what follows from that, with a clock of ours."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tether_jupyter.llm.local.engine import pace as figures
from tether_jupyter.llm.local.engine.pace import Pace
from tether_jupyter.llm.local.excuses import Excuses


class Blamed(Excuses):
    """Excuses nothing."""

    def look(self, now: float) -> float:
        return 0.0


@dataclass
class Clock:
    """Seconds that pass when a step takes them."""

    now: float = 100.0
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(lambda: self.now, Blamed())

    def step(self, seconds: float, rows: int, prompts: int, *, done: bool = True) -> None:
        self.pace.begin(rows, prompts)
        self.now += seconds
        self.pace.end(done)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def reading(clock: Clock, seconds_a_token: float) -> None:
    for _ in range(50):
        clock.step(seconds_a_token * 100, 100, 100)


def test_as_many_prompt_tokens_go_into_a_step_as_its_readers_can_wait_for(clock: Clock) -> None:
    assert clock.pace.prompt_tokens(512, 4, 1) == figures.FEWEST
    reading(clock, 0.001)
    assert clock.pace.prompt_tokens(512, 4, 1) == pytest.approx(figures.STEP_SECONDS / 0.001, abs=1)
    reading(clock, 0.00001)
    assert clock.pace.prompt_tokens(512, 4, 1) == 512
    reading(clock, 0.1)
    assert clock.pace.prompt_tokens(512, 4, 1) == figures.FEWEST


def test_what_gives_way_takes_no_longer_than_the_answers_that_it_is_beside(clock: Clock) -> None:
    assert clock.pace.beside(1) == figures.FEWEST_BESIDE
    reading(clock, 0.001)
    for _ in range(50):
        clock.step(0.1, 2, 0)
    assert clock.pace.beside(1) == pytest.approx(50, abs=1)
    assert clock.pace.beside(3) == pytest.approx(150, abs=1)
    reading(clock, 0.1)
    assert clock.pace.beside(1) == figures.FEWEST_BESIDE


def test_a_step_grows_where_more_wait_for_their_first_word_than_for_their_next(clock: Clock) -> None:
    reading(clock, 0.002)
    few, even, many = (clock.pace.prompt_tokens(512, 4, waiting) for waiting in (1, 4, 8))
    assert few < even < many <= 512
    assert clock.pace.prompt_tokens(512, 0, 1) == 512


def test_a_step_is_measured_by_what_it_holds(clock: Clock) -> None:
    clock.step(0.02, 4, 0)
    clock.step(1.0, 100, 100)
    assert clock.pace.row_seconds == pytest.approx(0.005)
    assert clock.pace.read_seconds == pytest.approx(0.01)
    clock.pace.begin(104, 100)
    assert clock.pace.expected() == pytest.approx(100 * 0.01 + 4 * 0.005)
    clock.now += 0.02
    assert clock.pace.remaining() == pytest.approx(1.0)


def test_a_step_that_was_cut_short_tells_nothing_of_the_speed(clock: Clock) -> None:
    clock.step(9.0, 100, 100, done=False)
    assert (clock.pace.steps, clock.pace.read, clock.pace.read_seconds) == (0, 0, 0.0)
    assert clock.pace.remaining() == 0.0


def test_a_first_prompt_of_unknown_length_is_never_worth_waiting_for(clock: Clock) -> None:
    clock.pace.begin(512, 512)
    assert clock.pace.remaining() == figures.LIMIT_SECONDS


def test_a_step_is_overdue_when_it_takes_far_longer_than_steps_like_it(clock: Clock) -> None:
    assert clock.pace.overdue() < 0
    clock.pace.begin(512, 512)
    clock.now += figures.LIMIT_SECONDS - 1
    assert clock.pace.overdue() == pytest.approx(-1)
    clock.now += 2
    assert clock.pace.overdue() == pytest.approx(1)


def test_what_was_seen_decides_when_a_step_is_overdue(clock: Clock) -> None:
    clock.step(0.01, 1, 0)
    clock.pace.begin(1, 0)
    clock.now += figures.SLACK_SECONDS
    assert clock.pace.overdue() < 0
    clock.now += 3 * figures.SLACK * 0.01
    assert clock.pace.overdue() > 0
    # A prompt that follows it may take longer, by its tokens.
    clock.pace.end(False)
    clock.pace.begin(512, 512)
    clock.now += figures.SLACK_SECONDS + 3 * figures.SLACK * 0.01
    assert clock.pace.overdue() < 0
    clock.now += 1000
    assert clock.pace.overdue() > 0


def test_the_speed_is_that_of_the_last_while(clock: Clock) -> None:
    assert clock.pace.figures()["tokens_per_s"] is None
    for _ in range(40):
        clock.step(0.5, 5, 0)
        clock.pace.said += 5
    assert clock.pace.figures()["tokens_per_s"] == pytest.approx(10, rel=0.1)
    clock.now += 3600
    told = clock.pace.figures()
    assert (told["tokens_per_s"], told["tokens"], told["steps"]) == (None, 200, 40)
