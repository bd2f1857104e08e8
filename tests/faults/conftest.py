"""How often each fault happens: 3 times in the ordinary run, `--faults 50` for what is promised."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import tiny_gguf
from tests.support.damage import Damage

PROMISED = 50
found: list[Damage] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--faults", type=int, default=None, help="how often each fault happens (also TETHER_FAULTS)"
    )


@pytest.fixture(scope="session")
def times(pytestconfig: pytest.Config) -> int:
    """How often each fault happens."""
    return int(pytestconfig.getoption("faults", None) or os.environ.get("TETHER_FAULTS", "3"))


@pytest.fixture
def damage(times: int) -> Iterator[Callable[[str], Damage]]:
    """Make the record of one kind of fault. TETHER_FAULTS_SLOWER scales the times that are promised."""
    slower = float(os.environ.get("TETHER_FAULTS_SLOWER", "1" if times >= PROMISED else "3"))

    def make(kind: str) -> Damage:
        found.append(Damage(kind, slower))
        return found[-1]

    return make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if found:
        terminalreporter.section("faults")
        for damage in found:
            terminalreporter.line(damage.line())


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose answer never ends by itself."""
    pieces = [f" w{number}" for number in range(20)]
    path = tmp_path_factory.mktemp("models") / "endless.gguf"
    return tiny_gguf.write(path, says=pieces, again=True)
