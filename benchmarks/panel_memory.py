"""The page's heap after 200 turns in the sidebar over before, after forced collections.

Each turn is a section of rich Markdown of about 370 characters. Before is the page with the sidebar open
and nothing asked; the first turn also loads what renders code and mathematics, so the growth from there on
is told as well.
"""

from __future__ import annotations

from benchmarks.support.panel import chromium, lab_with, page_in
from benchmarks.support.panel_upstream import panel_upstream
from benchmarks.support.result import Row

ROUNDS = 1
SECONDS = 900
TURNS = 200


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask the questions in one page for each round."""
    turns = 20 if quick else TURNS
    before, first, after, nodes = [], [], [], []
    with panel_upstream() as fake, chromium() as browser:
        for number in range(rounds):
            with lab_with(fake, "talk.ipynb") as (lab, _), page_in(browser, lab) as panel:
                panel.goto("talk.ipynb")
                panel.open()
                panel.page.wait_for_timeout(2000)
                before.append(panel.heap(collected=True))
                for turn in range(turns):
                    mark = f"Turn{number}x{turn}"
                    panel.ask(mark, text="turn", n=60, gap=0.002)
                    panel.page.evaluate("mark => bench.until(mark, 60).then(() => 0)", f"{mark} ")
                    panel.ready()
                    if turn == 0:
                        panel.page.wait_for_timeout(2000)
                        first.append(panel.heap(collected=True))
                panel.page.wait_for_timeout(2000)
                after.append(panel.heap(collected=True))
                nodes.append(panel.page.evaluate("document.querySelectorAll('#tether-chat *').length"))
    return [
        Row(f"heap after {turns} turns", "MB", after, "before any", before, ratio_at_most=1.5),
        Row(f"heap after {turns} turns", "MB", after, "after the first", first),
        Row("elements in the panel", "", nodes),
    ]
