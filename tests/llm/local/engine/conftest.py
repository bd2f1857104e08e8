"""Models whose answers depend on every token of the question, and models that say one thing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.llm.local.service import LocalService


@pytest.fixture(scope="session")
def thinking(models: Path) -> Path:
    """A model with random weights.

    This seed's choices in the tests of this folder are clear ones: the best two are 0.008 apart or more.
    """
    return tiny_gguf.write(models / "thinking.gguf", shape=tiny_gguf.ROOMY, precise=True, seed=18)


@pytest.fixture(scope="session")
def repeating(models: Path) -> Path:
    """A model that says the same ten pieces for ever."""
    pieces = [f" r{number}" for number in range(10)]
    return tiny_gguf.write(models / "repeating.gguf", says=pieces, again=True, shape=tiny_gguf.ROOMY)


@pytest.fixture(scope="module")
def thinker(thinking: Path) -> Iterator[LocalService]:
    """A service with the model that thinks, for all tests of a file."""
    local = lm.service(thinking, slots=8)
    yield local
    asyncio.run(local.cleanup())
