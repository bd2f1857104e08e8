"""Search through 100,000 messages, in SQLite and in PostgreSQL: common words, rare ones, phrases and filters.

One person has all of them, in 5,000 conversations, and somebody else a tenth as many. A common word stands in
every second message; a filter lets through between a few hundred and all of them. What is timed is
`Search.search` with its snippets, for a page of twenty. Words follow Zipf's law, and the database has the
settings of a server's own; PostgreSQL is a fresh one on loopback, with its statistics as its own housekeeping
would make them.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.support.result import Row
from tests.support import postgres
from tether_jupyter.store.database import Database
from tether_jupyter.store.schema import bring_up_to_date

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROUNDS = 5
SECONDS = 1800
CONVERSATIONS, LENGTH = 5000, 20
OWNERS = ("ann", "ben")
VOCABULARY = 20_000
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
LIMIT = 50
EACH = 20
"""How often each question is asked in a round."""
SEED = 4

DAY = {"after": BEGAN + timedelta(days=200), "before": BEGAN + timedelta(days=201)}
QUESTIONS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "common words": [
        ("common ", {}),
        ("common often ", {}),
        ("common often usual ", {}),
        ("common missingword ", {}),
        ('"common often" ', {}),
    ],
    "rare words": [
        ("needle ", {}),
        ("df_total ", {}),
        ('"rare needle"', {}),
        ("read_cs", {}),
        ("w19990 ", {}),
    ],
    "half a word": [("comm", {}), ("co", {}), ("w1", {}), ("need", {})],
    "common words, filtered": [
        ("common ", {"project_id": "p_small"}),
        ("common ", {"project_id": "p_large"}),
        ("common often ", {"notebook": "n/7.ipynb"}),
        ("common ", {"model": "local:rare"}),
        ("common ", {"model": "local:usual"}),
        ("common ", DAY),
        ("common ", {"after": BEGAN}),
        ("common ", {"project_id": "p_large", "model": "local:rare", "after": DAY["after"]}),
    ],
    "rare words, filtered": [
        ("needle ", {"project_id": "p_small"}),
        ("needle ", {"project_id": "p_large"}),
        ("needle ", {"model": "local:usual", "after": DAY["after"]}),
        ("df_total ", {"notebook": "n/7.ipynb"}),
    ],
}


def run(rounds: int, quick: bool) -> list[Row]:
    """Fill each database once, and ask all questions in each round, in an order of its own."""
    conversations = CONVERSATIONS // 20 if quick else CONVERSATIONS
    rows: list[Row] = []
    with databases() as found:
        for name, url in found.items():
            rows += asyncio.run(measured(name, url, conversations, rounds))
    return rows


@contextlib.contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Yield the addresses of empty databases by their names."""
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as folder, contextlib.ExitStack() as stack:
        found = {"SQLite": f"sqlite:///{folder}/history.db"}
        if postgres.binaries() is None:
            print("PostgreSQL is not installed: it is left out.")
        else:
            server = stack.enter_context(postgres.running(Path(folder) / "postgres"))
            found["PostgreSQL"] = server.fresh()
        yield found


async def measured(name: str, url: str, conversations: int, rounds: int) -> list[Row]:
    """Return the rows of one database."""
    from tether_jupyter.store.search import Search

    database = Database(url, bring_up_to_date)
    try:
        began = time.perf_counter()
        await fill(database, conversations)
        written = time.perf_counter() - began
        search = Search(database)
        began = time.perf_counter()
        first = await search.search("ann", "needle ")
        caught_up = time.perf_counter() - began
        if not first.hits:
            raise RuntimeError("The needle is not found.")
        count = conversations * LENGTH
        print(f"{name}: {count:,} messages in {written:.0f} s, indexed in {caught_up:.1f} s more")
        times: dict[str, list[float]] = {kind: [] for kind in QUESTIONS}
        order = random.Random(SEED)  # noqa: S311
        for _ in range(rounds):
            asked = [(kind, *each) for kind, list_ in QUESTIONS.items() for each in list_] * EACH
            order.shuffle(asked)
            taken: dict[str, list[float]] = {kind: [] for kind in QUESTIONS}
            for kind, words, filters in asked:
                began = time.perf_counter()
                await search.search("ann", words, **filters)
                taken[kind].append((time.perf_counter() - began) * 1000)
            for kind, values in taken.items():
                times[kind].append(statistics.quantiles(values, n=20)[-1])
    finally:
        await database.close()
    note = f"{count:,} messages"
    return [
        Row(f"{name}, {kind}, p95", "ms", values, at_most=LIMIT, each=True, note=note)
        for kind, values in times.items()
    ]


async def fill(database: Database, conversations: int) -> None:
    """Write everybody's conversations, in the order in which they would have been held."""
    from sqlalchemy import text

    from tether_jupyter.store import tables

    def projects(connection: Connection) -> None:
        connection.execute(
            tables.projects.insert(),
            [
                {"owner": owner, "id": id, "name": id, "created_at": BEGAN, "updated_at": BEGAN, "data": {}}
                for owner in OWNERS
                for id in ("p_small", "p_large")
            ],
        )

    await database.write(projects)
    dice = random.Random(SEED)  # noqa: S311
    weights = list(itertools.accumulate(1 / (rank + 10) for rank in range(VOCABULARY)))
    vocabulary = [f"w{n}" for n in range(VOCABULARY)]
    step = timedelta(days=365) / (conversations * LENGTH)
    for start in range(0, conversations, 250):
        chosen = range(start, min(start + 250, conversations))

        def some(connection: Connection, chosen: range = chosen) -> None:
            for number, owner in itertools.product(chosen, OWNERS):
                if owner != "ann" and number % 10:
                    continue
                at = BEGAN + step * (number * LENGTH)
                connection.execute(tables.conversations.insert(), [conversation(owner, number, at)])
                said = [
                    message(owner, number, n, at + step * n, sentence(dice, vocabulary, weights))
                    for n in range(LENGTH)
                ]
                connection.execute(tables.messages.insert(), said)

        await database.write(some)
    if database.kind == "postgresql":
        await database.write(lambda connection: connection.execute(text("ANALYZE")))


def conversation(owner: str, number: int, at: datetime) -> dict[str, Any]:
    """Return a conversation's row: every second one is of the large project, every hundredth of the small."""
    project = "p_large" if number % 2 else "p_small" if number % 100 == 0 else None
    return {
        "owner": owner,
        "id": f"c_{number}",
        "project_id": project,
        "title": f"common w{number} " + ("needle" if number % 500 == 0 else "w7"),
        "notebook": f"n/{number % 100}.ipynb",
        "message_count": LENGTH,
        "created_at": at,
        "last_message_at": at,
        "data": {},
    }


def message(owner: str, number: int, n: int, at: datetime, text: str) -> dict[str, Any]:
    """Return a message's row."""
    count = number * LENGTH + n
    text = f"common {text}" if count % 2 else text
    text = f"{text} often" if count % 3 else text
    text = f"usual {text}" if count % 5 else text
    text = f"{text} a rare needle in df_total = pd.read_csv('needle.csv')" if count % 1009 == 0 else text
    return {
        "owner": owner,
        "id": f"m_{number}_{n}",
        "conversation_id": f"c_{number}",
        "parent_id": f"m_{number}_{n - 1}" if n else None,
        "role": "assistant" if n % 2 else "user",
        "content": text,
        "text": text,
        "created_at": at,
        "status": "complete",
        "model": ("local:rare" if number % 100 == 3 else "local:usual") if n % 2 else None,
        "data": {},
    }


def sentence(dice: random.Random, vocabulary: list[str], weights: list[float]) -> str:
    """Return forty to a hundred words."""
    return " ".join(dice.choices(vocabulary, cum_weights=weights, k=dice.randint(40, 100)))
