"""Which model answers: loaded by name, swapped, let go, and told of."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.core.prompt import Sampling
from tether_jupyter.errors import Conflict, InvalidRequest, ModelNotReady, NotFound
from tether_jupyter.llm.local.service import LocalService


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two models that say their own names, and one that cannot be loaded."""
    folder = tmp_path_factory.mktemp("shelf")
    slow = tiny_gguf.SLOW
    tiny_gguf.write(folder / "red.gguf", says=["red "], again=True, shape=slow)
    tiny_gguf.write(folder / "blue.gguf", says=["blue "], again=True, shape=tiny_gguf.Shape(layers=2))
    (folder / "broken.gguf").write_bytes((folder / "blue.gguf").read_bytes()[:-5000])
    return folder


def on_shelf(shelf: Path, **traits: Any) -> Any:
    """Run a service whose usual model is red."""
    return lm.running(shelf / "red.gguf", models_dir=str(shelf), slots=2, **traits)


async def said(local: LocalService, **sampling: Any) -> str:
    return lm.answer(await lm.ask(local, "hi", max_tokens=1, **sampling)).strip()


async def test_a_model_is_loaded_in_place_of_another_and_back(shelf: Path) -> None:
    async with on_shelf(shelf) as local:
        assert await said(local) == "red"
        first = local.pid
        await local.load("blue")
        assert (local.model_name, local.is_ready()) == ("blue", True)
        assert lm.ended(first, 5)
        assert await said(local) == "blue"
        described = await local.describe()
        assert (described["ready"], described["gpu"]["layers"]) == (True, 2)
        await local.load(None)
        assert await said(local) == "red"
        with pytest.raises(NotFound, match="'blue' is on this machine, but 'red'"):
            local.check_model("blue")


async def test_a_question_to_a_model_that_is_not_loaded_is_measured_by_that_models_file(shelf: Path) -> None:
    from tether_jupyter.llm.local import demo
    from tether_jupyter.llm.local.gguf import read_header

    async with on_shelf(shelf, context_length=4096) as local:
        name, trained = demo.PATH.stem, read_header(demo.PATH).context_length
        assert trained < 4096
        assert local.window_of(name) == 4096
        await local.look(name)
        assert local.window_of(name) == trained
        # Of the demo's window a quarter goes to the marks of its template, which no other model has.
        assert local.reserved(0, trained, name) > local.reserved(0, trained, "red")
        await local.look("nobody")
        assert local.window_of("nobody") == 4096


async def test_what_is_loaded_already_is_left_alone(shelf: Path) -> None:
    async with on_shelf(shelf) as local:
        await local.load("red")
        pid = local.pid
        await local.load("red")
        await local.load(None)
        assert local.pid == pid


async def test_a_loaded_model_answers_on_when_its_file_is_gone(shelf: Path) -> None:
    copied = shelf / "passing.gguf"
    copied.write_bytes((shelf / "blue.gguf").read_bytes())
    async with on_shelf(shelf) as local:
        await local.load("passing")
        copied.unlink()
        assert await said(local) == "blue"
        described = await local.describe()
        assert (described["ready"], described["problem"]) == (True, None)
        await local.unload()
        with pytest.raises(ModelNotReady, match="The file of the model 'passing' is gone"):
            await said(local)


async def test_a_name_leads_to_a_model_and_never_to_a_path(shelf: Path) -> None:
    async with on_shelf(shelf) as local:
        for name in ("green", "../red", str(shelf / "blue.gguf"), "blue.gguf", "", "."):
            with pytest.raises((NotFound, InvalidRequest)):
                await local.load(name)
        assert local.pid is None


async def test_no_model_is_swapped_under_an_answer(shelf: Path) -> None:
    async with on_shelf(shelf) as local:
        stream = local.stream(lm.prompt("go on"), Sampling())
        assert "delta" in await anext(stream)
        with pytest.raises(Conflict, match="'red' is writing 1 answers"):
            await local.load("blue")
        await local.load("red")  # It is there.
        assert "delta" in await anext(stream)
        await stream.aclose()
        await local.load("blue")
        assert await said(local) == "blue"


async def test_a_model_that_cannot_be_loaded_leaves_the_one_before(shelf: Path) -> None:
    async with on_shelf(shelf) as local:
        assert await said(local) == "red"
        with pytest.raises(ModelNotReady, match="bytes are missing"):
            await local.load("broken")
        assert local.model_name == "red"
        assert await said(local) == "red"
        assert (await local.describe())["problem"] is None


async def test_a_model_that_was_let_go_is_loaded_by_the_next_question(shelf: Path) -> None:
    async with on_shelf(shelf) as local:
        await local.load("blue")
        pid = local.pid
        await local.unload()
        assert lm.ended(pid, 5)
        assert not local.is_ready()
        assert (await local.models())[0]["loaded"] is False
        assert await said(local) == "blue"


async def test_the_list_tells_of_the_engine_while_it_runs(shelf: Path) -> None:
    async with on_shelf(shelf) as local:
        (row,) = await local.models()
        assert (row["name"], row["loaded"], row["engine"]) == ("red", False, {})
        assert await said(local) == "red"
        (row,) = await local.models()
        assert row["loaded"] is True
        assert row["size"] == (shelf / "red.gguf").stat().st_size
        assert row["engine"].items() >= {"slots": 2, "running": 0, "waiting": 0, "progress": 1.0}.items()
        assert row["engine"]["kv_bytes"] > 0
        # More than the weights: the process around them, too.
        assert row["engine"]["resident_bytes"] > row["engine"]["kv_bytes"]


async def test_how_far_a_model_is_loaded_is_told(shelf: Path) -> None:
    async with on_shelf(shelf, use_mmap=False) as local:
        loading = asyncio.create_task(local.load("red"))
        seen = set()
        while not loading.done():
            engine = (await local.describe())["engine"]
            seen.add(engine.get("progress"))
        await loading
        seen.discard(None)
        assert seen
        assert all(0 <= share <= 1 for share in seen)
        assert (await local.describe())["engine"]["progress"] == 1.0


# -- idle


class Timer:
    """What the loop was asked to do later."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.callback: Any = None
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> list[Timer]:
    """The timers for letting the model go, which never fire by themselves."""
    made: list[Timer] = []
    real = asyncio.BaseEventLoop.call_later

    def call_later(loop: Any, delay: float, callback: Any, *arguments: Any, **options: Any) -> Any:
        if delay != 777.0:
            return real(loop, delay, callback, *arguments, **options)
        timer = Timer()
        timer.seconds, timer.callback = delay, callback
        made.append(timer)
        return timer

    monkeypatch.setattr(asyncio.BaseEventLoop, "call_later", call_later)
    return made


def pending(timers: list[Timer]) -> list[Timer]:
    return [timer for timer in timers if not timer.cancelled]


async def test_a_model_that_nobody_asks_is_let_go(shelf: Path, timers: list[Timer]) -> None:
    async with on_shelf(shelf, unload_after=777.0) as local:
        assert await said(local) == "red"
        assert await said(local) == "red"
        (timer,) = pending(timers)
        pid = local.pid
        timer.callback()
        await local._unloading
        assert lm.ended(pid, 5)
        assert not local.is_ready()
        assert await said(local) == "red"


async def test_a_model_in_use_is_not_let_go(shelf: Path, timers: list[Timer]) -> None:
    async with on_shelf(shelf, unload_after=777.0) as local:
        await local.load("red")
        (timer,) = pending(timers)
        stream = local.stream(lm.prompt("go on"), Sampling())
        assert "delta" in await anext(stream)
        timer.callback()
        assert local._unloading is None
        assert "delta" in await anext(stream)
        await stream.aclose()


@pytest.mark.parametrize("end", ["stopped", "refused"])
async def test_a_last_answer_that_was_not_said_to_its_end_counts_too(
    shelf: Path, timers: list[Timer], end: str
) -> None:
    async with on_shelf(shelf, unload_after=777.0) as local:
        if end == "stopped":
            stream = local.stream(lm.prompt("go on"), Sampling())
            assert "delta" in await anext(stream)
            await stream.aclose()
        else:
            with pytest.raises(InvalidRequest):
                await said(local, logit_bias={"99999": 1.0})
        assert len(pending(timers)) == 1


async def test_zero_seconds_keep_a_model_for_ever(shelf: Path, timers: list[Timer]) -> None:
    async with on_shelf(shelf, unload_after=0.0) as local:
        assert await said(local) == "red"
        assert local._idle is None


async def test_no_timer_outlives_its_model(shelf: Path, timers: list[Timer]) -> None:
    async with on_shelf(shelf, unload_after=777.0) as local:
        assert await said(local) == "red"
        await local.unload()
        assert not pending(timers)


async def test_a_model_is_let_go_although_nobody_has_waited_for_it_to_its_end(
    shelf: Path, timers: list[Timer]
) -> None:
    async with on_shelf(shelf, unload_after=777.0) as local:
        stopped = asyncio.create_task(said(local))
        async with asyncio.timeout(20):
            while local._worker is None:
                await asyncio.to_thread(lambda: None)
            worker = local._worker
            stopped.cancel()
            await asyncio.wait([stopped])
            await asyncio.wrap_future(worker.ready)
            while not pending(timers):
                await asyncio.to_thread(lambda: None)
        pending(timers)[0].callback()
        await local._unloading
        assert not local.is_ready()


# -- at the same time


async def test_a_question_in_the_middle_of_a_swap_does_not_bring_the_old_model_back(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_shelf(shelf) as local:
        assert await said(local) == "red"
        end = local.cleanup

        async def cleanup() -> None:
            await end()
            await said(local)

        monkeypatch.setattr(local, "cleanup", cleanup)
        await local.load("blue")
        monkeypatch.setattr(local, "cleanup", end)
        assert local.model_name == "blue"
        assert await said(local) == "blue"


async def test_of_two_models_loaded_at_once_one_is_there_and_the_other_is_told_why(shelf: Path) -> None:
    async with on_shelf(shelf) as local:
        await local.initialize()
        outcomes = await asyncio.gather(local.load("blue"), local.load(None), return_exceptions=True)
        assert any(outcome is None for outcome in outcomes)
        assert all(outcome is None or isinstance(outcome, Conflict) for outcome in outcomes)
        assert await said(local) == local.model_name


class Loads:
    """The loads of a service: how many began, and none of them ends, or is cancelled, before it may."""

    def __init__(self, local: LocalService, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.began, self.may_end, self.may_go = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._real = local._ready
        monkeypatch.setattr(local, "_ready", self._ready)

    async def _ready(self) -> Any:
        self.count += 1
        self.began.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            await self.may_go.wait()
            raise
        return await self._real()


async def waiting(local: LocalService, count: int) -> None:
    """Return when so many wait for the model that is being loaded."""
    async with asyncio.timeout(20):
        while local._swap is None or local._swap._waiting != count:
            await asyncio.to_thread(lambda: None)


async def test_all_who_ask_at_once_for_one_other_model_get_it(shelf: Path) -> None:
    async with on_shelf(shelf) as local:
        assert await said(local) == "red"
        await asyncio.gather(*(local.load("blue") for _ in range(8)))
        assert local.model_name == "blue"
        assert await said(local) == "blue"


async def test_one_load_is_for_all_who_ask_for_its_model(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_shelf(shelf) as local:
        await local.initialize()
        loads = Loads(local, monkeypatch)
        asked = [asyncio.create_task(local.load("blue")) for _ in range(3)]
        await waiting(local, 3)
        with pytest.raises(Conflict, match="Another model is being loaded"):
            await local.load("red")
        loads.may_end.set()
        await asyncio.gather(*asked)
        assert (local.model_name, loads.count) == ("blue", 1)


async def test_a_model_that_cannot_be_loaded_is_tried_once_for_all_who_asked(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_shelf(shelf) as local:
        await local.initialize()
        loads = Loads(local, monkeypatch)
        asked = [asyncio.create_task(local.load("broken")) for _ in range(3)]
        await waiting(local, 3)
        loads.may_end.set()
        for outcome in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(outcome, ModelNotReady)
            assert "bytes are missing" in outcome.message
        assert (local.model_name, loads.count) == ("red", 1)
        assert await said(local) == "red"


@pytest.mark.parametrize("gone", [0, 1], ids=["the first", "another"])
async def test_who_stops_waiting_for_a_model_leaves_its_load_to_the_others(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, gone: int
) -> None:
    async with on_shelf(shelf) as local:
        await local.initialize()
        loads = Loads(local, monkeypatch)
        asked = [asyncio.create_task(local.load("blue"))]
        await loads.began.wait()
        asked.append(asyncio.create_task(local.load("blue")))
        await waiting(local, 2)
        stopped = asked.pop(gone)
        stopped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopped
        loads.may_end.set()
        await asked[0]
        assert (local.model_name, loads.count) == ("blue", 1)
        assert await said(local) == "blue"


async def test_a_load_that_nobody_waits_for_any_more_is_in_nobodys_way(
    shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_shelf(shelf) as local:
        await local.initialize()
        loads = Loads(local, monkeypatch)
        stopped = asyncio.create_task(local.load("blue"))
        await loads.began.wait()
        stopped.cancel()
        await asyncio.wait([stopped])
        assert stopped.cancelled()
        following = asyncio.create_task(local.load("red"))
        for _ in range(5):
            await asyncio.to_thread(lambda: None)
        loads.may_end.set()
        loads.may_go.set()
        await following
        assert await said(local) == "red"


async def test_a_library_that_is_not_the_right_one_is_said_at_once(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llama_cpp.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    async with on_shelf(shelf, start_timeout=8.0) as local:
        with pytest.raises(ModelNotReady) as refused:
            await local.initialize()
        assert "not loaded after" not in refused.value.message
