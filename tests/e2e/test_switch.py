"""A person turns all assistance off, and on again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.filling import BACKEND
from tests.e2e.test_ghost import READ, Typing
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
        asks = asks_of(page)
        try_all(typing, 1)
        command(page, "Tether: Assistance")
        while server.get(SETTING)["settings"].get("enabled") is False:
            page.wait_for_timeout(50)
        assert asks == []
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
