"""When a step is late beyond what can be explained, and when it is only slow."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tether_jupyter.llm.local import excuses
from tether_jupyter.llm.local.engine.pace import LIMIT_SECONDS, Pace
from tether_jupyter.llm.local.excuses import Excuses


class Machine(Excuses):
    """A machine that is as busy as it is told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.busy = 0.0
        """The share of the time in which others have the cores."""

    def look(self, now: float) -> float:
        passed, self.looked = now - self.looked, now
        return passed * self.busy


def paced(machine: Machine, *steps: tuple[int, int, float]) -> Pace:
    """Return a pace that has seen steps: rows, of which prompts, and seconds."""
    pace = Pace(lambda: machine.now, machine)
    for rows, prompts, seconds in steps:
        pace.begin(rows, prompts)
        machine.now += seconds
        pace.end(True)
    return pace


def found_after(machine: Machine, pace: Pace, most: float, weights: int = 0) -> float:
    """Return after how many seconds of the present step it is found to be late, with a look each 0.3 s."""
    began = machine.now
    while machine.now - began < most:
        machine.now += 0.3
        if pace.overdue(weights) > 0:
            break
    return machine.now - began


def test_a_step_that_never_ends_is_found_within_two_seconds_at_a_known_speed() -> None:
    machine = Machine()
    pace = paced(machine, (40, 40, 0.05), *[(1, 0, 0.01)] * 5)
    pace.begin(1, 0)
    assert found_after(machine, pace, 60) < 1.5


def test_no_step_is_late_between_two_steps() -> None:
    machine = Machine()
    pace = paced(machine, (1, 0, 0.01))
    machine.now += 3600
    assert pace.overdue() < 0


def test_the_first_step_of_all_may_take_its_time_and_a_large_model_more() -> None:
    machine = Machine()
    pace = paced(machine)
    pace.begin(100, 100)
    assert LIMIT_SECONDS <= found_after(machine, pace, 1000, weights=4 << 20) < LIMIT_SECONDS + 2
    pace.begin(512, 512)
    # 40 GB on a few cores, at ten tokens of prompt a second.
    machine.now += 52
    assert pace.overdue(40 << 30) < 0


@pytest.mark.parametrize(
    ("known", "slow"),
    [
        ((1, 0, 0.1), (512, 512, 40.0)),  # A long prompt behind short steps.
        ((512, 512, 40.0), (1, 0, 1.0)),  # The first token of an answer behind its prompt.
        ((16, 16, 0.6), (1, 0, 0.5)),
        ((8, 0, 1.6), (1, 0, 1.5)),  # One answer after eight: a step costs the way through the weights.
        ((512, 512, 50.0), (3, 3, 1.5)),  # The rest of a prompt that was known but for a few tokens.
    ],
)
def test_what_was_not_seen_yet_is_bounded_by_what_was(
    known: tuple[int, int, float], slow: tuple[int, int, float]
) -> None:
    machine = Machine()
    pace = paced(machine, *[known] * 3)
    rows, prompts, seconds = slow
    pace.begin(rows, prompts)
    assert found_after(machine, pace, seconds * 3) >= seconds * 3


def test_a_starved_worker_is_not_late_and_an_endless_step_on_a_busy_machine_is_found_later() -> None:
    machine = Machine()
    pace = paced(machine, *[(1, 0, 0.01)] * 5)
    machine.busy = 1.0
    pace.begin(1, 0)
    assert found_after(machine, pace, 600) >= 600
    machine.busy = 0.8
    pace.begin(1, 0)
    assert 3 < found_after(machine, pace, 600) < 9


def test_what_was_excused_in_one_step_does_not_count_in_the_next() -> None:
    machine = Machine()
    pace = paced(machine, *[(1, 0, 0.01)] * 5)
    pace.begin(1, 0)
    machine.busy = 1.0
    assert found_after(machine, pace, 100) >= 100
    pace.end(True)
    machine.busy = 0.0
    for _ in range(50):
        pace.begin(1, 0)
        machine.now += 0.01
        pace.end(True)
    pace.begin(1, 0)
    assert found_after(machine, pace, 600) < 2.5


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's figures are Linux's")
def test_a_process_without_a_core_is_excused_and_one_that_sleeps_is_not() -> None:
    core = {min(os.sched_getaffinity(0))}
    loop = f"import os; os.sched_setaffinity(0, {core}); print(flush=True)\nwhile True: pass"
    sleep = "import time; print(flush=True); time.sleep(3600)"
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        for code in (loop, loop, loop, sleep)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            process.stdout.readline()
        seen = {process.pid: Excuses(process.pid) for process in started}
        for each in seen.values():
            each.look(time.monotonic())
        began = time.monotonic()
        started[-1].poll()
        with pytest.raises(subprocess.TimeoutExpired):
            started[-1].wait(0.5)
        passed = time.monotonic() - began
        excused = [each.look(time.monotonic()) / passed for each in seen.values()]
        assert sum(excused[:3]) > 1.5  # Three that share one core wait for two thirds of the time, each.
        assert excused[3] < 0.2
    finally:
        for process in started:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's figures are Linux's")
def test_waiting_for_a_disk_is_excused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = "7 (a) b) R 1 1 1 0 -1 0 100 0 {faults} 0 5 5 0 0 20 0 3 0 99"
    (tmp_path / "7").mkdir()
    monkeypatch.setattr(excuses, "Path", lambda _: tmp_path)
    found = Excuses(7)
    for now, faults, excused in ((1.0, 3, None), (2.0, 3, 0.0), (3.0, 4, 1.0), (4.0, 4, 0.0)):
        (tmp_path / "7" / "stat").write_text(stat.format(faults=faults))
        assert excused in (None, found.look(now)) or excused is None
        if excused is None:
            found.look(now)


def test_a_process_that_has_ended_has_no_excuse() -> None:
    found = Excuses(2**22 + 1)
    found.look(1.0)
    assert found.look(2.0) == 0.0
