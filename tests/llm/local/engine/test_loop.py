"""A step that somebody does not want to wait for, with a model that computes until it is told to stop."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tether_jupyter.llm.local.engine.loop import LONG_STEP, Engine

PATIENCE = 20.0


class Endless:
    """A model whose steps end when they are aborted."""

    slots, context_length, partial = 2, 64, True
    log = SimpleNamespace(kv_bytes=0)

    def __init__(self) -> None:
        self.begun, self.aborted = threading.Event(), threading.Event()
        self.batch = SimpleNamespace(count=1)

    def decode(self) -> int:
        self.begun.set()
        return 2 if self.aborted.wait(PATIENCE) else 0

    def abort(self) -> None:
        self.aborted.set()

    def go_on(self) -> None:
        self.aborted.clear()


class Job:
    """A job of which only its cancel matters."""

    cancelled = False


def computing(engine: Engine, job: Any) -> threading.Thread:
    """Have a step of a job's computed aside; return when it is."""
    part: Any = SimpleNamespace(turn=SimpleNamespace(job=job, pending=1), tokens=[1])
    step = threading.Thread(target=engine.decode, args=[[part]], daemon=True)
    step.start()
    assert engine.model.begun.wait(PATIENCE)  # type: ignore[attr-defined]
    return step


@pytest.mark.parametrize("expected", [LONG_STEP / 2, 3600.0], ids=["about to end", "long"])
def test_nobody_waits_for_a_step_that_does_not_end_when_it_should(expected: float) -> None:
    engine = Engine(Endless(), lambda events: None)  # type: ignore[arg-type]  # what a step needs of a model
    engine.pace.row_seconds = expected
    job: Any = Job()
    step = computing(engine, job)
    engine.cancel(job)
    step.join(PATIENCE / 2)
    assert not step.is_alive()


@pytest.mark.parametrize("alone", [True, False])
def test_a_model_that_knows_no_part_of_a_conversation_is_cut_short_for_nobody_elses_sake(alone: bool) -> None:
    """What was aborted would be computed anew: the others' answers would be lost with it."""
    model = Endless()
    model.partial = False
    engine = Engine(model, lambda events: None)  # type: ignore[arg-type]
    engine.pace.row_seconds = 3600.0
    gone, staying = Job(), Job()
    engine.pace.begin(1, 0)
    engine.computing = {gone} if alone else {gone, staying}  # type: ignore[arg-type]
    engine.cancel(gone)  # type: ignore[arg-type]
    assert model.aborted.is_set() == alone


def test_a_step_that_has_ended_is_not_aborted_in_the_next_ones_place() -> None:
    model = Endless()
    engine = Engine(model, lambda events: None)  # type: ignore[arg-type]
    engine.pace.begin(1, 0)
    began = engine.pace.began
    engine.pace.end(True)
    engine.pace.begin(1, 0)
    assert began is not None
    engine.cut_late(began)
    assert not model.aborted.is_set()


def test_who_has_gone_is_told_so_before_the_others_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    engine = Engine(Endless(), lambda events: order.extend(each["event"] for each in events))  # type: ignore[arg-type]

    def compose() -> None:
        order.append("step")
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "receive", lambda: engine.emit("done", "gone"))
    monkeypatch.setattr(engine, "compose", compose)
    with pytest.raises(KeyboardInterrupt):
        engine.run()
    assert order == ["done", "step"]
