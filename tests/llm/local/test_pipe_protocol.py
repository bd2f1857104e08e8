"""The worker spoken to by hand, as the pipe's protocol describes it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tether_jupyter.llm.local import environment, pipe


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        environment.python_command("tether_jupyter.llm.local.worker"),
        env=environment.child_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    ) as process:
        yield process
        process.kill()


def say(worker: subprocess.Popen[bytes], **message: Any) -> None:
    assert worker.stdin is not None
    worker.stdin.write(pipe.encode(message))


def replies(worker: subprocess.Popen[bytes]) -> Iterator[pipe.Message]:
    assert worker.stdout is not None
    for messages in pipe.read(worker.stdout.fileno()):
        yield from messages


def load(path: Path, **more: Any) -> dict[str, Any]:
    return {
        "op": "load",
        "version": pipe.VERSION,
        "model_path": str(path),
        "chat_template": None,
        "max_tokens": None,
        "slots": 1,
        "parking": 0,
        "speculation": False,
        "facts": {"weights": path.stat().st_size, "kv": 4096, "layers": 4, "trained": 512},
        "unsure_below": 0,
        "unsure_start": "",
        "template_seconds": 5.0,
        "template_memory": 256,
        **more,
    }


def generate(id: str, text: str = "hi", **sampling: Any) -> dict[str, Any]:
    return {"op": "generate", "id": id, "messages": [{"role": "user", "content": text}], "sampling": sampling}


def test_requests_may_be_sent_before_the_model_is_loaded(
    worker: subprocess.Popen[bytes], speaking: Path
) -> None:
    say(worker, **load(speaking, a_field_of_the_future=1))
    say(worker, **generate("a", max_tokens=1))
    say(worker, **generate("b", max_tokens=2))
    say(worker, op="of the future")
    seen = []
    for message in replies(worker):
        seen.append((message["event"], message.get("id")))
        if seen[-1] == ("done", "b"):
            break
    assert ("ready", None) in seen
    deltas = [id for event, id in seen if event == "delta"]
    assert deltas == ["a", "b", "b"]
    assert seen.index(("done", "a")) < seen.index(("delta", "b"))


def test_a_request_that_waits_can_be_cancelled(worker: subprocess.Popen[bytes], endless: Path) -> None:
    say(worker, **load(endless))
    say(worker, **generate("a"))
    say(worker, **generate("b"))
    say(worker, op="cancel", id="b")
    say(worker, op="cancel", id="unknown")
    ends = {}
    for message in replies(worker):
        if message["event"] == "delta" and "b" in ends:
            say(worker, op="cancel", id="a")
        if message["event"] == "done":
            ends[message["id"]] = (message["finish_reason"], message["usage"]["completion_tokens"])
            if len(ends) == 2:
                break
    assert ends["b"] == ("cancelled", 0)
    assert ends["a"][0] == "cancelled"


def test_a_ping_is_answered_in_the_middle_of_an_answer(
    worker: subprocess.Popen[bytes], endless: Path
) -> None:
    say(worker, **load(endless))
    say(worker, **generate("a"))
    events = replies(worker)
    assert any(message["event"] == "delta" for message in events)
    say(worker, op="ping")
    pong = next(message for message in events if message["event"] == "pong")
    assert pong["steps"] > 0


def test_another_version_of_the_protocol_is_refused(worker: subprocess.Popen[bytes], speaking: Path) -> None:
    say(worker, **load(speaking, version=pipe.VERSION + 1))
    message = next(replies(worker))
    assert message["event"] == "failed"
    assert message["error"]["type"] == "model_not_ready"
    assert worker.wait(10) == 0


@pytest.mark.parametrize("rubbish", [b"no json\n", b"[]\n", b"\x80" * 100 + b"\n"])
def test_a_line_that_is_no_message_ends_the_worker(worker: subprocess.Popen[bytes], rubbish: bytes) -> None:
    assert worker.stdin is not None
    worker.stdin.write(rubbish)
    assert worker.wait(10) == 2


def test_the_end_of_the_servers_stream_ends_the_worker(
    worker: subprocess.Popen[bytes], endless: Path
) -> None:
    say(worker, **load(endless))
    say(worker, **generate("a"))
    assert any(message["event"] == "delta" for message in replies(worker))
    assert worker.stdin is not None
    worker.stdin.close()
    assert worker.wait(10) == 0


def test_native_prints_cannot_get_between_the_messages(
    worker: subprocess.Popen[bytes], speaking: Path, tmp_path: Path
) -> None:
    worker.kill()
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, os, threading\n"
        "def flood():\n"
        "    while True: os.write(1, b'native noise\\n')\n"
        "def start():\n"
        "    threading.Thread(target=flood, daemon=True).start()\n"
        "import tether_jupyter.llm.local.pipe as pipe\n"
        "claim = pipe.claim_standard_streams\n"
        "def claimed():\n"
        "    found = claim(); start(); return found\n"
        "pipe.claim_standard_streams = claimed\n"
    )
    variables = environment.child_environment()
    variables["PYTHONPATH"] = f"{tmp_path}:{variables['PYTHONPATH']}"
    with subprocess.Popen(
        environment.python_command("tether_jupyter.llm.local.worker"),
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
    ) as noisy:
        say(noisy, **load(speaking))
        say(noisy, **generate("a"))
        assert "done" in (message["event"] for message in replies(noisy))
        noisy.kill()
