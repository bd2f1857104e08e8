"""Ghost text in Chromium: from a key press to the text, and what is shown of superseded requests.

The demo model as `make lab` starts it, warm, and set to complete while one types: by default it is left
out, for it was taught no code, and what it says here means nothing. Each round types a line a person
might and waits for what is proposed; the time is from the last key's own event to the change of the
page. Then a model whose answers name the line that they were made for, and come late and out of order,
while somebody types without a pause: every text that is ever shown is held against the line as it is in
that moment. The last rows are what the wait after a key was chosen by.
"""

from __future__ import annotations

import random

from benchmarks.support.ghost_page import GhostPage, ghost_page
from benchmarks.support.result import Row

ROUNDS = 35
SECONDS = 900
LINES = ["df = pd.read", "plt.pl", "df.pl", "import pandas as", "import numpy as np", "df.groupby", "prin"]
WAITS = (0, 75, 150)
"""Milliseconds after a key, beside each other; the second is the default."""
TYPED = 'total = frame.groupby("city")["price"].mean().sort_values()  # by city'
ECHO = "benchmarks.support.ghost_echo:Echo"


def run(rounds: int, quick: bool) -> list[Row]:
    """Type for the demo model, then for the one that is slow on purpose."""
    with ghost_page({"Tether": {"backend": "local"}}, {"when": "always"}) as page:
        page.propose(LINES[0])
        shown: list[float] = []
        tries = 0
        while len(shown) < rounds and tries < 3 * rounds:
            time = page.propose(LINES[tries % len(LINES)])
            shown += [time] if time is not None else []
            tries += 1
        asked = {wait: requests(page, wait, quick) for wait in WAITS}
    with ghost_page({"Tether": {"backend": ECHO}}, {"when": "always"}) as page:
        texts, wrong = superseded(page, 60 if quick else 200)
    return [
        Row("key press to ghost text, demo model, warm", "ms", shown, at_most=250.0),
        Row("proposals that were looked at", "", [texts]),
        Row("of which another line's", "", [wrong], at_most=0),
        *(Row(f"requests for 100 keys, {wait} ms after a key", "", [asked[wait]]) for wait in WAITS),
    ]


def requests(page: GhostPage, wait: int, quick: bool) -> float:
    """Return how many requests 100 keys cost somebody who types as people do."""
    page.set({"when": "always", "debounce": wait})
    text = TYPED[:30] if quick else TYPED
    before = page.asked
    page.type(text, gaps(len(text)))
    return 100 * (page.asked - before) / len(text)


def superseded(page: GhostPage, keys: int) -> tuple[int, int]:
    """Type without a pause; return how many texts were shown, and how many of them were another line's."""
    choice = random.Random(7)  # noqa: S311 - not a secret
    text = "".join(choice.choice("abcdefgh_ =.") for _ in range(keys))
    page.type(text, gaps(keys), lines=40)
    return page.judged()


def gaps(count: int) -> list[float]:
    """Return milliseconds between keys: mostly a fast typist's, with the pauses that people make."""
    choice = random.Random(3)  # noqa: S311 - not a secret
    return [min(900.0, choice.lognormvariate(4.8, 0.55)) for _ in range(count)]
