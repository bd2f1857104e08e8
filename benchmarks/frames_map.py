"""`map` over 1,000 rows against a service that takes 200 ms for each, 32 at once; and after an interrupt.

The service is a process of its own, and so is the run, as a kernel is: a DataFrame, a schema, the cache in a
new folder. The rate is that of `map` itself, from the call to the frame, beside 32 rows every 200 ms: once as
agreed to (`confirm=False`), and once as a service elsewhere is asked by itself, which waits for what the
first three rows cost. Another run gets a SIGINT when the service has answered half, and is run again: what
counts is how often the service is asked then.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.support.process import environment, process
from benchmarks.support.result import Row
from tests.support.fake_rows import TOKEN

ROUNDS = 5
SECONDS = 600
ROWS, AT_ONCE, LATENCY = 1000, 32, 0.2
PATIENCE = 120

RUN = """
import json, sys, time
import pandas as pd
import tether_jupyter

frame = pd.DataFrame({"text": [f"This is text {number}." for number in range(int(sys.argv[1]))]})
began = time.perf_counter()
try:
    options = {"concurrency": int(sys.argv[2]), "confirm": sys.argv[3] == "confirm"}
    found = frame.tether.map("Classify: {text}", schema="label one of good|bad", **options)
except KeyboardInterrupt as reason:
    print(json.dumps({"said": str(reason)}))
else:
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "errors": int(found["label_error"].notna().sum())}))
"""


def run(rounds: int, quick: bool) -> list[Row]:
    """Run over all rows; then half of them, and again."""
    rows = 200 if quick else ROWS
    rates: dict[str, list[float]] = {"agreed": [], "confirm": []}
    again: list[float] = []
    with service() as port:
        for _ in range(rounds):
            for how, found in rates.items():
                with tempfile.TemporaryDirectory() as folder:
                    told = finished(begun(port, folder, rows, how))
                    assert told["errors"] == 0, told
                    found.append(rows / told["seconds"])
            with tempfile.TemporaryDirectory() as folder:
                again.append(resumed(port, folder, rows))
    beside = "32 every 200 ms", [AT_ONCE / LATENCY] * rounds
    return [
        Row("rate", "rows/s", rates["agreed"], *beside, ratio_at_least=0.9),
        Row("rate, three rows first", "rows/s", rates["confirm"], *beside),
        Row(
            f"new calls after an interrupt at {rows // 2:,}", "calls", again, at_most=rows // 2 + 5, each=True
        ),
    ]


def resumed(port: int, folder: str, rows: int) -> float:
    """Interrupt a run at half, run it again, and return how often the service was asked then."""
    before = stats(port)["answered"]
    first = begun(port, folder, rows)
    limit = time.monotonic() + PATIENCE
    while stats(port)["answered"] < before + rows // 2:
        if time.monotonic() > limit:
            raise TimeoutError("The run does not come to its half.")
        time.sleep(0.002)
    first.send_signal(signal.SIGINT)
    said = finished(first)
    assert "Run this again" in said["said"], said
    before = stats(port)["asked"]
    assert finished(begun(port, folder, rows))["errors"] == 0
    return float(stats(port)["asked"] - before)


def begun(port: int, folder: str, rows: int, how: str = "confirm") -> subprocess.Popen[str]:
    """Start a run in a process of its own, which was agreed to or is to be confirmed."""
    variables = {
        "JUPYTER_SERVER_URL": f"http://127.0.0.1:{port}/",
        "JUPYTER_TOKEN": TOKEN,
        "JUPYTER_DATA_DIR": folder,
    }
    command = [sys.executable, "-c", RUN, str(rows), str(AT_ONCE), how]
    return subprocess.Popen(command, env=environment(**variables), stdout=subprocess.PIPE, text=True)


def finished(child: subprocess.Popen[str]) -> dict[str, float]:
    """Wait for a run and return what it tells."""
    try:
        out, _ = child.communicate(timeout=PATIENCE)
    finally:
        child.kill()
    if child.returncode:
        raise RuntimeError("The run failed.")
    found: dict[str, float] = json.loads(out)
    return found


@contextlib.contextmanager
def service() -> Iterator[int]:
    """Run the played service, and yield its port."""
    command = [sys.executable, "-m", "tests.support.fake_rows", str(LATENCY)]
    with process(command, pipes=True) as child:
        assert child.stdout is not None
        yield int(child.stdout.readline())


def stats(port: int) -> dict[str, int]:
    """Return the service's counts."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/stats")
    counts: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return counts
