"""The cache: running again goes on, and nothing that happens to it costs an answer."""

from __future__ import annotations

import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.support.fake_rows import FakeRows, refusal
from tether_jupyter.errors import NotFound, UpstreamError
from tether_jupyter.frames.cache import Cache, Kept, key_of
from tether_jupyter.frames.progress import Progress
from tether_jupyter.llm.refusals import KeyRefused


def frame(count: int = 20) -> pd.DataFrame:
    return pd.DataFrame({"text": [f"row {n};" for n in range(count)]})


def file_in(folder: Path) -> Path:
    return folder / "data" / "tether" / "map_cache.sqlite"


def test_running_again_asks_nothing(fake: FakeRows) -> None:
    first = frame().tether.map("Say {text}")
    second = frame().tether.map("Say {text}")
    pd.testing.assert_frame_equal(first, second)
    assert len(fake.requests) == 20


def test_rows_that_fail_again_alike_do_not_end_the_run(fake: FakeRows) -> None:
    failing = [f"row {n};" for n in range(10, 20)]
    for _ in range(2):
        fake.scripts = {row: [refusal("invalid_request", 400, message="That cannot be.")] for row in failing}
        found = frame().tether.map("Say {text}", concurrency=1)
        assert found["answer_error"].fillna("-").tolist() == ["-"] * 10 + ["That cannot be."] * 10
    assert len(fake.requests) == 30


def test_a_model_that_is_gone_ends_the_next_run_early(fake: FakeRows) -> None:
    frame().tether.map("Say {text}")
    fake.scripts = {"row": [refusal("not_found", 404, message="No such model.")] * 1000}
    with pytest.raises(NotFound, match=r"No such model\. 20 of 200 rows are done"):
        frame(200).tether.map("Say {text}", concurrency=4)
    assert len(fake.requests) < 50


def test_a_key_that_is_refused_ends_the_next_run_early(fake: FakeRows) -> None:
    frame().tether.map("Say {text}")
    refused = KeyRefused("api.example.org refused the key. Check OPENAI_API_KEY.")
    fake.scripts = {"row": [{"status": 502, "error": refused.payload()}] * 1000}
    with pytest.raises(UpstreamError, match=r"refused the key.* 20 of 200 rows are done"):
        frame(200).tether.map("Say {text}", concurrency=4)
    assert len(fake.requests) < 50


def test_new_rows_alone_are_asked(fake: FakeRows) -> None:
    frame(20).tether.map("Say {text}")
    frame(23).tether.map("Say {text}")
    assert sorted(fake.prompts[20:]) == ["Say row 20;", "Say row 21;", "Say row 22;"]


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"system": "Be brief."},
        {"model": "local:other"},
        {"schema": "answer"},
        {"max_tokens": 10},
        {"seed": 4},
        {"cache": False},
    ],
)
def test_whatever_shapes_an_answer_makes_it_another(fake: FakeRows, change: dict[str, Any]) -> None:
    fake.answer = lambda request: '{"answer": "x"}'
    frame().tether.map("Say {text}")
    frame().tether.map("Say {text}", **change)
    assert len(fake.requests) == 40


def test_another_file_of_the_same_name_is_another_model(fake: FakeRows) -> None:
    frame().tether.map("Say {text}")
    fake.health = {**fake.health, "llm_service": {"size": 4711}}
    frame().tether.map("Say {text}")
    assert len(fake.requests) == 40


def test_an_interrupt_ends_what_is_under_way_and_keeps_what_is_done(fake: FakeRows) -> None:
    fake.held = [f"row {n};" for n in range(50, 100)]

    def press() -> None:
        fake.wait_for(lambda fake: fake.answered >= 50 and fake.inside == 8)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt) as raised:
        frame(100).tether.map("Say {text}", concurrency=8)
    assert "50 of 100 rows are done. Run this again to go on from there." in str(raised.value)
    assert vars(raised.value)["_render_traceback_"]() == [f"KeyboardInterrupt: {raised.value}"]
    fake.wait_for(lambda fake: fake.inside == 0)
    assert fake.gone == 8
    assert [thread.name for thread in threading.enumerate() if thread.name == "tether-map"] == []
    fake.release()
    fake.requests.clear()
    found = frame(100).tether.map("Say {text}")
    assert found["answer"].tolist() == [f"SAY ROW {n};" for n in range(100)]
    assert len(fake.requests) == 50


def test_what_is_nearly_done_at_an_interrupt_is_kept_too(fake: FakeRows) -> None:
    fake.held = ["row"]

    def press() -> None:
        fake.wait_for(lambda fake: fake.inside == 8)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        fake.release()

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt, match="8 of 100 rows are done"):
        frame(100).tether.map("Say {text}", concurrency=8)
    assert len(fake.requests) == 8
    frame(100).tether.map("Say {text}", concurrency=8)
    assert len(fake.requests) == 100


def test_what_has_come_is_kept_whatever_ends_a_run(fake: FakeRows, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Progress) -> None:
        if self.state.done == 20:
            raise OSError("The terminal is gone.")

    with monkeypatch.context() as patch:
        patch.setattr("tether_jupyter.frames.flow.KEEP_SECONDS", 1e9)
        patch.setattr(Progress, "tick", broken)
        with pytest.raises(OSError, match="terminal is gone"):
            frame().tether.map("Say {text}")
    assert frame().tether.map("Say {text}")["answer_error"].isna().all()
    assert len(fake.requests) == 20


def test_an_interrupt_without_a_cache_says_that_nothing_is_kept(fake: FakeRows) -> None:
    fake.held = ["row 5;"]

    def press() -> None:
        fake.wait_for(lambda fake: fake.answered >= 19)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=press).start()
    with pytest.raises(KeyboardInterrupt, match="They are not kept"):
        frame().tether.map("Say {text}", cache=False)


def test_the_file_is_for_its_owner_alone_and_holds_no_prompt(fake: FakeRows, tmp_path: Path) -> None:
    fake.answer = lambda request: "the answer"
    pd.DataFrame({"text": ["a private thing"]}).tether.map("Say {text}")
    file = file_in(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"private" not in file.read_bytes()


def test_another_file_can_be_named(fake: FakeRows, tmp_path: Path) -> None:
    frame().tether.map("Say {text}", cache=tmp_path / "mine.sqlite")
    frame().tether.map("Say {text}", cache=str(tmp_path / "mine.sqlite"))
    assert len(fake.requests) == 20
    assert not file_in(tmp_path).exists()


@pytest.mark.parametrize("damage", ["no database", "a folder", "another table"])
def test_a_cache_that_cannot_be_used_costs_no_answer_and_says_so_once(
    fake: FakeRows, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cache.sqlite"
    if damage == "no database":
        file.write_bytes(b"this is no database, and it is long enough to tell" * 100)
    elif damage == "a folder":
        file.mkdir()
    else:
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE answers (wrong)")
        connection.close()
    found = frame().tether.map("Say {text}", cache=file, progress=True)
    assert found["answer_error"].isna().all()
    assert capsys.readouterr().err.count("Answers are not kept") == 1


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("tether_jupyter.frames.cache.time.time", lambda: clock[0])
    cache = Cache(tmp_path / "cache.sqlite", max_bytes=600_000)
    keys = [key_of({"n": n}) for n in range(1000)]
    for start in range(0, 1000, 100):
        clock[0] += 1
        cache.put([(key, Kept("x" * 500)) for key in keys[start : start + 100]])
        if start == 500:
            clock[0] += 10_000
            assert cache.get(keys[:1]) != {}
    left = cache.get(keys)
    assert keys[0] in left
    assert keys[1] not in left
    assert keys[99] not in left
    assert keys[999] in left
    assert len(left) > 500
    cache.close()
    assert (tmp_path / "cache.sqlite").stat().st_size < 1_200_000


def test_several_kernels_use_the_file_at_once(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from tether_jupyter.frames.cache import Cache, Kept, key_of\n"
        "cache = Cache(sys.argv[1], tell=lambda said: sys.exit(said))\n"
        "for n in range(40):\n"
        "    cache.put([(key_of({'who': sys.argv[2], 'n': n}), Kept('x'))])\n"
        "    cache.get([key_of({'who': '0', 'n': n})])\n"
        "cache.close()\n"
    )
    file = tmp_path / "cache.sqlite"
    running = [subprocess.Popen([sys.executable, "-c", code, str(file), str(n)]) for n in range(3)]
    assert [one.wait(60) for one in running] == [0, 0, 0]
    cache = Cache(file)
    assert len(cache.get(key_of({"who": str(who), "n": n}) for who in range(3) for n in range(40))) == 120
    cache.close()


def test_an_answer_that_the_schema_no_longer_takes_is_asked_anew(fake: FakeRows) -> None:
    from pydantic import BaseModel, field_validator

    class Loose(BaseModel):
        n: int

    class Strict(BaseModel):
        n: int

        @field_validator("n")
        @classmethod
        def small(cls, n: int) -> int:
            if n > 5:
                raise ValueError("too large")
            return n

    Strict.__name__ = "Loose"
    fake.answer = lambda request: '{"n": 9}'
    frame(1).tether.map("Count {text}", schema=Loose)
    fake.answer = lambda request: '{"n": 3}'
    Strict.model_config["title"] = "Loose"
    Strict.model_rebuild(force=True)
    assert frame(1).tether.map("Count {text}", schema=Strict)["n"].tolist() == [3]
    assert len(fake.requests) == 2
