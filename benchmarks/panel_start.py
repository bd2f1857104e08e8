"""The extension's own JavaScript, gzipped, at start and in all; and the launcher, with Tether and without.

Without means that the server extension is disabled and the lab extension not among those that are found.
Each pair of starts has a fresh page with an empty cache; who begins changes. In all counts every file that
the extension has.
"""

from __future__ import annotations

import contextlib
import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.support.panel import chromium, page_in, quiet
from benchmarks.support.process import ROOT
from benchmarks.support.result import Row
from benchmarks.support.server import Server, server

ROUNDS = 11
SECONDS = 900
STATIC = ROOT / "tether_jupyter" / "labextension" / "static"
OURS = "/lab/extensions/@tether/"
# The time at which the launcher was drawn, since the navigation began.
LAUNCHER = """
window.launcher = new Promise(done => {
  const look = () => {
    const shown = document.querySelector('.jp-LauncherCard')?.getBoundingClientRect().height > 0;
    shown ? bench.drawn().then(done) : requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
});
"""


def run(rounds: int, quick: bool) -> list[Row]:
    """Open JupyterLab in turn with Tether and without."""
    times: dict[bool, list[float]] = {True: [], False: []}
    sizes: list[float] = []
    whole: list[float] = []
    with contextlib.ExitStack() as stack:
        labs = {on: stack.enter_context(plain_lab(on)) for on in (True, False)}
        browser = stack.enter_context(chromium())
        for on in (True, False):
            visible(browser, labs[on])
        for number in range(rounds):
            for on in (True, False)[:: 1 if number % 2 else -1]:
                taken, loaded = visible(browser, labs[on])
                times[on].append(taken)
                if on is not bool(loaded):
                    raise RuntimeError(f"Tether should be {'there' if on else 'away'}, and is not.")
                if on:
                    sizes.append(sum(packed(body) for body in loaded) / 1000)
                    whole.append(sum(map(len, loaded)) / 1000)
    every = [path.read_bytes() for path in sorted(Path(STATIC).rglob("*.js"))]
    pairs = [tether / other for tether, other in zip(times[True], times[False], strict=True)]
    return [
        Row("JavaScript at start, gzipped", "kB", sizes, at_most=60),
        Row("JavaScript at start, as it is", "kB", whole),
        Row("JavaScript in all, gzipped", "kB", [sum(map(packed, every)) / 1000], at_most=1000),
        Row("launcher visible", "ms", times[True], "without Tether", times[False], ratio_at_most=1.05),
        Row("launcher visible, pair by pair", "×", pairs),
    ]


@contextlib.contextmanager
def plain_lab(on: bool) -> Iterator[Server]:
    """Run JupyterLab with Tether's demo model, or without Tether."""
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as name:
        config = {} if on else {"LabApp": {"labextensions_path": [others(Path(name))]}}
        with server(kind="jupyterlab", enabled=on, config=config) as lab:
            quiet(lab.folder)
            yield lab


def others(folder: Path) -> str:
    """Link all lab extensions but ours in a folder: one that is disabled is fetched all the same."""
    from jupyter_core.paths import jupyter_path

    for place in map(Path, jupyter_path("labextensions")):
        for package in [*place.glob("[!@]*/package.json"), *place.glob("@*/*/package.json")]:
            link = folder / package.parent.relative_to(place)
            if not link.is_relative_to(folder / OURS.strip("/").rpartition("/")[2]) and not link.exists():
                link.parent.mkdir(exist_ok=True)
                link.symlink_to(package.parent.resolve())
    return str(folder)


def visible(browser: Any, lab: Server) -> tuple[float, list[bytes]]:
    """Return after how many ms the launcher was visible, and the JavaScript of ours that was loaded."""
    with page_in(browser, lab) as panel:
        page, ours = panel.page, []
        page.add_init_script(LAUNCHER)
        page.on("response", lambda got: ours.append(got) if OURS in got.url and ".js" in got.url else None)
        page.goto(f"{lab.url}lab?token={lab.token}&reset", wait_until="commit")
        taken = page.evaluate("window.launcher")
        # What is loaded right after the start counts as well.
        page.wait_for_timeout(3000)
        return float(taken), [got.body() for got in ours]


def packed(body: bytes) -> int:
    """Return the size of a file as gzip makes it."""
    return len(gzip.compress(body, 6))
