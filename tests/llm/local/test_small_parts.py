"""The breaker, the pipe's decoder, the environment and the number of threads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tether_jupyter.errors import ModelNotReady
from tether_jupyter.llm.local import environment, pipe, threads
from tether_jupyter.llm.local.breaker import Breaker


def test_the_breaker_opens_after_three_crashes_within_a_minute_and_closes_a_minute_later() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    breaker.record("it fell")
    now = 50.0
    breaker.record("it fell")
    breaker.check()
    now = 59.0
    breaker.record("it fell again")
    with pytest.raises(ModelNotReady, match=r"it fell again.*again in 60 s"):
        breaker.check()
    now = 118.5
    assert breaker.problem() is not None
    now = 119.0
    breaker.check()
    breaker.record("once more")
    assert breaker.problem() is None


def test_crashes_far_apart_never_open_the_breaker() -> None:
    now = 0.0
    breaker = Breaker(lambda: now)
    for number in range(20):
        now = number * 31.0
        breaker.record("it fell")
        breaker.check()


def test_messages_survive_any_cut_of_the_stream() -> None:
    messages = [{"event": "delta", "text": text} for text in ("a", "é\n", "\ud800", "x" * 9)]
    stream = pipe.encode(messages[0]) + pipe.encode(messages[1:3]) + pipe.encode(messages[3:])
    for size in (1, 2, 7, len(stream)):
        decoder = pipe.Decoder()
        found = [m for i in range(0, len(stream), size) for m in decoder.feed(stream[i : i + size])]
        assert found == messages


@pytest.mark.parametrize(
    "data", [b"no json\n", b"[1]\n", b"[]\n", b"[{},1]\n", b"\xff\xfe\n", b"[" * 10**5 + b"\n", b"x" * 101]
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(pipe.PipeError):
        pipe.Decoder(max_line=100).feed(data)


def test_a_child_sees_listed_variables_and_none_that_sounds_like_a_secret() -> None:
    secret = [
        "OPENAI_API_KEY",
        "NVIDIA_API_KEY",
        "LLAMA_CLOUD_TOKEN",
        "LC_PASSWORD",
        "JUPYTER_TOKEN",
        "EDITOR",
    ]
    listed = ["PATH", "LC_ALL", "CUDA_VISIBLE_DEVICES", "GGML_X", "OMP_NUM_THREADS"]
    variables = dict.fromkeys([*secret, *listed], "x")
    variables["PYTHONPATH"] = os.pathsep.join([".", "relative", "/abs", ""])
    kept = environment.child_environment(variables)
    assert set(kept) == {*listed, "PYTHONPATH", "GGML_NO_BACKTRACE", "GOMP_SPINCOUNT"}
    assert kept["PYTHONPATH"].split(os.pathsep)[0] == "/abs"


@pytest.mark.parametrize(
    ("variables", "spins"),
    [({}, environment.SPINS), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, None)],
)
def test_how_threads_wait_for_each_other_is_theirs_to_say_who_know_better(
    variables: dict[str, str], spins: str | None
) -> None:
    assert environment.child_environment(variables).get("GOMP_SPINCOUNT") == spins


def cpuinfo(cores: list[tuple[int, int]]) -> str:
    return "\n\n".join(
        f"processor\t: {number}\nphysical id\t: {package}\ncore id\t\t: {core}"
        for number, (package, core) in enumerate(cores)
    )


def test_hyperthreads_count_once_and_only_usable_processors_count() -> None:
    two_by_two = cpuinfo([(0, 0), (0, 1), (1, 0), (1, 1), (0, 0), (0, 1), (1, 0), (1, 1)])
    assert threads.physical_cores(two_by_two, set(range(8))) == 4
    assert threads.physical_cores(two_by_two, {0, 4}) == 1
    assert threads.physical_cores("", {0}) == 0


@pytest.mark.parametrize(
    ("text", "count"), [("max 100000", 0), ("", 0), ("250000 100000", 3), ("50000 100000", 1)]
)
def test_a_containers_share_is_read(text: str, count: int) -> None:
    assert threads.quota(text) == count


def test_the_smallest_share_of_the_groups_around_counts_in_either_version(tmp_path: Path) -> None:
    service = tmp_path / "system.slice" / "jupyter-ada.service"
    service.mkdir(parents=True)
    (service / "cpu.max").write_text("200000 100000\n")
    (service.parent / "cpu.max").write_text("max 100000\n")
    assert threads.group_quotas("0::/system.slice/jupyter-ada.service\n", tmp_path) == [2]
    old = tmp_path / "cpu" / "docker"
    old.mkdir(parents=True)
    (old / "cpu.cfs_quota_us").write_text("300000\n")
    (old / "cpu.cfs_period_us").write_text("100000\n")
    (old.parent / "cpu.cfs_quota_us").write_text("-1\n")
    (old.parent / "cpu.cfs_period_us").write_text("100000\n")
    assert threads.group_quotas("4:memory:/docker\n3:cpu,cpuacct:/docker\n", tmp_path) == [3]
    assert threads.group_quotas("3:cpu,cpuacct:/not/here\n", tmp_path) == []


def test_one_core_is_left_and_one_thread_at_least(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo([(0, core) for core in range(8)]))
    monkeypatch.setattr(threads, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(threads, "GROUPS", tmp_path / "none")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert threads.default_threads() == 7
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3})
    assert threads.default_threads() == 1
