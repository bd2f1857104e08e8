"""A conversation and the played server that it asks, and what a front end is told of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.fake_tether import FakeTether
from tether_jupyter.client import Client
from tether_jupyter.widget.talk import Talk

PATIENCE = 20.0
KERNEL = "k-1"


class Front:
    """A front end: it keeps what it is told, and shows what a person would see of it."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.kept = 0
        self._changed = threading.Condition()

    def tell(self, message: dict[str, Any]) -> None:
        with self._changed:
            self.told.append(message)
            self._changed.notify_all()

    def keep(self) -> None:
        self.kept += 1

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return what was told of a kind."""
        return [message for message in self.told if message["kind"] == kind]

    def until(self, ready: Callable[[], Any]) -> None:
        """Wait until something that was told makes this true."""
        with self._changed:
            assert self._changed.wait_for(ready, PATIENCE), self.told

    @property
    def text(self) -> str:
        """The text of the last answer, put together from its pieces."""
        text = ""
        for message in self.told:
            if message["kind"] in ("add", "all"):
                text = message["rows"][-1]["text"] if message["rows"] else ""
            elif message["kind"] == "more":
                assert message["at"] == len(text.encode("utf-16-le")) // 2
                text += message["text"]
        return text

    @property
    def phases(self) -> list[str]:
        """What was happening, in order."""
        return [message["phase"] for message in self.of("phase")]


@pytest.fixture
def front() -> Front:
    return Front()


@pytest.fixture
def make(tether: FakeTether, front: Front) -> Iterator[Callable[..., Talk]]:
    """Return what makes a conversation; all of them are closed at the end."""
    made: list[Talk] = []

    def talk(**options: Any) -> Talk:
        options.setdefault("kernel_id", KERNEL)
        options.setdefault("variables", dict)
        client = Client(tether.url, tether.token)
        made.append(Talk(client, front.tell, front.keep, **options))
        return made[-1]

    yield talk
    for each in made:
        each.close()


@pytest.fixture
def talk(make: Callable[..., Talk]) -> Talk:
    return make()
