"""From Enter in the sidebar to the first text on the screen, less what the upstream takes itself.

Enter is the page's own key event; the text is on the screen when the frame that shows it has been drawn. The
upstream waits 50 ms; what it took in truth, from the request's arrival to its first piece, is subtracted. The
mark that is looked for is short enough to be in the first piece whole.
"""

from __future__ import annotations

from benchmarks.support.panel import Panel, chromium, lab_with, page_in
from benchmarks.support.panel_upstream import PanelUpstream, panel_upstream
from benchmarks.support.result import Row

ROUNDS = 15
STARTS = 3
SECONDS = 900
FIRST = 0.05


def run(rounds: int, quick: bool) -> list[Row]:
    """Ask the first question after some starts of the server, and then others one after another."""
    cold, warm = [], []
    with panel_upstream() as fake, chromium() as browser:
        starts = 1 if quick else STARTS
        for start in range(starts):
            with lab_with(fake, "talk.ipynb") as (lab, _), page_in(browser, lab) as panel:
                panel.goto("talk.ipynb")
                panel.open()
                # Somebody reads and types before a first question.
                panel.page.wait_for_timeout(3000)
                cold.append(first(panel, fake, f"C{start}"))
                for number in range(rounds // starts + 1):
                    warm.append(first(panel, fake, f"W{start * 100 + number}"))
                    panel.page.wait_for_timeout(300)

    def row(what: str, runs: list[tuple[float, ...]], part: int, limit: float | None = None) -> Row:
        return Row(what, "ms", [one[part] for one in runs], at_most=limit)

    return [
        row("added to the upstream's own", warm, 0, 25),
        row("from Enter to the upstream", warm, 1),
        row("from its first piece to the screen", warm, 2),
        row("added, first question after a start", cold, 0, 100),
        row("from Enter to the upstream, first question after a start", cold, 1),
        row("from its first piece to the screen, first question after a start", cold, 2),
    ]


def first(panel: Panel, fake: PanelUpstream, mark: str) -> tuple[float, float, float]:
    """Ask, and return in ms what was added, and where: before the upstream, and after."""
    page = panel.page
    page.evaluate("mark => { bench.seen = bench.until(mark, 60); }", f"{mark} ")
    panel.ask(mark, n=5, first=FIRST)
    drawn = panel.wall(page.evaluate("bench.seen"))
    enter = panel.wall(page.evaluate("bench.keys.at(-1)"))
    panel.ready()
    turn = fake.turn(mark, over=10)
    to, after = 1000 * (turn["received"] - enter), 1000 * (drawn - turn["first"])
    return to + after, to, after
