"""Open a conversation of 1,000 messages in the sidebar: from the press on its notebook's tab to the screen.

Each round opens a conversation that the page has never shown. It is usable when the input takes words and
the main thread has time again.
"""

from __future__ import annotations

from benchmarks.support.panel import chromium, lab_with, page_in, talk_of
from benchmarks.support.panel_upstream import panel_upstream
from benchmarks.support.result import Row

ROUNDS = 5
SECONDS = 600
MESSAGES = 1000
SHOWN = f"Answer {MESSAGES - 1}."
IDLE = "new Promise(done => requestIdleCallback(() => done(performance.now()), {timeout: 20000}))"


def run(rounds: int, quick: bool) -> list[Row]:
    """Open one after another; a notebook without a conversation is in front before each."""
    names = [f"talk{number}.ipynb" for number in range(rounds)]
    painted, usable, longest = [], [], []
    with panel_upstream() as fake, lab_with(fake, "empty.ipynb", *names) as (lab, url), chromium() as browser:
        for name in names:
            talk_of(lab, url, name, MESSAGES)
        for name in names:
            with page_in(browser, lab) as panel:
                # The sidebar is closed while the notebook opens, so that the conversation is new to it.
                panel.goto(name, "empty.ipynb")
                panel.open()
                panel.page.wait_for_timeout(2000)
                panel.page.evaluate("text => { bench.seen = bench.until(text, 60); }", SHOWN)
                panel.tab(name).click()
                drawn = panel.page.evaluate("bench.seen")
                ready = panel.page.evaluate(IDLE)
                panel.box.fill("it takes words")
                pressed = panel.page.evaluate("bench.pointers.at(-1)")
                painted.append(drawn - pressed)
                usable.append(ready - pressed)
                longest.append(max(panel.tasks(pressed), default=0))
    return [
        Row(f"{MESSAGES} messages: press to painted", "ms", painted, at_most=500),
        Row("press to a main thread with time again", "ms", usable),
        Row("longest task", "ms", longest),
    ]
