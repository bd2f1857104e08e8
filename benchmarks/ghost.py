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
SECONDS = 1500
LINES = ["df = pd.read", "plt.pl", "df.pl", "import pandas as", "import numpy as np", "df.groupby", "prin"]
WAITS = (0, 30, 75, 120, 200)
"""Milliseconds after a key."""
SPEEDS = (40, 60, 90)
"""Words a minute, of five characters each."""
EACH = 12
"""Proposals that are timed at each wait."""
FEWEST_SEEN = 30
"""Texts that must have been shown, or that nothing wrong was among them says nothing."""
TYPED = 'total = frame.groupby("city")["price"].mean()  # by city'
ALWAYS = {"when": "always", "wake": True}
ECHO = "benchmarks.support.ghost_echo:Echo"


def run(rounds: int, quick: bool) -> list[Row]:
    """Type for the demo model, then for the one that is slow on purpose."""
    times: dict[int, list[float]] = {}
    asked: dict[tuple[int, int], float] = {}
    with ghost_page({"Tether": {"backend": "local"}}, ALWAYS) as page:
        page.propose(LINES[0])
        page.propose(LINES[0])
        shown, parts = proposed(page, rounds)
        for wait in WAITS:
            page.set({**ALWAYS, "debounce": wait})
            page.propose(LINES[0])
            times[wait] = proposed(page, 2 if quick else EACH)[0]
            for speed in SPEEDS:
                asked[speed, wait] = requests(page, speed, 20 if quick else len(TYPED))
    with ghost_page({"Tether": {"backend": ECHO}}, {"when": "always"}) as page:
        texts, wrong = superseded(page, 60 if quick else 200)
    named = ("from the key to the request", "to the answer's first text", "to the page")
    return [
        Row("key press to ghost text, demo model, warm", "ms", shown, at_most=250.0),
        *(Row(f"of which {name}", "ms", each) for name, each in zip(named, parts, strict=True)),
        Row("proposals that were looked at", "", [texts], at_least=FEWEST_SEEN),
        Row("of which another line's", "", [wrong], at_most=0),
        *(Row(f"key press to ghost text, {wait} ms after a key", "ms", times[wait]) for wait in WAITS),
        *(
            Row(f"requests for 100 keys at {speed} words a minute, {wait} ms after a key", "", [count])
            for (speed, wait), count in sorted(asked.items())
        ),
    ]


def proposed(page: GhostPage, rounds: int) -> tuple[list[float], list[list[float]]]:
    """Return the milliseconds from a key to what is proposed, and their parts, round by round."""
    shown: list[float] = []
    parts: list[list[float]] = []
    for number in range(3 * rounds):
        if len(shown) < rounds and (time := page.propose(LINES[number % len(LINES)])) is not None:
            shown.append(time)
            parts += [found] if (found := page.parts()) else []
    if not shown:
        raise RuntimeError("The demo model proposed nothing.")
    # Without a wait, the text of an earlier key's request may be there each time.
    return shown, [list(each) for each in zip(*parts, strict=True)]


def requests(page: GhostPage, speed: int, keys: int) -> float:
    """Return how many requests 100 keys cost somebody who types as people do."""
    before = page.asked
    page.type(TYPED[:keys], gaps(keys, speed))
    return 100 * (page.asked - before) / keys


def superseded(page: GhostPage, keys: int) -> tuple[int, int]:
    """Type without a pause; return how many texts were shown, and how many of them were another line's."""
    choice = random.Random(7)  # noqa: S311 - not a secret
    text = "".join(choice.choice("abcdefgh_ =.") for _ in range(keys))
    page.type(text, gaps(keys, 40), lines=40)
    return page.judged()


def gaps(count: int, speed: int) -> list[float]:
    """Return milliseconds between keys: their mean is the speed's, most are shorter, some are pauses."""
    choice = random.Random(3)  # noqa: S311 - not a secret
    spread = 0.55
    mean = 60_000 / (5 * speed)
    found = [choice.lognormvariate(0.0, spread) for _ in range(count)]
    return [mean * count * each / sum(found) for each in found]
