"""Model files, written once for all tests of this folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.llm.local.service import LocalService


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def speaking(models: Path) -> Path:
    """A model that says `Hello world é 😀 end.`, with characters torn over tokens."""
    pieces = ["Hello", " wor", "ld", " ", b"\xc3", b"\xa9", " \u2009", b"\xf0\x9f", b"\x98\x80", " en", "d."]
    return tiny_gguf.write(models / "speaking.gguf", says=pieces)


@pytest.fixture(scope="module")
def speaker(speaking: Path) -> Iterator[LocalService]:
    """A service with the model that speaks, for all tests of a file."""
    local = lm.service(speaking)
    yield local
    asyncio.run(local.cleanup())


@pytest.fixture(scope="module")
def babbler(babbling: Path) -> Iterator[LocalService]:
    """A service with the model of random weights, for all tests of a file."""
    local = lm.service(babbling)
    yield local
    asyncio.run(local.cleanup())


@pytest.fixture(scope="session")
def babbling(models: Path) -> Path:
    """A model with random weights."""
    return tiny_gguf.write(models / "babbling.gguf")


@pytest.fixture(scope="session")
def endless(models: Path) -> Path:
    """A slow model whose answer never ends by itself."""
    pieces = [f" w{number}" for number in range(20)]
    return tiny_gguf.write(models / "endless.gguf", says=pieces, again=True, shape=tiny_gguf.SLOW)
