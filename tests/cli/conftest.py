"""A home of one's own for the command, and a hub to pull from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import gguf_bytes
from tests.support.fake_hub import Hub
from tether_jupyter.cli import main

REPO = "owner/Small-GGUF"
FILE = "small-q4_k_m.gguf"
NAME = "small-q4_k_m"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders for configuration and data, and none of the developer's variables."""
    for name in ("HF_ENDPOINT", "TETHER_MODELS_DIR", "JUPYTER_PREFER_ENV_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "config").mkdir()
    return tmp_path


@pytest.fixture
def folder(home: Path) -> Path:
    """The models folder, which is not there yet."""
    return home / "data" / "tether" / "models"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as running:
        running.add(REPO, FILE, gguf_bytes.model(floats=750_000))
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def put(folder: Path) -> Any:
    """Put a model on the shelf."""

    def write(name: str = NAME, content: bytes | None = None) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.gguf"
        path.write_bytes(content or gguf_bytes.model())
        return path

    return write


@pytest.fixture
def tether(home: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command and return its status, output and complaints."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run
