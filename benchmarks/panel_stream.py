"""The sidebar while 5,000 pieces of rich Markdown arrive, 200 a second, under 1,000 messages.

54 sections of a heading, a paragraph, a table, code, mathematics and a list, four characters a piece, from
an upstream in a process of its own, through the server, into headless Chromium without a GPU: frame rates
are a floor. Bytes are those of the bodies that the page received from Tether, over the UTF-8 bytes of the
answer's text.
"""

from __future__ import annotations

import statistics
from itertools import pairwise

from benchmarks.support.panel import Panel, chromium, lab_with, page_in, talk_of
from benchmarks.support.panel_text import END
from benchmarks.support.panel_upstream import PanelUpstream, panel_upstream
from benchmarks.support.result import Row

ROUNDS = 3
SECONDS = 900
MESSAGES, PIECES, GAP = 1000, 5000, 0.005
PATIENCE = 150


def run(rounds: int, quick: bool) -> list[Row]:
    """Stream the answer in a fresh page for each round."""
    pieces = 1000 if quick else PIECES
    found: list[dict[str, float]] = []
    with panel_upstream() as fake, lab_with(fake, "talk.ipynb") as (lab, url), chromium() as browser:
        talk_of(lab, url, "talk.ipynb", MESSAGES)
        for number in range(rounds):
            with page_in(browser, lab) as panel:
                panel.goto("talk.ipynb")
                panel.open()
                panel.page.evaluate("bench.until('Answer ', 60)" if number == 0 else "bench.until('', 60)")
                found.append(streamed(panel, fake, f"Stream{number}", pieces))
                print({name: round(value, 3) for name, value in found[-1].items()}, flush=True)

    def row(what: str, unit: str, key: str, **promise: float | bool) -> Row:
        return Row(what, unit, [one[key] for one in found], **promise)  # type: ignore[arg-type]

    return [
        row("frames a second, median", "", "fps", at_least=50),
        row("frames in the worst second", "", "worst"),
        row("tasks over 50 ms", "", "tasks", at_most=5),
        row("the longest of them", "ms", "longest", at_most=100),
        row("all of them", "ms", "blocked"),
        row("bytes received", "× its text", "bytes", at_most=6),
        row("from the first piece to the last one drawn", "× the upstream's own", "total", at_most=1.02),
        row("the last piece drawn after the upstream's end", "ms", "lag"),
        row("main thread busy", "%", "busy"),
        row("heap before", "MB", "before"),
        row("heap at the end, collected", "MB", "after"),
    ]


def streamed(panel: Panel, fake: PanelUpstream, mark: str, pieces: int) -> dict[str, float]:
    """Ask for the answer and return what it was like."""
    panel.page.wait_for_timeout(2000)
    before, busy, since = panel.heap(collected=True), panel.busy(), panel.now()
    panel.ask(mark, text="rich", n=pieces, gap=GAP, first=0.05)
    seen = panel.page.evaluate(
        "([mark, end, seconds]) => bench.until(mark, seconds).then(() => bench.frames(end, seconds))",
        [mark, END, PATIENCE],
    )
    panel.ready()
    busy, wall = panel.busy() - busy, (panel.now() - since) / 1000
    turn = fake.turn(mark, over=10)
    own = turn["last"] - turn["first"]
    drawn = panel.wall(seen["at"])
    tasks = panel.tasks(since)
    received = sum(size for _, size in panel.page.evaluate("t => bench.received(t)", since))
    if not received:
        raise RuntimeError("Nothing was received that the page tells of.")
    per_second = rates(seen["times"])
    return {
        "fps": statistics.median(per_second),
        "worst": min(per_second),
        "tasks": len(tasks),
        "longest": max(tasks, default=0),
        "blocked": sum(tasks),
        "bytes": received / turn["bytes"],
        "total": (drawn - turn["first"]) / own,
        "lag": (drawn - turn["last"]) * 1000,
        "busy": 100 * busy / wall,
        "before": before,
        "after": panel.heap(collected=True),
        "own": own,
    }


def rates(times: list[float]) -> list[float]:
    """Return the frames of each whole second."""
    seconds = [0] * (int((times[-1] - times[0]) / 1000) or 1)
    for _, time in pairwise(times):
        if (second := int((time - times[0]) / 1000)) < len(seconds):
            seconds[second] += 1
    return [float(count) for count in seconds]
