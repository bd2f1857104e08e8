"""From the press on Stop in the sidebar to the closed upstream, while words flow and before the first one."""

from __future__ import annotations

import contextlib

from benchmarks.support.panel import Panel, chromium, lab_with, page_in
from benchmarks.support.panel_upstream import PanelUpstream, panel_upstream
from benchmarks.support.result import Row

ROUNDS = 20
SECONDS = 600
# Longer than anybody waits for it here.
LONG = {"n": 100_000, "gap": 0.01, "first": 0.05}
SILENT = {"n": 5, "first": 120}


def run(rounds: int, quick: bool) -> list[Row]:
    """Stop answers one after another; words flow in each, and an answer before its first word follows."""
    flowing: list[float | None] = []
    silent: list[float | None] = []
    with contextlib.ExitStack() as stack:
        fake = stack.enter_context(panel_upstream())
        lab, _ = stack.enter_context(lab_with(fake, "talk.ipynb"))
        panel = stack.enter_context(page_in(stack.enter_context(chromium()), lab))
        panel.goto("talk.ipynb")
        panel.open()
        for number in range(rounds):
            flowing.append(stopped(panel, fake, f"Flow{number}", LONG, words=True))
            silent.append(stopped(panel, fake, f"Still{number}", SILENT, words=False))
    rows = []
    for what, found in (("words flow", flowing), ("before the first word", silent)):
        closed = [taken for taken in found if taken is not None]
        rows += [
            Row(f"{what}: Stop to upstream closed", "ms", closed or [float("inf")], at_most=15),
            Row(f"{what}: upstreams closed", "%", [100 * len(closed) / len(found)], at_least=100),
        ]
    return rows


def stopped(
    panel: Panel, fake: PanelUpstream, mark: str, script: dict[str, float], *, words: bool
) -> float | None:
    """Stop one answer; return after how many ms its upstream was closed, `None` if it never was."""
    page = panel.page
    panel.ask(mark, **script)
    if words:
        page.evaluate("mark => bench.until(mark, 60).then(() => 0)", f"{mark} ")
    else:
        fake.turn(mark)
    page.locator('#tether-chat [data-testid="tether-stop"]').click()
    pressed = panel.wall(page.evaluate("bench.pointers.at(-1)"))
    panel.ready()
    turn = fake.turn(mark, over=5)
    return 1000 * (turn["ended"] - pressed) if turn["aborted"] else None
