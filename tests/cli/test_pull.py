"""`tether pull`: what it prints, how it ends, and what Ctrl+C leaves."""

import io
import os
import re
import signal
import subprocess
import sys

from tests.cli.conftest import FILE, NAME, REPO
from tests.support.fake_hub import Fault
from tether_jupyter.cli.pull import Line
from tether_jupyter.llm.models.progress import Progress

SMALL = Progress("m", "m.gguf", 250_000_000, 1_000_000_000, 12_500_000.0, 60.0)


def test_a_model_comes_and_how_to_use_it_is_said(tether, hub, folder):
    status, out, err = tether("pull", REPO)
    assert status == 0
    assert f"{NAME} is here, whole and checked (3.00 MB): {folder / FILE}" in out
    assert "TETHER_MODEL_PATH" in out
    assert "100 %" in err
    assert "\r" not in err, "nobody watches"
    assert "is here already" in tether("pull", REPO)[1]


def test_an_ambiguous_name_lists_what_there_is(tether, hub):
    hub.add(REPO, "other-q4_k_m.gguf", hub.files[REPO][FILE])
    status, _, err = tether("pull", REPO)
    assert status == 1
    assert f"{REPO}:other-q4_k_m.gguf  (3.00 MB)" in err


def test_wrong_bytes_are_an_error_in_words(tether, hub):
    hub.faults = [Fault(bytes=hub.files[REPO][FILE][:-1] + b"!")]
    status, _, err = tether("pull", REPO)
    assert status == 1
    assert "SHA-256 sum differs" in err
    assert "Traceback" not in err


def test_a_missing_package_is_named_with_what_to_type(tether, hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    status, _, err = tether("pull", REPO)
    assert status == 1
    assert 'pip install "tether-jupyter[local]"' in err
    assert "Please report" not in err


def test_the_token_is_in_no_output(tether, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_canarycanary")
    said = tether("pull", REPO) + tether("pull", "owner/none") + tether("models") + tether("doctor")
    assert "canary" not in str(said)
    assert hub.asked("hub")[0].headers["authorization"] == "Bearer hf_canarycanary"
    assert not any("canary" in str(request) for request in hub.asked("host"))


def test_ctrl_c_keeps_the_part_and_says_so(home, hub, folder):
    hub.faults = [Fault(hold=True)]
    command = [sys.executable, "-m", "tether_jupyter.cli", "pull", REPO]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ,
        text=True,
        # A run in the background ignores Ctrl+C, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert process.stderr.readline().startswith(FILE), "it has begun"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert re.search(r"Stopped. 1\.\d+ MB are kept: `tether pull owner/Small-GGUF` goes on from there.", err)
    assert "Traceback" not in err
    hub.release.set()
    assert (folder / f"{FILE}.part").stat().st_size >= 2**20


def test_the_part_is_listed_and_the_next_pull_goes_on(tether, hub, home, folder):
    test_ctrl_c_keeps_the_part_and_says_so(home, hub, folder)
    out = tether("models")[1]
    assert "Broken off" in out
    assert NAME in out
    assert tether("pull", REPO)[0] == 0
    assert hub.ranges()[-1].startswith("bytes=1")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_has_one_line_that_changes():
    out = Terminal()
    line = Line(out)
    line.show(SMALL)
    line.show(SMALL)
    line.end()
    assert out.getvalue().count("\r") == 2
    assert out.getvalue().count("\n") == 1
    assert "250 MB of 1.00 GB  25 %  12.5 MB/s  1 min 00 s left" in out.getvalue()


def test_a_file_gets_a_line_every_tenth_of_the_way():
    out = io.StringIO()
    line = Line(out)
    for count in range(1001):
        line.show(Progress("m", "m.gguf", count, 1000, None, None))
    assert len(out.getvalue().splitlines()) == 11
