"""How the worker process starts, dies, comes back and goes, and what it can see."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.support import local_models as lm
from tether_jupyter.core.prompt import Sampling
from tether_jupyter.errors import EngineCrashed, ModelNotReady
from tether_jupyter.llm.local import answers, bindings, breaker, probe
from tether_jupyter.llm.local.service import LocalService


async def crash(local: LocalService, number: int = signal.SIGKILL) -> float:
    """Kill the worker in the middle of an answer and return the seconds until the error came."""
    stream = local.stream(lm.question("go on"), Sampling())
    assert "delta" in await anext(stream)
    assert local.pid is not None
    os.kill(local.pid, number)
    began = time.monotonic()
    with pytest.raises(EngineCrashed):
        async for _ in stream:
            pass
    return time.monotonic() - began


def test_many_callers_share_one_start(speaking: Path) -> None:
    async def run() -> None:
        async with lm.running(speaking) as local:
            assert not local.is_ready()
            before = set(lm.children(os.getpid()))
            await asyncio.gather(*(local.initialize() for _ in range(20)))
            assert set(lm.children(os.getpid())) - before == {local.pid}
            assert local.is_ready()

    asyncio.run(run())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_dead_worker_ends_the_answer_with_a_typed_error_and_the_next_question_is_answered(
    endless: Path, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with lm.running(endless) as local:
            assert await crash(local, number) < 2
            assert not local.is_ready()
            began = time.monotonic()
            assert lm.answer(await lm.ask(local, "again", max_tokens=2)) == " w0 w1"
            assert time.monotonic() - began < 5

    with caplog.at_level(logging.WARNING):
        asyncio.run(run())
    assert signal.Signals(number).name in caplog.text


def test_every_waiting_answer_learns_of_the_death(endless: Path) -> None:
    async def run() -> None:
        async with lm.running(endless, slots=1) as local:
            first = local.stream(lm.question("one"), Sampling())
            assert "delta" in await anext(first)
            waiting = [asyncio.create_task(lm.ask(local, "more")) for _ in range(5)]
            status: dict[str, int] = {}
            while status.get("waiting") != 5:
                status = await lm.status(local)
            os.kill(local.pid, signal.SIGKILL)
            outcomes = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 2)
            assert [type(outcome) for outcome in outcomes] == [EngineCrashed] * 5
            with pytest.raises(EngineCrashed):
                async for _ in first:
                    pass

    asyncio.run(run())


def test_three_crashes_within_a_minute_stop_the_restarts_for_a_while(
    endless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with lm.running(endless) as local:
            now = 1000.0
            local.breaker.clock = lambda: now
            for _ in range(3):
                await crash(local, signal.SIGSEGV)
            with pytest.raises(ModelNotReady, match=r"3 times.*SIGSEGV.*again in 60 s") as refused:
                await lm.ask(local, "again")
            assert refused.value.retryable
            assert "again in 60 s" in str((await local.describe())["problem"])
            assert local.pid is None
            now += breaker.SECONDS + 1
            assert lm.answer(await lm.ask(local, "again", max_tokens=1)) == " w0"

    asyncio.run(run())


def test_a_worker_that_hangs_is_killed(endless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PING_SECONDS", 0.1)

    async def run() -> None:
        async with lm.running(endless) as local:
            stream = local.stream(lm.question("go on"), Sampling())
            assert "delta" in await anext(stream)
            os.kill(local.pid, signal.SIGSTOP)
            with pytest.raises(EngineCrashed, match="hung"):
                async for _ in stream:
                    pass
            assert local.pid is None

    asyncio.run(run())


def test_an_idle_worker_is_not_taken_for_one_that_hangs(
    endless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PING_SECONDS", 0.01)

    async def run() -> None:
        async with lm.running(endless) as local:
            await local.initialize()
            pid = local.pid
            local._worker.heard -= 3600
            # The prompt takes far longer than the time between two pings.
            await lm.ask(local, "z" * 500, max_tokens=1)
            assert local.pid == pid

    asyncio.run(run())


def test_cleanup_ends_the_worker_and_leaves_nothing_behind(speaking: Path) -> None:
    async def once() -> int:
        async with lm.running(speaking) as local:
            await lm.ask(local, "hi")
            pid = local.pid
            assert pid is not None
            family = [pid, *lm.children(pid)]
            assert len(family) == 2
        assert all(lm.ended(member, 5) for member in family)
        assert pid not in lm.children(os.getpid())
        assert not local.is_ready()
        return lm.open_files()

    first = asyncio.run(once())
    assert asyncio.run(once()) == first


def test_cleanup_in_the_middle_of_an_answer_ends_it_with_a_typed_error(endless: Path) -> None:
    async def run() -> None:
        local = lm.service(endless)
        stream = local.stream(lm.question("go on"), Sampling())
        assert "delta" in await anext(stream)
        await local.cleanup()
        with pytest.raises(ModelNotReady, match="unloaded"):
            async for _ in stream:
                pass
        await local.cleanup()

    asyncio.run(run())


def test_a_service_serves_one_event_loop_after_another(speaking: Path) -> None:
    local = lm.service(speaking)
    assert lm.answer(asyncio.run(lm.ask(local, "hi", max_tokens=1))) == "Hello"
    pid = local.pid
    assert lm.answer(asyncio.run(lm.ask(local, "hi", max_tokens=1))) == "Hello"
    assert local.pid == pid
    asyncio.run(local.cleanup())


PARENT = """
    import asyncio, sys
    from tether_jupyter.core.prompt import Sampling
    from tests.support import local_models as lm

    async def main():
        local = lm.service(sys.argv[1])
        stream = local.stream(lm.question("go on"), Sampling())
        await anext(stream)
        print(local.pid, *lm.children(local.pid), flush=True)
        async for _ in stream:
            pass

    asyncio.run(main())
"""


def test_no_orphan_survives_a_server_that_is_killed(endless: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(endless)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        text=True,
    ) as parent:
        assert parent.stdout is not None
        family = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(family) == 2
        parent.kill()
        assert all(lm.ended(pid, 5) for pid in family)


def test_the_worker_holds_no_secret(speaking: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = "sk-canary-1234567890"
    for name in ("OPENAI_API_KEY", "JWT_SECRET", "NVIDIA_API_KEY", "LLAMA_API_KEY", "LC_TOKEN", "ANYTHING"):
        monkeypatch.setenv(name, canary)
    monkeypatch.setenv("GGML_TETHER_TEST", "passed on")

    async def run() -> None:
        async with lm.running(speaking) as local:
            await lm.ask(local, "hi")  # Both processes have answered: nothing is read while one still starts.
            for pid in (local.pid, *lm.children(local.pid)):
                environment = lm.proc(pid, "environ")
                assert canary not in environment
                assert "GGML_TETHER_TEST=passed on" in environment
                assert canary not in lm.proc(pid, "cmdline")

    asyncio.run(run())


def test_ctrl_c_in_the_servers_terminal_does_not_reach_the_worker(speaking: Path) -> None:
    async def run() -> None:
        async with lm.running(speaking) as local:
            await local.initialize()
            assert local.pid is not None
            for pid in (local.pid, *lm.children(local.pid)):
                assert os.getpgid(pid) == local.pid

    asyncio.run(run())


def test_the_kernel_takes_the_worker_first_when_memory_is_short(speaking: Path) -> None:
    async def run() -> None:
        async with lm.running(speaking) as local:
            await local.initialize()
            own = int(lm.proc(os.getpid(), "oom_score_adj"))
            assert int(lm.proc(local.pid, "oom_score_adj")) > own

    asyncio.run(run())


@pytest.mark.parametrize("module", ["worker", "template", "service"])
def test_children_and_service_import_nothing_heavy(module: str) -> None:
    code = (
        f"import sys, tether_jupyter.llm.local.{module}\n"
        "heavy = {'jupyter_server', 'pydantic', 'tornado', 'llama_cpp', 'numpy', 'jinja2', 'openai'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.stdout.strip() == "[]"


def test_health_tells_of_layers_and_devices_before_the_model_is_loaded(
    speaking: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    # Other tests of this process may have had a need for it.
    for name in [name for name in sys.modules if name.partition(".")[0] == "llama_cpp"]:
        monkeypatch.delitem(sys.modules, name)

    def ask() -> dict[str, object]:
        asked.append(1)
        return ORIGINAL()

    monkeypatch.setattr(probe, "ask", ask)

    async def run() -> None:
        async with lm.running(speaking) as local:
            cold = (await asyncio.gather(local.describe(), local.describe()))[0]
            assert local.pid is None
            await local.initialize()
            warm = await local.describe()
        assert len(asked) == 1
        assert (cold["ready"], warm["ready"]) == (False, True)
        assert cold["problem"] is None is warm["problem"]
        assert cold["demo"] is False
        for facts in (cold, warm):
            assert facts["context_length"] == 512
            assert facts["gpu"]["layers"] == 4
            assert 0 <= facts["gpu"]["layers_on_gpu"] <= 4
            device = facts["gpu"]["devices"][0]
            assert set(device) == {"name", "description", "kind", "memory_total", "memory_free"}
            assert device["memory_total"] > 0
        assert "llama_cpp" not in sys.modules

    asyncio.run(run())


ORIGINAL = probe.ask


def test_a_missing_library_is_said_with_what_to_type(speaking: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bindings, "installed", lambda: False)

    async def run() -> None:
        facts = await lm.service(speaking).describe()
        assert facts["problem"] == bindings.MISSING
        assert 'pip install "tether-jupyter[local]"' in bindings.MISSING
        assert "OPENAI_API_KEY" in bindings.MISSING
        assert facts["gpu"]["layers"] == 4

    asyncio.run(run())


def test_a_library_that_is_not_there_is_said_by_the_worker_too(
    speaking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llama_cpp.py").write_text("raise OSError('libllama.so: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def run() -> None:
        async with lm.running(speaking) as local:
            with pytest.raises(ModelNotReady, match="does not start"):
                await lm.ask(local, "hi")
            assert (await local.describe())["problem"] == bindings.BROKEN
            monkeypatch.delenv("PYTHONPATH")
            assert lm.answer(await lm.ask(local, "hi", max_tokens=1)) == "Hello"

    asyncio.run(run())


def test_a_missing_model_file_is_said_by_name_without_its_folder(tmp_path: Path) -> None:
    async def run() -> None:
        local = lm.service(tmp_path / "gone.gguf")
        with pytest.raises(ModelNotReady, match=r"'gone\.gguf'") as refused:
            await local.initialize()
        assert str(tmp_path) not in refused.value.message
        facts = await local.describe()
        assert "gone.gguf" in str(facts["problem"])
        assert facts["ready"] is False

    asyncio.run(run())


def test_a_model_that_takes_too_long_to_load_is_given_up(
    speaking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llama_cpp.py").write_text("import threading; threading.Event().wait()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def run() -> None:
        async with lm.running(speaking, start_timeout=1.0) as local:
            with pytest.raises(ModelNotReady, match="not loaded after 1 seconds"):
                await lm.ask(local, "hi")
            worker = local._worker
            assert worker is not None
            await asyncio.to_thread(worker._thread.join, 5)
            assert local.pid is None
            assert local.breaker.remaining() == 0

    asyncio.run(run())


def test_a_working_folder_with_a_hostile_module_changes_nothing(
    speaking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "llama_cpp", "jinja2", "numpy"):
        (tmp_path / f"{name}.py").write_text("open('ran', 'w')")
    monkeypatch.chdir(tmp_path)

    async def run() -> None:
        async with lm.running(speaking) as local:
            assert lm.answer(await lm.ask(local, "hi", max_tokens=1)) == "Hello"
        assert not (tmp_path / "ran").exists()

    asyncio.run(run())
