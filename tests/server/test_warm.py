"""What the first question needs is there before it is asked, as soon as somebody has looked at Tether."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.fake_openai import FakeOpenAI
from tests.support.servers import RunningServer, running

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
