"""Whole turns over a real database: what is asked is kept, whichever kind it is."""

from __future__ import annotations

from typing import Any

import pytest

from tether_jupyter import settings
from tether_jupyter.core.request import read_chat
from tether_jupyter.services import Services


@pytest.fixture
def services(database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    environment = {"TETHER_LLM_BACKEND": "mock", "DATABASE_URL": database_url}
    return Services(settings.load(environment=environment))


async def turn(services: Services, **fields: Any) -> list[dict[str, Any]]:
    generation = await services.ask(read_chat(fields, max_message_length=1000), "ann", "trace")
    return [event async for _, batch in generation.follow() for event in batch]


async def test_a_conversation_goes_on_and_is_found_by_its_notebook(services: Services, database_url: str):
    first = await turn(services, message="one", notebook="n.ipynb")
    await turn(services, message="two", notebook="n.ipynb")
    await services.close()
    again = Services(services.settings)
    found = await again.history.of_notebook("ann", "n.ipynb")
    assert found is not None
    assert found.id == first[0]["meta"]["conversation_id"]
    assert [m.role for m in await again.history.messages("ann", found.id)] == ["user", "assistant"] * 2
    assert (await again.health())["database"] == {
        "kind": "sqlite" if database_url.startswith("sqlite") else "postgresql",
        "ok": True,
        "problem": None,
    }
    await again.close()


async def test_a_server_that_keeps_nothing_writes_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    from traitlets.config import Config

    config = Config({"Tether": {"backend": "mock", "keep_history": False}})
    services = Services(settings.load(config, environment={}))
    await turn(services, message="one")
    await services.close()
    assert not (tmp_path / "jupyter" / "tether").exists()


async def test_a_turn_that_is_not_stored_opens_no_database(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    services = Services(settings.load(environment={"TETHER_LLM_BACKEND": "mock"}))
    await turn(services, message="one", store=False)
    await services.close()
    assert not (tmp_path / "jupyter" / "tether").exists()
