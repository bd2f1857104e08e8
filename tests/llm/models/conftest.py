"""A hub to pull from, a folder to pull to, and a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import gguf_bytes
from tests.support.fake_hub import Hub
from tether_jupyter.llm.models.library import Library
from tether_jupyter.llm.models.retry import Timing
from tether_jupyter.llm.models.shelf import Shelf

REPO = "owner/Small-GGUF"
FILE = "small-q4_k_m.gguf"


class Clock:
    """A clock that moves a little whenever somebody looks, and as far as somebody waits."""

    def __init__(self) -> None:
        self.moment = 0.0
        self.step = 0.01
        self.waits: list[float] = []

    def now(self) -> float:
        self.moment += self.step
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.moment += seconds


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as running:
        yield running


@pytest.fixture(scope="session")
def content() -> bytes:
    """A model of three megabytes."""
    return gguf_bytes.model(floats=750_000)


@pytest.fixture
def offered(hub: Hub, content: bytes) -> Hub:
    """The hub with that model."""
    hub.add(REPO, "README.md", b"# Small")
    hub.add(REPO, FILE, content)
    return hub


@pytest.fixture
def pieces(hub: Hub) -> list[bytes]:
    """The files of a split model that the hub has."""
    pieces = [gguf_bytes.model(floats=300_000, seed=n, split=(n, 3)) for n in range(3)]
    for number, piece in enumerate(pieces, 1):
        hub.add(REPO, f"Q4_K_M/large-Q4_K_M-{number:05d}-of-00003.gguf", piece)
    return pieces


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "models")


@pytest.fixture
def library(hub: Hub, shelf: Shelf, clock: Clock) -> Library:
    return Library(shelf, endpoint=hub.url, token="hf_right", timing=Timing(clock.now, clock.sleep))


@pytest.fixture
def pull(library: Library) -> Any:
    """Pull something and return what came of it and every report."""

    async def run(text: str = REPO) -> tuple[Any, list[Any]]:
        reports: list[Any] = []
        return await library.pull(text, reports.append), reports

    return run
