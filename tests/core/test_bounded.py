"""What a child process may take, and what becomes of one that takes more."""

import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from tether_jupyter.core import bounded
from tether_jupyter.core.bounded import Bounds, OutOfBounds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run code as a bounded child over a file."""

    def start(code, data=b"", **bounds):
        head = (
            "import sys; from tether_jupyter.core.bounded import confine; confine(*map(int, sys.argv[1:3]))\n"
        )
        (tmp_path / "bounded_child.py").write_text(head + textwrap.dedent(code))
        (tmp_path / "input").write_bytes(data)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        with (tmp_path / "input").open("rb") as file:
            return bounded.run("bounded_child", [], file, Bounds(**{"wall": 60.0, **bounds}))

    return start


def test_what_it_says_comes_back(run):
    code = "sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])"
    assert run(code, b"abc") == b"cba"


def test_a_loop_ends(run):
    with pytest.raises(OutOfBounds, match="1 seconds of computing"):
        run("while True: pass", cpu=1)


def test_one_that_waits_for_ever_ends(run):
    with pytest.raises(OutOfBounds, match=r"more than 0\.5 seconds"):
        run("import signal; signal.pause()", wall=0.5)


def test_memory_ends(run):
    code = """
    try:
        b"x" * 2**29
    except MemoryError:
        print("enough", end="")
    """
    assert run(code, memory=64) == b"enough"


def test_one_that_dies_is_said_to_have_died(run):
    with pytest.raises(OutOfBounds, match="ended the process"):
        run("import os; os.abort()")


def test_one_that_talks_without_end_ends(run):
    with pytest.raises(OutOfBounds, match="too long"):
        run("while True: sys.stdout.write('x' * 65536)", output=1 << 20)


def test_it_writes_no_file(run, tmp_path):
    code = f"""
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with open({str(tmp_path / "out")!r}, "w") as file:
            file.write("x")
    except OSError as reason:
        print(reason.errno, end="")
    """
    assert run(code) == b"27"
    assert (tmp_path / "out").read_bytes() == b""


def test_it_leaves_no_zombie_and_no_open_pipe(run):
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    with pytest.raises(OutOfBounds):
        run("while True: pass", cpu=1)
    assert len(list(descriptors.iterdir())) == before
    assert [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE] == []


def test_it_sees_no_secret(run, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    monkeypatch.setenv("DATABASE_URL", "canary")
    monkeypatch.setenv("LC_SECRET", "canary")
    assert b"canary" not in run("import os; print(dict(os.environ))")
