"""A server killed with signal 9 in the middle of its answers: what is lost, and how soon it is back.

Three conversations at once, each answer half slow and half fast. A question counts as acknowledged when its
caller was told the turn's ids. Every fourth time a process of PostgreSQL is killed before; what is said until
it is back is kept in memory, under a banner, and does not count.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.support.result import Row
from tests.faults.history_kills import Found, kill_often
from tests.support import postgres

ROUNDS = 1
SECONDS = 5400
KILLS = {"SQLite": 300, "PostgreSQL": 60}
QUICK = {"SQLite": 6, "PostgreSQL": 4}


def run(rounds: int, quick: bool) -> list[Row]:
    """Kill servers over both kinds of database."""
    kills = QUICK if quick else KILLS
    rows = []
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL runs as another user where this is root.
        found = [
            kill_often(f"sqlite:///{folder / str(n) / 'history.db'}", kills["SQLite"], seed=n)
            for n in range(rounds)
        ]
        rows += told("SQLite", found)
        if postgres.binaries() is None:
            print("PostgreSQL is not installed: it is left out.")
            return rows
        with postgres.running(folder / "postgres") as server:
            found = [
                kill_often(server.fresh(), kills["PostgreSQL"], seed=n, break_backends=True)
                for n in range(rounds)
            ]
        return rows + told("PostgreSQL", found)


def told(kind: str, found: list[Found]) -> list[Row]:
    """Return the rows of a kind of database."""
    for one in found:
        for line in one.bad():
            print(f"{kind}: {line}")
    kills = sum(one.kills for one in found)
    backends = sum(one.backends for one in found)
    note = f"{kills} kills" + (f", {backends} of its own processes" if backends else "")
    ready = [seconds for one in found for seconds in one.ready_s]
    promised = {"at_most": 0.0, "each": True}
    lost = Row(f"{kind}: acknowledged questions lost", "", sizes(found, "lost"), note=note, **promised)
    gone = f"{kind}: answers of which more than 250 ms and 2 KiB are lost"
    rows = [
        lost,
        Row(f"{kind}: acknowledged questions", "", [one.acknowledged for one in found]),
        Row(gone, "", sizes(found, "too_much"), **promised),
        Row(f"{kind}: oldest text lost", "ms", [max([0.0, *one.late_ms]) for one in found]),
        Row(f"{kind}: most text lost", "bytes", [max([0, *one.lost_bytes]) for one in found]),
        Row(f"{kind}: answers not marked as interrupted", "", sizes(found, "unmarked"), **promised),
        Row(f"{kind}: answers with another text", "", sizes(found, "wrong"), **promised),
        Row(f"{kind}: ready again", "s", ready, at_most=3.0, each=True, note="Python's start included"),
    ]
    if kind == "SQLite":
        rows.append(Row("SQLite: files that are not sound", "", sizes(found, "damaged"), **promised))
    return rows


def sizes(found: list[Found], name: str) -> list[float]:
    """Return how many of something each round has found."""
    return [len(getattr(one, name)) for one in found]
