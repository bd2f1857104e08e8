"""Whole turns over a real database: what is asked is kept, whichever kind it is."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tether_jupyter import settings
from tether_jupyter.core.request import read_chat
from tether_jupyter.errors import NotFound
from tether_jupyter.services import Services
from tether_jupyter.store.failures import StoreFailed


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


async def test_two_cells_of_a_new_notebook_ask_in_one_conversation(services: Services):
    asked = [turn(services, message=text, notebook="n.ipynb") for text in ("one", "two")]
    first, second = await asyncio.gather(*asked)
    assert first[0]["meta"]["conversation_id"] == second[0]["meta"]["conversation_id"]
    assert len(await services.history.conversations("ann")) == 1
    await services.close()


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


async def uploaded(services: Services, name: str, text: str) -> str:
    arrived = services.uploads.blobs.receive()
    try:
        arrived.write(text.encode())
        return (await services.uploads.add("ann", arrived, name)).id
    finally:
        arrived.discard()


def asked(services: Services) -> str:
    """Return the last question, as the model was asked it."""
    content = services.backends.get("mock").prompts[-1].messages[-1]["content"]
    assert isinstance(content, str)
    return content


async def test_an_attached_file_is_read_by_the_model_and_still_known_later(services: Services):
    file = await uploaded(services, "notes.txt", "the total is 42")
    first = await turn(services, message="what is the total?", attachments=[file])
    assert "the total is 42" in asked(services)
    conversation = first[0]["meta"]["conversation_id"]
    await turn(services, message="and half of it?", conversation_id=conversation)
    assert "the total is 42" in asked(services)
    stored = await services.history.messages("ann", conversation)
    assert [(m.content, m.attachments) for m in stored if m.role == "user"] == [
        ("what is the total?", [file]),
        ("and half of it?", None),
    ]
    await services.close()


async def test_the_files_of_a_project_go_with_every_question_of_its_conversations(services: Services):
    file = await uploaded(services, "rules.md", "Use tabs.")
    project = await services.projects.create("ann", "work")
    await services.projects.change("ann", project.id, files=[file])
    made = await services.history.create("ann", project_id=project.id)
    await turn(services, message="hello", conversation_id=made.id)
    assert "Use tabs." in asked(services)
    await services.projects.change("ann", project.id, deleted=True)
    await turn(services, message="hello", conversation_id=made.id)
    assert "Use tabs." not in asked(services)
    await services.close()


async def test_somebody_elses_file_cannot_be_attached(services: Services):
    file = await uploaded(services, "notes.txt", "the total is 42")
    request = read_chat({"message": "x", "attachments": [file]}, max_message_length=1000)
    with pytest.raises(NotFound):
        await services.ask(request, "ben", "trace")
    await services.close()


async def test_a_project_whose_files_cannot_be_read_now_ends_no_chat(services: Services, monkeypatch):
    project = await services.projects.create("ann", "work")
    made = await services.history.create("ann", project_id=project.id)

    async def away(*_: Any) -> list[str]:
        raise StoreFailed

    monkeypatch.setattr(services.projects, "files", away)
    events = await turn(services, message="hello", conversation_id=made.id)
    assert events[-1] == {"done": True, "finish_reason": "stop"}
    await services.close()
