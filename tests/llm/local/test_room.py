"""How many questions are taken at once, and when to come back."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack

import pytest

from tether_jupyter.errors import RateLimited
from tether_jupyter.llm.local import room as figures
from tether_jupyter.llm.local.room import Room


def refusal(room: Room, caller: str | None) -> RateLimited:
    with pytest.raises(RateLimited) as refused, room.taken(caller):
        pass
    return refused.value


def test_one_caller_has_a_share_and_another_one_has_one_too() -> None:
    room = Room(2)
    with ExitStack() as stack:
        for caller in ("a", "a", "b", None, ""):
            stack.enter_context(room.taken(caller))
        for caller in ("a", None):
            assert "2 of your questions are with the model already" in refusal(room, caller).message
        stack.enter_context(room.taken("b"))
        assert room.total == 6
    assert room.total == 0
    room.check("a")


def test_all_callers_together_have_four_shares() -> None:
    room = Room(1)
    with ExitStack() as stack:
        for caller in "abcd":
            stack.enter_context(room.taken(caller))
        assert "The model has 4 questions to answer" in refusal(room, "e").message
    room.check("e")


def test_a_question_that_fails_leaves_its_place() -> None:
    room = Room(1)
    with pytest.raises(ZeroDivisionError), room.taken("a"):
        raise ZeroDivisionError
    assert (room.total, dict(room.here)) == (0, {})
    room.check("a")


def test_a_refusal_changes_nothing() -> None:
    room = Room(1)
    with room.taken("a"):
        for _ in range(3):
            refusal(room, "a")
        assert room.total == 1
    assert room.total == 0


def test_when_to_come_back_is_known_from_how_long_answers_took(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 50.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    room = Room(1)
    with room.taken("a"):
        assert refusal(room, "a").retry_after == math.ceil(figures.GUESS)
        now += 30
    with room.taken("a"):
        refused = refusal(room, "a")
        assert refused.retry_after == 30
        assert refused.message.endswith("Try again in about 30 s.")
        assert refused.retryable
        room.slots = 8
        assert refusal(room, "a").retry_after == 4
        now += 10
    assert room.mean == pytest.approx(30 + figures.SMOOTH * (10 - 30))


def test_nobody_is_told_to_come_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1.0)
    room = Room(1)
    room.mean = 0.01
    with room.taken("a"):
        assert refusal(room, "a").retry_after == 1
