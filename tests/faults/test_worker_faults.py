"""A worker that breaks in an answer or before it: whoever asks is told, and is answered next."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import faulty_worker
from tests.support import local_models as lm
from tests.support.damage import Damage
from tether_jupyter.errors import EngineCrashed, ModelNotReady
from tether_jupyter.llm.local import environment

CRASHED = {"engine_crashed"}
OUTCOMES = {
    "python-error": {"internal"},
    "memory-error": {"internal"},
    "memory": {"internal", "engine_crashed", "done"},
    "closed-pipe": CRASHED,
}
"""How a turn may end for a fault: as `engine_crashed` unless it stands here."""


@pytest.mark.parametrize("kind", faulty_worker.FAULTS)
def test_a_fault_ends_the_turn_with_a_typed_error_and_the_next_is_answered(
    kind: str,
    endless: Path,
    times: int,
    damage: Callable[[str], Damage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "python_command", faulty_worker.command())
    record = damage(kind)

    async def run() -> None:
        async with lm.running(endless) as local:
            await local.initialize()
            async with record.bystander():
                for _ in range(times):
                    assert await record.turn(local, f"fault:{kind}") in OUTCOMES.get(kind, CRASHED)
                    await record.recover(local)

    asyncio.run(run())


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGSTOP]
)
def test_a_signal_ends_the_turn_with_a_typed_error_and_the_next_is_answered(
    number: signal.Signals, endless: Path, times: int, damage: Callable[[str], Damage]
) -> None:
    record = damage(number.name)

    async def run() -> None:
        async with lm.running(endless) as local:
            await local.initialize()
            async with record.bystander():
                for _ in range(times):
                    pid = local.pid
                    assert pid is not None
                    assert await record.turn(local, "go on", lambda pid=pid: os.kill(pid, number)) in CRASHED
                    await record.recover(local)

    asyncio.run(run())


@pytest.mark.parametrize("kind", faulty_worker.STARTS)
def test_a_fault_of_the_start_is_told_and_the_next_start_is_sound(
    kind: str,
    endless: Path,
    times: int,
    damage: Callable[[str], Damage],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = damage(kind)
    sound, broken = environment.python_command, faulty_worker.command(kind)

    async def run() -> None:
        async with lm.running(endless) as local, record.bystander():
            for _ in range(times):
                monkeypatch.setattr(environment, "python_command", broken)
                assert await record.turn(local, "hi") in {"engine_crashed", "model_not_ready"}
                monkeypatch.setattr(environment, "python_command", sound)
                await record.recover(local)
                await local.cleanup()

    asyncio.run(run())


def test_a_worker_that_never_stays_up_is_not_started_for_ever(
    endless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "python_command", faulty_worker.command("start-abort"))

    async def run() -> None:
        async with lm.running(endless) as local:
            for _ in range(3):
                with pytest.raises(EngineCrashed):
                    await lm.ask(local, "hi")
            with pytest.raises(ModelNotReady, match=r"3 times.*SIGABRT.*again in \d+ s") as refused:
                await lm.ask(local, "hi")
            assert refused.value.retryable
            assert local.pid is None

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("garbage", "did not keep to the protocol"),
        ("closed-pipe", "closed its pipe"),
        ("busy", "it hung"),
        ("abort", "SIGABRT"),
    ],
)
def test_the_log_and_the_breaker_tell_what_it_was(
    kind: str, why: str, endless: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(environment, "python_command", faulty_worker.command())

    async def run() -> None:
        async with lm.running(endless) as local:
            with pytest.raises(EngineCrashed) as told:
                await lm.ask(local, f"fault:{kind}")
            assert "memory" not in str(told.value.hint)
            assert why in local.breaker.last

    asyncio.run(run())
    assert why in caplog.text
