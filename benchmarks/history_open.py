"""Open a conversation of 2,000 messages over HTTP: its messages, whole, as JSON."""

from __future__ import annotations

import asyncio
import http.client
import json
import tempfile
import time

from benchmarks.support.result import Row
from benchmarks.support.server import Server, server
from benchmarks.support.turns import spread
from tether_jupyter.core.history import StoredMessage, new_id
from tether_jupyter.store.database import Database
from tether_jupyter.store.history import SqlHistory
from tether_jupyter.store.presence import prepare

ROUNDS = 60
SECONDS = 600
MESSAGES = 2000
TEXT = "What somebody writes in a chat, with some words and a bit of code: `df.groupby('a').sum()`. " * 4


def run(rounds: int, quick: bool) -> list[Row]:
    """Fill a conversation, and open it as often as there are rounds."""
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as folder:
        url = f"sqlite:///{folder}/history.db"
        with server(config={"Tether": {"backend": "mock"}}, variables={"DATABASE_URL": url}) as running:
            conversation = next(
                event["meta"]["conversation_id"]
                for _, event in running.events({"message": "hi"})
                if "meta" in event
            )
            asyncio.run(fill(url, conversation))
            found = [opened(running, conversation) for _ in range(max(rounds, 20))]
    times = [1000 * seconds for seconds, _ in found]
    return [
        Row(f"{MESSAGES} messages, p95", "ms", [spread(times, 0.95)], at_most=150),
        Row(f"{MESSAGES} messages", "ms", times),
        Row("their JSON", "MB", [found[0][1] / 1e6]),
    ]


async def fill(url: str, conversation_id: str) -> None:
    """Add messages to a conversation up to their number, beside the server that has begun it."""
    from sqlalchemy import select

    from tether_jupyter.store.tables import conversations

    database = Database(url, prepare)
    history = SqlHistory(database)
    query = select(conversations.c.owner).where(conversations.c.id == conversation_id)
    owner = await database.read(lambda connection: connection.execute(query).scalar_one())
    there = await history.messages(owner, conversation_id)
    parent = there[-1].id
    batch = []
    for number in range(len(there), MESSAGES):
        role = "assistant" if number % 2 else "user"
        batch.append(StoredMessage(new_id("m"), role, f"{number}: {TEXT}", parent))
        parent = batch[-1].id
    await history.add(owner, conversation_id, *batch)
    await history.close()
    await database.close()


def opened(running: Server, conversation_id: str) -> tuple[float, int]:
    """Return how long it takes to get the messages, and their size in bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    begun = time.perf_counter()
    connection.request("GET", f"/tether/conversations/{conversation_id}/messages", headers=running.headers)
    response = connection.getresponse()
    body = response.read()
    seconds = time.perf_counter() - begun
    connection.close()
    answer = json.loads(body)
    count = len(answer if isinstance(answer, list) else answer["messages"])
    if response.status != 200 or count != MESSAGES:
        raise RuntimeError(f"status {response.status}, {count} messages")
    return seconds, len(body)
