"""A person turns all assistance off, and on again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.filling import BACKEND
from tests.e2e.held import GO
from tests.e2e.kept import QUICK
from tests.e2e.lab import Lab
from tests.e2e.test_ghost import READ, Typing
from tests.e2e.test_memory import answers, asked, half_of, holding, let_go, whole
from tests.e2e.test_models import command
from tests.support.servers import running

pytestmark = pytest.mark.browser

WANTED = {"@tether/jupyterlab/nextCell": {"enabled": True}}
OFF = {**WANTED, "@tether/jupyterlab/assistance": {"enabled": False}}
SETTING = "lab/api/settings/@tether/jupyterlab:assistance"
ASKS = ("tether/v1/completions", "tether/chat", "tether/health")


def lab(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any]) -> Any:
    home = tmp_path_factory.mktemp("switch") / "home"
    return running(home, app="lab", config=f'c.Tether.backend = "{BACKEND}"\n', settings=settings)


def asks_of(page: Any) -> list[str]:
    """Return a list that grows with each request of a model."""
    found: list[str] = []
    page.on("request", lambda it: found.append(it.url) if any(ask in it.url for ask in ASKS) else None)
    return found


def try_all(typing: Typing, count: int) -> None:
    """Type, ask by hand, and run the last cell that holds anything."""
    page = typing.page
    typing.enter(2)
    page.keyboard.press("Control+a")
    typing.type("df = pd.re")
    page.keyboard.press("Alt+\\")
    typing.until("df = pd.re")
    typing.enter(3)
    page.keyboard.press("Control+Enter")
    typing.cells.nth(3).locator(".jp-InputPrompt", has_text=str(count)).wait_for()


def test_off_in_the_menu_nothing_is_asked_and_on_again_all_of_it_is_there(page, tmp_path_factory):
    with lab(tmp_path_factory, WANTED) as server:
        typing = Typing(page, server, [READ, ["chat", "```\nprint(1)\n```", ""]], prose=False)
        proposal = page.get_by_test_id("tether-nextCell")
        typing.type("df = pd.re")
        typing.see('ad_csv("a.csv")')
        page.get_by_role("menuitem", name="Settings").first.click()
        page.locator(".lm-Menu-item.lm-mod-toggled", has_text="Tether Assistance").click()
        while server.get(SETTING)["settings"].get("enabled") is not False:
            page.wait_for_timeout(50)
        typing.gone()
        # The page hears of it after the server.
        page.get_by_test_id("tether-status-item").get_by_text("Tether is off").wait_for()
        asks = asks_of(page)
        try_all(typing, 1)
        assert asks == []
        command(page, "Tether: Assistance")
        while server.get(SETTING)["settings"].get("enabled") is False:
            page.wait_for_timeout(50)
        typing.enter(2)
        page.keyboard.press("End")
        page.keyboard.press("Backspace")
        typing.type("e")
        typing.see('ad_csv("a.csv")')
        typing.enter(3)
        assert proposal.count() == 0
        page.keyboard.press("Control+Enter")
        proposal.get_by_text("A next cell, by").wait_for()
        command(page, "Tether: Assistance")
        proposal.wait_for(state="detached")


def test_off_from_the_start_nothing_is_asked_even_once(page, tmp_path_factory):
    with lab(tmp_path_factory, OFF) as server:
        asks = asks_of(page)
        typing = Typing(page, server, [READ], prose=False)
        try_all(typing, 1)
        page.get_by_role("menuitem", name="Settings").first.click()
        shown = page.locator(".lm-Menu-item", has_text="Tether Assistance")
        shown.wait_for()
        assert "lm-mod-toggled" not in str(shown.get_attribute("class"))
        assert asks == []
        assert typing.seen == []


def test_off_while_an_answer_is_written_nothing_follows_it_and_it_can_be_stopped(page, tmp_path):
    with holding(tmp_path / "home") as server:
        lab = Lab(page, server)
        panel = lab.open_panel()
        stop = panel.get_by_test_id("tether-stop")
        lab.ask("first question")
        half_of(answers(panel).last)
        lab.ask("second question")
        panel.get_by_test_id("tether-queued").wait_for()
        asks = asks_of(page)
        command(page, "Tether: Assistance")
        panel.get_by_test_id("tether-off").wait_for()
        assert stop.is_visible()
        assert not panel.locator(".tether-input textarea").is_visible()
        assert not panel.get_by_test_id("tether-queued").is_visible()
        let_go(server)
        stop.wait_for(state="detached")
        whole(answers(panel).last)
        assert panel.get_by_test_id("tether-regenerate").is_disabled()
        assert panel.get_by_test_id("tether-edit").is_disabled()
        assert not panel.locator(".tether-input").is_visible()
        assert asked(panel, "second question").count() == 0
        assert [each for each in asks if "tether/chat" in each] == []
        panel.get_by_test_id("tether-turnOn").click()
        # What waited is asked by hand, as after a stop.
        (server.root / GO).unlink()
        panel.get_by_test_id("tether-askQueued").click()
        asked(panel, "second question").wait_for()
        half_of(answers(panel).last)
        command(page, "Tether: Assistance")
        panel.get_by_test_id("tether-off").wait_for()
        stop.click()
        panel.get_by_text("Stopped by you").first.wait_for()
        stop.wait_for(state="detached")
        let_go(server)


def test_off_a_question_that_is_being_edited_is_kept_and_not_asked(page, tmp_path):
    with running(notebook_home(tmp_path / "home"), app="lab", config=QUICK) as server:
        lab = Lab(page, server)
        panel = lab.open_panel()
        lab.ask("first question")
        panel.locator(".tether-Answer", has_text="Sum the column.").wait_for()
        panel.get_by_test_id("tether-send").wait_for()
        panel.locator(".tether-Question").hover()
        panel.get_by_test_id("tether-edit").click()
        field = panel.get_by_test_id("tether-editField")
        field.fill("another question")
        asks = asks_of(page)
        command(page, "Tether: Assistance")
        panel.get_by_test_id("tether-off").wait_for()
        assert panel.get_by_role("button", name="Ask again").is_disabled()
        field.press("Enter")
        assert field.input_value() == "another question"
        assert [each for each in asks if "tether/chat" in each] == []
        panel.get_by_test_id("tether-turnOn").click()
        panel.get_by_test_id("tether-off").wait_for(state="detached")
        field.press("Enter")
        panel.locator(".tether-Question", has_text="another question").wait_for()
