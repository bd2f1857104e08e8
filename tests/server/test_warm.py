"""What the first question needs is there before it is asked, as soon as somebody has looked at Tether."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

from tests.support.fake_openai import FakeOpenAI
from tests.support.servers import RunningServer, running
from tether_jupyter.app import TetherApp
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.mock import MockService
from tether_jupyter.services import Services

ROOT = str(Path(__file__).parents[2])
ERROR = {"kind": "error", "name": "last error", "text": "NameError: name 'x' is not defined"}
NOTEBOOK: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def ask(server: RunningServer, **question: Any) -> str:
    request = urllib.request.Request(
        server.url + "tether/chat",
        json.dumps({"message": "why?", "context": [ERROR], **question}).encode(),
        {"Authorization": f"token {server.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["content"])


def look(server: RunningServer) -> None:
    """Look at Tether's health until it has prepared itself."""
    while not server.get("tether/health")["llm_service"]["ready"]:
        assert server.process.poll() is None


async def test_after_a_look_at_health_a_question_imports_nothing(tmp_path: Path) -> None:
    config = 'c.Tether.backend = "tests.support.warmed:Warmed"\n'
    async with FakeOpenAI() as upstream:
        environment = {"OPENAI_BASE_URL": upstream.url, "PYTHONPATH": ROOT}
        with running(tmp_path / "home", config=config, **environment) as server:
            (server.root / "some.ipynb").write_text(json.dumps(NOTEBOOK))
            await asyncio.to_thread(look, server)
            imported = json.loads(await asyncio.to_thread(lambda: ask(server, notebook="some.ipynb")))
    assert imported == []


@pytest.mark.parametrize(("threshold", "times"), [(10_000, 1), (0, 0)])
def test_the_collector_need_not_walk_through_what_a_server_starts_with(
    monkeypatch: pytest.MonkeyPatch, threshold: int, times: int
) -> None:
    frozen: list[bool] = []
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(True))
    config = Config({"Tether": {"collector_threshold": threshold}})
    TetherApp(config=config)._link_jupyter_server_extension(ServerApp())
    assert len(frozen) == times


def test_settings_that_are_wrong_stop_no_server_before_they_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TETHER_CONTEXT_LENGTH", "many")
    app = TetherApp()
    app._link_jupyter_server_extension(ServerApp())
    app.initialize_settings()
    assert isinstance(app.bad_setting, InvalidRequest)
    assert "TETHER_CONTEXT_LENGTH" in app.bad_setting.message


async def test_a_server_ends_whatever_its_preparation_waits_for(
    services: Services, mock: MockService, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def prepare() -> None:
        loop.call_soon_threadsafe(begun.set)
        go.wait()

    monkeypatch.setattr("tether_jupyter.preparing.PREPARING_SECONDS", 0)
    monkeypatch.setattr(mock, "prepare", prepare)
    try:
        services.warm()
        await begun.wait()
        await asyncio.wait_for(services.close(), 30)
    finally:
        go.set()
