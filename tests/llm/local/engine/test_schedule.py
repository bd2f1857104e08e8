"""Who comes next."""

from __future__ import annotations

from typing import Any

from tether_jupyter.llm.local.engine.schedule import Schedule
from tether_jupyter.llm.local.engine.turn import Job, Turn, as_tokens


def turn(name: str, *, batch: bool = False) -> Turn:
    """Return a turn called `caller` and a number."""
    missing: Any = None
    return Turn(Job(name, {}, name[0], batch), as_tokens([1]), missing, missing, missing, limit=1)


def order(waiting: list[Turn], running: list[Turn]) -> list[str]:
    schedule = Schedule()
    for each in waiting:
        schedule.add(each)
    return [each.job.id for each in schedule.order(running)]


def test_one_callers_questions_are_answered_in_the_order_in_which_they_came() -> None:
    assert order([turn("a1"), turn("a2"), turn("a3")], []) == ["a1", "a2", "a3"]


def test_somebodys_second_question_comes_after_everybodys_first() -> None:
    waiting = [turn("a1"), turn("a2"), turn("a3"), turn("b1"), turn("c1"), turn("b2")]
    assert order(waiting, []) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_an_answer_that_is_being_written_counts_as_its_callers_first() -> None:
    assert order([turn("a2"), turn("a3"), turn("b1")], [turn("a1")]) == ["b1", "a2", "a3"]


def test_people_come_before_rows_and_their_rows_do_not_count_against_them() -> None:
    rows = [turn(f"a{number}", batch=True) for number in range(3)]
    waiting = [*rows, turn("b9", batch=True), turn("b1"), turn("a9")]
    assert order(waiting, [turn("a7", batch=True)]) == ["b1", "a9", "b9", "a0", "a1", "a2"]


def test_who_is_taken_out_is_no_longer_waiting() -> None:
    schedule, first, second = Schedule(), turn("a1"), turn("a2")
    for each in (first, second):
        schedule.add(each)
    schedule.remove(first)
    schedule.remove(first)
    assert (len(schedule), schedule.order([])) == (1, [second])
