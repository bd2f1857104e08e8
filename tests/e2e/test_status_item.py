"""The status bar says which model there is and what it is doing, and what is behind it takes one click."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.kept import send
from tests.e2e.lab import Lab
from tests.e2e.test_models import command, toast
from tests.e2e.test_models_page import serious
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def status_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A JupyterLab of its own: what is set here stays here."""
    with running(notebook_home(tmp_path_factory.mktemp("status") / "home"), app="lab") as server:
        yield server


def open_lab(page: Any, server: RunningServer) -> Any:
    """Open JupyterLab without a notebook, and return the item once it knows something."""
    page.goto(f"{server.url}lab?token={server.token}&reset")
    page.locator(".jp-Launcher").first.wait_for()
    return page.get_by_test_id("tether-status-item")


def answered_by(page: Any, server: RunningServer, engine: dict[str, Any] | None, **more: Any) -> None:
    """Have the server say from now on that its model does this."""
    health = server.get("tether/health") | more
    if engine is not None:
        health["llm_service"] |= {"ready": engine.get("progress") == 1, "engine": engine}
    page.unroute("**/tether/health*")
    page.route("**/tether/health*", lambda route: route.fulfill(json=health))


def test_looking_at_the_model_does_not_wake_it(page, status_lab):
    asked = []
    page.on("request", lambda sent: asked.append(sent.url) if "/tether/" in sent.url else None)
    item = open_lab(page, status_lab)
    item.get_by_text("demo model · asleep").wait_for()
    item.click()
    page.locator(".tether-statusPopup").get_by_text("The next question loads the model.").wait_for()
    assert {url.split("/tether/")[1].split("?")[0] for url in asked} <= {"health", "clients/lab/llm"}
    assert not status_lab.get("tether/health")["llm_service"]["ready"]
    assert page.elsewhere == []


def test_a_cell_that_asks_is_seen_at_once(page, status_lab):
    lab = Lab(page, status_lab)
    lab.load()
    item = page.get_by_test_id("tether-status-item")
    item.get_by_text("demo model · asleep").wait_for()
    try:
        lab.run("NameError").get_by_text("demo model ·").wait_for()
        # A page that saw nothing of it would look again half a minute later.
        item.get_by_text("demo model · ready").wait_for(timeout=25_000)
    finally:
        send(status_lab, "POST", "models/unload", {})


def test_the_line_follows_what_the_model_does(page, status_lab):
    answered_by(page, status_lab, {"progress": 0.385})
    item = open_lab(page, status_lab)
    item.get_by_text("demo model · loading 38 %").wait_for()
    # Whoever has it open sees it change.
    item.click()
    popup = page.locator(".tether-statusPopup")
    popup.get_by_text("demo model · loading 38 %").wait_for()
    memory = {"weight_bytes": 2_500_000_000, "kv_bytes": 110_000_000, "slots": 8}
    answered_by(page, status_lab, {"progress": 1, "running": 1, "waiting": 0, "tokens_per_s": 40.8, **memory})
    item.get_by_text("demo model · writing 41/s · 2.61 GB").wait_for()
    popup.get_by_text("41 tokens a second").wait_for()
    popup.get_by_text("1 of 8").wait_for()
    answered_by(page, status_lab, {"progress": 1, "running": 8, "waiting": 2, **memory})
    item.get_by_text("demo model · 2 waiting · 2.61 GB").wait_for()
    answered_by(page, status_lab, {"progress": 1, "running": 0, "waiting": 0, **memory})
    item.get_by_text("demo model · ready · 2.61 GB").wait_for()
    answered_by(page, status_lab, None, problem="There is no model file.", status="unhealthy")
    item.get_by_text("cannot answer").wait_for()
    popup.get_by_text("There is no model file.").wait_for()
    page.unroute("**/tether/health*")
    page.route("**/tether/health*", lambda route: route.abort())
    item.get_by_text("Tether: offline").wait_for()
    popup.get_by_text("Jupyter does not answer.").wait_for()


def test_the_popup_works_by_keyboard_and_gives_the_focus_back(page, status_lab):
    item = open_lab(page, status_lab)
    item.get_by_text("demo model").wait_for()
    item.focus()
    page.keyboard.press("Enter")
    popup = page.get_by_role("dialog", name="Tether")
    models = popup.get_by_role("button", name="Models")
    page.wait_for_function("document.activeElement.textContent === 'Models'")
    assert item.get_attribute("aria-expanded") == "true"
    assert serious(page, ".tether-statusPopup") == []
    assert serious(page, ".tether-statusItem") == []
    page.keyboard.press("Escape")
    popup.wait_for(state="detached")
    assert item.evaluate("it => it === document.activeElement")
    assert item.get_attribute("aria-expanded") == "false"
    # The second click closes what the first one opened.
    item.click()
    models.wait_for()
    item.click()
    popup.wait_for(state="detached")
    item.click()
    models.click()
    page.get_by_test_id("tether-answering").wait_for()


def test_the_memory_is_freed_from_the_popup(page, status_lab):
    item = open_lab(page, status_lab)
    command(page, "Tether: Models")
    row = page.locator('[data-model="tether-demo"]')
    row.get_by_role("button", name="Load").click()
    item.get_by_text("demo model · ready ·").wait_for()
    item.click()
    page.locator(".tether-statusPopup").get_by_role("button", name="Free the memory").click()
    toast(page, "tether-demo is unloaded and gave back about").wait_for()
    item.get_by_text("demo model · asleep").wait_for()
    assert not status_lab.get("tether/health")["llm_service"]["ready"]


def test_assistance_is_turned_off_and_on_from_the_popup(page, status_lab):
    item = open_lab(page, status_lab)
    item.get_by_text("demo model").wait_for()
    item.click()
    page.get_by_role("button", name="Turn assistance off").click()
    item.get_by_text("Tether is off").wait_for()
    item.click()
    page.get_by_role("button", name="Turn assistance on").click()
    item.get_by_text("demo model").wait_for()


def test_the_item_can_be_put_away(page, status_lab):
    item = open_lab(page, status_lab)
    item.get_by_text("demo model").wait_for()
    command(page, "Tether: Settings")
    page.locator(".jp-PluginList-entry", has_text="Tether status").click()
    page.get_by_label("Show the model in the status bar").uncheck()
    item.wait_for(state="hidden")
    page.get_by_label("Show the model in the status bar").check()
    item.wait_for()


def test_notebook_7_has_the_page_beside_its_notebook(page, notebook_7):
    errors = []
    page.on("pageerror", lambda reason: errors.append(str(reason)))
    page.goto(f"{notebook_7.url}notebooks/quickstart.ipynb?token={notebook_7.token}")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    page.locator("#jp-MainMenu .lm-MenuBar-item, .jp-MenuBar .lm-MenuBar-item", has_text="Settings").click()
    page.locator(".lm-Menu-item", has_text="Models of Tether").click()
    page.get_by_test_id("tether-answering").get_by_text("Questions go to").wait_for()
    assert page.locator(".jp-Notebook .jp-Cell").first.is_visible()
    assert not [each for each in errors if "tether" in each.lower()]
