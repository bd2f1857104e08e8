"""Who must not notice: other users of the same server, and the machine after the server's end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.support import faulty_worker, tiny_gguf
from tests.support import local_models as lm
from tether_jupyter.errors import EngineCrashed
from tether_jupyter.llm.local import environment
from tether_jupyter.llm.local.breaker import Breaker

WORDS = 400


@pytest.fixture
def tether_config(endless: Path) -> dict[str, Any]:
    return {
        "Tether": {"backend": "mock"},
        "MockLLM": {"script": [{"repeat": [WORDS, {"delta": "word "}, 0.005]}]},
        "LocalLLM": {"model_path": str(endless), "n_threads": 1},
    }


@pytest.mark.parametrize("kind", ["abort", "busy", "garbage", "endless-deltas"])
async def test_another_users_turn_through_an_api_goes_on_to_its_end(
    kind: str, times: int, stream: Any, ask: Any, services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "python_command", faulty_worker.command())
    local = services.backends.get("local")
    for _ in range(times):
        other = stream({"message": "hi"})

        async def read(other: Any = other) -> list[Any]:
            return [event async for event in other.events()]

        reader = asyncio.create_task(read())
        turn = stream({"message": f"fault:{kind}", "model": "local"})
        broken = [event async for event in turn.events()]
        assert broken[-1]["error"]["type"] == "engine_crashed"
        events = await reader
        assert lm.answer(events) == "word " * WORDS
        assert events[-1]["done"]
        assert (await ask("health", method="GET")).code == 200
        local.breaker = Breaker()


PARENT = """
    import asyncio, sys
    from tests.support import faulty_worker
    from tests.support import local_models as lm
    from tether_jupyter.core.prompt import Sampling
    from tether_jupyter.llm.local import environment

    async def main():
        path, question = sys.argv[1:]
        environment.python_command = faulty_worker.command()
        local = lm.service(path, template_seconds=3600.0)
        if question == "load":
            asyncio.create_task(local.initialize())
            while local.pid is None:
                await asyncio.sleep(0.001)
            print(local.pid, flush=True)
        else:
            await local.initialize()
            print(local.pid, *lm.children(local.pid), flush=True)
        async for event in local.stream(lm.question(question), Sampling(max_tokens=400)):
            if "delta" in event:
                print("begun", flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())
"""
LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("moment", ["load", "go on", "fault:busy", "fault:busy-holding-python", "template"])
def test_no_process_survives_a_server_that_is_killed(
    moment: str, times: int, endless: Path, tmp_path: Path
) -> None:
    path = endless
    if moment == "template":
        path = tiny_gguf.write(tmp_path / "loop.gguf", says=["a", "b"], again=True, template=LOOP)
    for _ in range(times):
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PARENT), str(path), moment],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            text=True,
        ) as parent:
            assert parent.stdout is not None
            family = [int(pid) for pid in parent.stdout.readline().split()]
            assert len(family) == (1 if moment == "load" else 2)
            if moment not in ("load", "template"):
                assert parent.stdout.readline() == "begun\n"
            parent.send_signal(signal.SIGKILL)
            assert all(lm.ended(pid, 5) for pid in family)


def open_files(pid: int) -> list[str]:
    """Return what a process has open."""
    return [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]


def test_a_worker_that_came_back_holds_no_secret_and_nothing_that_the_server_has_open(
    endless: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = "sk-canary-1234567890"
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "JUPYTER_TOKEN", "LLAMA_API_KEY", "CUDA_TOKEN"):
        monkeypatch.setenv(name, canary)
    secret = tmp_path / "secret"
    secret.write_text(canary)

    async def run() -> None:
        async with lm.running(endless) as local:
            with secret.open() as file:
                os.set_inheritable(file.fileno(), True)
                await local.initialize()
                assert local.pid is not None
                os.kill(local.pid, signal.SIGKILL)
                with pytest.raises(EngineCrashed):
                    await lm.ask(local, "hi")
                await local.initialize()
                assert local.pid is not None
                for pid in (local.pid, *lm.children(local.pid)):
                    assert canary not in lm.proc(pid, "environ")
                    assert canary not in lm.proc(pid, "cmdline")
                    files = open_files(pid)
                    assert str(secret) not in files
                    assert not [name for name in files if name.startswith("socket:")]

    asyncio.run(run())
