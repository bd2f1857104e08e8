"""Real kernels that are asked from outside: idle, busy, gone, and with what may go wrong between."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.kernels import Kernel, Ran
from tether_jupyter.context import link, sources
from tether_jupyter.context.kernels import NOTES, Kernels, Outcome

LONG = 20.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    kernel = Kernel(tmp_path_factory.mktemp("runtime"), {})
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(shared: Kernel) -> Kernel:
    """A kernel with nothing of the test before; what it keeps of the probe stays."""
    shared.run("%reset -f")
    shared.run(
        "import sys\nfor name in ('last_type', 'last_value', 'last_traceback'):\n    vars(sys).pop(name, 0)"
    )
    shared.run("del sys, name")
    shared.manager.execution_state = "idle"
    return shared


@pytest.fixture
def own_kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel that may be broken."""
    kernel = Kernel(tmp_path, {})
    yield kernel
    kernel.close()


@contextlib.asynccontextmanager
async def asking(kernel: Kernel, patience: float = LONG) -> AsyncIterator[Kernels]:
    kernels = Kernels(lambda kernel_id: {"k": kernel.manager}[kernel_id], patience)
    try:
        yield kernels
    finally:
        await kernels.close()


class Cell:
    """A cell that has begun, and goes on when it is let go."""

    def __init__(self, kernel: Kernel, gate: Path, before: str = "", after: str = "", wait: str = "") -> None:
        os.mkfifo(gate)
        self.kernel = kernel
        self.gate = gate
        wait = wait or f"open({str(gate)!r}).read()"
        self.code = f"{before}\nprint('begun', flush=True)\n{wait}\n{after}".strip()
        self.request = kernel.start(self.code)
        self.first = kernel.finish(self.request, lambda message: message["content"].get("text") == "begun\n")
        kernel.manager.execution_state = "busy"

    def end(self) -> Ran:
        """Let it go on, and collect the rest."""
        with self.gate.open("w") as gate:
            gate.write("go")
        ran = self.kernel.finish(self.request)
        self.kernel.manager.execution_state = "idle"
        return ran


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """Where a cell waits; at the latest until the test is over, so that one failure is not everybody's."""
    yield tmp_path / "gate"
    with contextlib.suppress(OSError):  # Nobody waits there, nearly always.
        os.close(os.open(tmp_path / "gate", os.O_WRONLY | os.O_NONBLOCK))


def found(outcome: Outcome) -> dict[str, Any]:
    assert outcome.problem is None, outcome.note
    assert outcome.found is not None
    return outcome.found


def variables(outcome: Outcome) -> dict[str, Any]:
    return {variable["name"]: variable for variable in found(outcome)["variables"]}


async def test_an_idle_kernel_tells_its_variables(kernel: Kernel) -> None:
    kernel.run("x = 5\nwords = ['a']\ndef f(n): ...\nimport os")
    async with asking(kernel) as kernels:
        assert list(variables(await kernels.look("k"))) == ["words", "x", "f"]
        assert variables(await kernels.look("k", ["x"], "values"))["x"]["value"] == "5"
        assert "value" not in variables(await kernels.look("k", ["x"]))["x"]
        assert found(await kernels.look("k", ["nope"]))["missing"] == ["nope"]
        assert found(await kernels.look("k", max_bytes=300, level="values"))


async def test_asking_leaves_nothing_behind(kernel: Kernel) -> None:
    kernel.run("5 + 5")
    look = "(sorted(globals()), list(In), dict(Out), _, __, ___, get_ipython().execution_count)"
    last = "sys.modules['sys'].last_value"
    kernel.run("import sys\n1 / 0")
    before, error = kernel.value(look), kernel.value(f"id({last})")
    async with asking(kernel) as kernels:
        for question in (kernels.look("k"), kernels.running("k"), kernels.error("k")):
            assert (await question).problem is None
    assert kernel.value(look) == before
    assert kernel.value(f"id({last})") == error
    assert "5 + 5" in kernel.run("%history -n -l 3").printed
    assert "tether" not in kernel.run("%history -l 5").printed


async def test_a_kernel_answers_while_a_cell_runs(kernel: Kernel, gate: Path) -> None:
    before = "def fit(n):\n    step = 4711\n    return open(PATH).read()\nPATH = " + repr(str(gate))
    cell = Cell(kernel, gate, before, "print('done')", "got = fit(10)")
    async with asking(kernel) as kernels:
        running = found(await kernels.running("k", "samples"))
        assert running["running"] is True
        assert running["cell"] == cell.code
        assert running["code"] == "got = fit(10)"
        assert [frame["function"] for frame in running["frames"][:2]] == ["<module>", "fit"]
        assert {v["name"]: v["value"] for v in running["variables"]} == {"n": "10", "step": "4711"}
        assert 0 <= running["seconds"] < 60
        assert "PATH" in variables(await kernels.look("k"))
        assert (await kernels.error("k")).found is None
        ran = cell.end()
        assert ran.reply["status"] == "ok"
        assert ran.printed == "done\n"
        assert found(await kernels.running("k"))["running"] is False


async def test_a_cell_that_awaits_is_seen(kernel: Kernel, gate: Path) -> None:
    before = (
        "import asyncio\nasync def wait(path):\n    return await asyncio.to_thread(lambda: open(path).read())"
    )
    cell = Cell(kernel, gate, before, "", f"await wait({str(gate)!r})")
    async with asking(kernel) as kernels:
        running = found(await kernels.running("k"))
    assert cell.end().reply["status"] == "ok"
    assert running["running"] is True
    assert running["code"].startswith("await wait(")
    assert "wait" in [frame["function"] for frame in running["frames"]]


async def test_a_timed_cell_is_seen_by_its_own_line(kernel: Kernel, gate: Path) -> None:
    os.mkfifo(gate)
    request = kernel.start(f"%%time\nprint('begun', flush=True)\nn = 5\nopen({str(gate)!r}).read(n)")
    kernel.finish(request, lambda message: message["content"].get("text") == "begun\n")
    async with asking(kernel) as kernels:
        running = found(await kernels.running("k"))
    await asyncio.to_thread(gate.write_text, "go")
    kernel.finish(request)
    assert running["line"] == 4
    assert running["code"].startswith("open(")
    assert [variable["name"] for variable in running["variables"]] == ["n"]


async def test_a_busy_kernel_is_busy_again_after_an_answer(kernel: Kernel, gate: Path) -> None:
    cell = Cell(kernel, gate)
    async with asking(kernel) as kernels:
        assert (await kernels.look("k")).problem is None
        assert (await kernels.running("k")).problem is None
        states: list[tuple[str, str]] = []
        # What comes last for each of the two questions is that the cell is at work.
        while states.count(("cell", "busy")) < 2:
            message = kernel.client.get_iopub_msg(timeout=LONG)
            if message["msg_type"] == "status":
                whose = "cell" if message["parent_header"].get("msg_id") == cell.request else "ours"
                states.append((whose, message["content"]["execution_state"]))
        assert states[-2:] == [("ours", "idle"), ("cell", "busy")]
        assert ("cell", "idle") not in states
        ran = cell.end()
    assert ran.messages[-1][1]["content"]["execution_state"] == "idle"


async def test_what_a_thread_prints_still_goes_to_the_running_cell(
    kernel: Kernel, gate: Path, tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    os.mkfifo(inner)
    before = (
        "import threading\n"
        f"def later():\n    open({str(inner)!r}).read()\n    print('from the thread', flush=True)\n"
        "thread = threading.Thread(target=later)\nthread.start()"
    )
    cell = Cell(kernel, gate, before)
    async with asking(kernel) as kernels:
        assert (await kernels.look("k")).problem is None
        # The second answer comes after what follows the first.
        assert (await kernels.look("k")).problem is None
    with inner.open("w") as opened:
        opened.write("go")
    said = kernel.finish(cell.request, lambda message: "thread" in str(message["content"].get("text")))
    assert said.printed == "from the thread\n"
    cell.end()


async def test_callbacks_of_the_cell_and_its_payloads_wait_for_the_cell(kernel: Kernel, gate: Path) -> None:
    kernel.run(
        "calls = []\ndef count():\n    calls.append(1)\n"
        "ip = get_ipython()\nip.events.register('post_execute', count)"
    )
    cell = Cell(kernel, gate, "calls.clear()\nip.set_next_input('next()')", "seen = len(calls)")
    async with asking(kernel) as kernels:
        for _ in range(3):
            assert (await kernels.look("k")).problem is None
    ran = cell.end()
    assert [payload["text"] for payload in ran.reply["payload"]] == ["next()"]
    assert kernel.value("seen") == "0"
    assert kernel.value("len(calls)") >= "1"
    kernel.run("ip.events.unregister('post_execute', count)")


async def test_a_cell_can_be_interrupted_after_it_was_looked_at(kernel: Kernel, gate: Path) -> None:
    cell = Cell(kernel, gate)
    async with asking(kernel) as kernels:
        assert (await kernels.running("k")).problem is None
    ran = kernel.interrupt(cell.request)
    assert ran.reply["ename"] == "KeyboardInterrupt"


async def test_the_last_error_is_told(kernel: Kernel) -> None:
    async with asking(kernel) as kernels:
        assert (await kernels.error("k")).found is None
        kernel.run("def half(n):\n    rest = n % 2\n    raise ValueError(f'odd: {n}')\nhalf(3)")
        told = found(await kernels.error("k", "samples"))
        assert (told["type"], told["message"]) == ("ValueError", "odd: 3")
        assert [frame["function"] for frame in told["frames"]] == ["<module>", "half"]
        assert {v["name"]: v["value"] for v in told["frames"][1]["locals"]} == {"n": "3", "rest": "1"}
        kernel.run("b = = 2")
        assert found(await kernels.error("k"))["frames"][0]["line"] == 1


async def test_many_at_once_and_two_servers(kernel: Kernel) -> None:
    kernel.run("x = 5")
    async with asking(kernel) as one, asking(kernel) as other:
        outcomes = await asyncio.gather(*(kernels.look("k") for kernels in (one, other) for _ in range(5)))
        assert all("x" in variables(outcome) for outcome in outcomes)


async def test_subshells_are_kept_and_given_back(kernel: Kernel) -> None:
    count = "len(get_ipython().kernel.shell_channel_thread.manager.list_subshell())"
    async with asking(kernel) as kernels:
        for _ in range(3):
            await kernels.look("k")
        assert kernel.value(count) == "1"
        await kernels.forget("k")
        assert kernel.value(count) == "0"
        assert (await kernels.look("k")).problem is None
    assert kernel.value(count) == "0"


async def test_names_that_the_user_took_do_no_harm(own_kernel: Kernel) -> None:
    own_kernel.run("sys = json = exec = found = None\nclass str: ...\nget_ipython = 5")
    async with asking(own_kernel) as kernels:
        assert {"sys", "str"} <= set(variables(await kernels.look("k")))


async def test_formatters_of_the_user_do_no_harm(kernel: Kernel) -> None:
    kernel.run(
        "ip = get_ipython()\nplain = ip.display_formatter.formatters['text/plain']\n"
        "plain.for_type(str, lambda s, p, c: p.text('mine'))"
    )
    async with asking(kernel) as kernels:
        assert "plain" in variables(await kernels.look("k"))
    kernel.run("plain.pop(str)")


class Without:
    """Take features out of what kernels say of themselves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.language = "python"
        real = link.Link._kernel_info

        async def info(asked: link.Link, until: float) -> dict[str, Any]:
            told = await real(asked, until)
            return {**told, "supported_features": [], "language_info": {"name": self.language}}

        monkeypatch.setattr(link.Link, "_kernel_info", info)


@pytest.fixture
def without_subshells(monkeypatch: pytest.MonkeyPatch) -> Without:
    return Without(monkeypatch)


async def test_without_subshells_an_idle_kernel_is_asked(kernel: Kernel, without_subshells: Without) -> None:
    kernel.run("x = 5")
    before = kernel.value("sorted(globals())")
    async with asking(kernel) as kernels:
        assert "x" in variables(await kernels.look("k"))
        assert found(await kernels.running("k"))["running"] is False
    assert kernel.value("sorted(globals())") == before
    assert kernel.value("len(get_ipython().kernel.shell_channel_thread.manager.list_subshell())") == "0"


async def test_without_subshells_a_busy_kernel_is_not_waited_for(
    kernel: Kernel, gate: Path, without_subshells: Without
) -> None:
    cell = Cell(kernel, gate)
    async with asking(kernel) as kernels:
        outcome = await kernels.running("k")
        assert outcome.problem == "busy"
        assert outcome.note == NOTES["busy"]
        assert outcome.found is None
    assert cell.end().reply["status"] == "ok"


async def test_a_question_that_comes_too_late_is_not_answered_later(
    kernel: Kernel, gate: Path, without_subshells: Without
) -> None:
    async with asking(kernel) as kernels:
        assert (await kernels.look("k")).problem is None
    name, _ = sources.packed()
    kernel.run(
        f"import sys\nguest = sys.modules[{name + '.guest'!r}]\nasked = []\nlook = guest.look\n"
        "guest.look = lambda *a, **k: asked.append(1) or look(*a, **k)"
    )
    cell = Cell(kernel, gate)
    # The server has not heard yet that a cell runs.
    kernel.manager.execution_state = "idle"
    async with asking(kernel, patience=0.5) as kernels:
        assert (await kernels.look("k")).problem == "silent"
        cell.end()
        assert kernel.value("asked") == "[]"
    kernel.run("guest.look = look")


async def test_a_kernel_of_another_language_says_so(kernel: Kernel, without_subshells: Without) -> None:
    without_subshells.language = "R"
    async with asking(kernel) as kernels:
        assert (await kernels.look("k")).problem == "foreign"


def answers(expression: str) -> str:
    """Return a cell that makes the probe answer something else; `probe.answer = real` undoes it."""
    name, _ = sources.packed()
    return (
        f"import sys\nprobe = sys.modules[{name!r}]\nreal = probe.answer\n"
        f"probe.answer = lambda q: {expression}"
    )


@pytest.mark.parametrize(
    "garbage",
    ["'nonsense'", "'x' * 300_000", "'[]'", "5", "'{}'", "'[' * 100_000", '\'{"found": 5, "work": 0}\''],
)
async def test_an_answer_that_makes_no_sense_is_an_outcome(kernel: Kernel, garbage: str) -> None:
    async with asking(kernel) as kernels:
        assert (await kernels.look("k")).problem is None
        kernel.run(answers(garbage))
        assert (await kernels.look("k")).problem == "garbled"
        kernel.run("probe.answer = real")
        assert (await kernels.look("k")).problem is None


async def test_an_answer_that_is_far_too_long_is_never_taken_in(kernel: Kernel) -> None:
    async with asking(kernel, patience=2.0) as kernels:
        assert (await kernels.look("k")).problem is None
        kernel.run(answers("'x' * 3_000_000"))
        assert (await kernels.look("k")).problem in ("silent", "garbled")
        kernel.run("probe.answer = real")


async def test_a_question_that_the_end_overtakes_is_an_outcome(kernel: Kernel, gate: Path) -> None:
    async with asking(kernel) as kernels:
        assert found(await kernels.look("k", []))["variables"] == []
        kernel.run(answers(f"open({str(gate)!r}).read()"))
        os.mkfifo(gate)
        question = asyncio.create_task(kernels.look("k"))
        await asyncio.to_thread(gate.write_text, "")
        await kernels.forget("k")
        assert (await question).problem in ("silent", "garbled")
        kernel.run("probe.answer = real")


async def test_a_manager_that_fails_is_an_outcome(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def is_alive(self) -> bool:
            raise OSError("not for people")

    kernels = Kernels(lambda kernel_id: Broken())
    assert (await kernels.look("k")).problem == "silent"
    assert "OSError" in caplog.text
    assert "not for people" not in caplog.text


async def test_an_unknown_kernel_is_gone(kernel: Kernel) -> None:
    async with asking(kernel) as kernels:
        assert (await kernels.look("another")).problem == "gone"


async def test_a_starting_kernel_is_not_asked(kernel: Kernel) -> None:
    kernel.manager.execution_state = "restarting"
    async with asking(kernel) as kernels:
        assert (await kernels.look("k")).problem == "starting"


async def test_a_restarted_kernel_is_asked_anew(own_kernel: Kernel) -> None:
    own_kernel.run("old = 1")
    async with asking(own_kernel) as kernels:
        assert "old" in variables(await kernels.look("k"))
        own_kernel.manager.restart_kernel(now=True)
        own_kernel.client.wait_for_ready(timeout=30)
        own_kernel.run("new = 1")
        assert list(variables(await kernels.look("k"))) == ["new"]


async def test_a_subshell_that_somebody_ended_is_made_anew(own_kernel: Kernel) -> None:
    own_kernel.run("x = 5")
    async with asking(own_kernel) as kernels:
        assert (await kernels.look("k")).problem is None
        kept = own_kernel.value("get_ipython().kernel.shell_channel_thread.manager.list_subshell()[0]")
        request = own_kernel.client.session.msg("delete_subshell_request", {"subshell_id": kept.strip("'")})
        own_kernel.client.control_channel.send(request)
        own_kernel.client.get_control_msg(timeout=LONG)
        assert "x" in variables(await kernels.look("k"))


async def test_a_dead_kernel_says_so(own_kernel: Kernel) -> None:
    async with asking(own_kernel) as kernels:
        assert (await kernels.look("k")).problem is None
        own_kernel.manager.shutdown_kernel(now=True)
        assert (await kernels.look("k")).problem == "dead"
        assert kernels.open == 0, "its line would knock at a port that may be another's by now"


async def test_a_new_line_lets_go_of_those_to_kernels_that_ended(kernel: Kernel) -> None:
    there = {"old": kernel.manager, "new": kernel.manager}
    kernels = Kernels(there.__getitem__, LONG)
    try:
        assert (await kernels.look("old")).problem is None
        del there["old"]
        assert (await kernels.look("new")).problem is None
        assert kernels.open == 1
    finally:
        await kernels.close()


async def test_a_cell_that_lets_no_other_thread_run_is_not_waited_for(own_kernel: Kernel, gate: Path) -> None:
    async with asking(own_kernel) as kernels:
        assert (await kernels.look("k", [])).problem is None
    os.mkfifo(gate)
    # This match holds the interpreter for longer than anybody waits.
    match = "re.match('(a+)+$', 'a' * 40 + 'b')"
    own_kernel.start(f"import re\nwith open({str(gate)!r}, 'w') as file:\n    file.write('begun')\n{match}")
    assert await asyncio.to_thread(gate.read_text) == "begun"
    own_kernel.manager.execution_state = "busy"
    async with asking(own_kernel, patience=0.6) as kernels:
        begun = time.monotonic()
        assert (await kernels.running("k")).problem == "busy"
        assert time.monotonic() - begun < 5
        own_kernel.manager.shutdown_kernel(now=True)


async def test_a_kernel_behind_a_gateway_says_so(kernel: Kernel) -> None:
    class Gateway:
        execution_state = "idle"

        async def is_alive(self) -> bool:
            return True

        def client(self, **options: Any) -> Any:
            return object()

    kernels = Kernels(lambda kernel_id: Gateway())
    assert (await kernels.look("k")).problem == "remote"
    await kernels.close()


async def comes(there: Callable[[], bool]) -> None:
    """Let the server's loop run until something is so."""
    async with asyncio.timeout(LONG):
        while not there():  # noqa: ASYNC110 - the manager of kernels has no event for it
            await asyncio.sleep(0)


async def test_the_servers_own_manager_goes_on_seeing_a_busy_kernel(jp_serverapp: Any, gate: Path) -> None:
    manager = jp_serverapp.kernel_manager
    kernel_id = await manager.start_kernel()
    kernels = Kernels(manager.get_kernel, LONG)
    client = manager.get_kernel(kernel_id).client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=30)
        os.mkfifo(gate)
        client.execute(f"x = 5\nopen({str(gate)!r}).read()")
        await comes(lambda: manager.get_kernel(kernel_id).execution_state == "busy")
        assert "x" in variables(await kernels.look(kernel_id))
        assert found(await kernels.running(kernel_id))["running"] is True
        await comes(lambda: manager.get_kernel(kernel_id).execution_state == "busy")
        await asyncio.to_thread(gate.write_text, "go")
        await comes(lambda: manager.get_kernel(kernel_id).execution_state == "idle")
    finally:
        client.stop_channels()
        await kernels.close()
        await manager.shutdown_kernel(kernel_id, now=True)


def test_every_problem_has_its_sentence() -> None:
    assert all(note.endswith(".") for note in NOTES.values())
    assert Outcome(None).note is None
