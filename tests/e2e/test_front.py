"""Which conversation is in front when notebooks are opened and chats begun, and what waits in it."""

from __future__ import annotations

import re

import pytest

from tests.e2e import held
from tests.e2e.conftest import ROOT, notebook_home
from tests.e2e.kept import empty_lab, send
from tests.e2e.test_threads import open_list, row, said
from tests.support.servers import running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab with a model that waits in the middle of each answer until it is let go."""
    home = notebook_home(tmp_path_factory.mktemp("held") / "home")
    (home / "work" / "other.ipynb").write_text((home / "work" / "quickstart.ipynb").read_text())
    config = f"c.Tether.backend = {held.BACKEND!r}"
    with running(home, app="lab", config=config, PYTHONPATH=str(ROOT)) as found:
        yield found


@pytest.fixture
def lab(page, server):
    """A lab whose answers wait; what waits when the test is over goes on."""
    (server.root / held.GO).unlink(missing_ok=True)
    yield empty_lab(page, server)
    (server.root / held.GO).touch()


def test_an_older_conversation_stays_in_front_when_its_notebook_is_opened(lab, server):
    page = lab.page
    (server.root / held.GO).touch()
    send(server, "POST", "chat", {"message": "the older one", "notebook": "other.ipynb"})
    send(server, "POST", "conversations", {"notebook": "other.ipynb"})
    send(server, "POST", "chat", {"message": "the newest one", "notebook": "other.ipynb"})
    drawer = open_list(lab)
    row(drawer, "the older one").click()
    said(lab, "the older one").wait_for()
    with page.expect_response(re.compile(r"/tether/conversations\?.*notebook=other")):
        page.get_by_test_id("tether-openNotebook").click()
    page.get_by_test_id("tether-elsewhere").wait_for(state="detached")
    said(lab, "the older one").wait_for()
    assert said(lab, "the newest one").count() == 0
    # Another notebook brings its own conversation, and this one has its own again after that.
    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tab")
    tabs.filter(has_text="quickstart.ipynb").click()
    said(lab, "the older one").wait_for(state="detached")
    tabs.filter(has_text="other.ipynb").click()
    said(lab, "the newest one").wait_for()


def test_what_waits_in_a_conversation_waits_once_when_its_notebook_is_opened(lab, server):
    page, panel = lab.page, lab.page.locator("#tether-chat")
    (server.root / held.GO).touch()
    send(server, "POST", "chat", {"message": "over there", "notebook": "other.ipynb"})
    (server.root / held.GO).unlink()
    drawer = open_list(lab)
    row(drawer, "over there").click()
    said(lab, "over there").wait_for()
    lab.ask("first question")
    said(lab, "first question").wait_for()
    lab.ask("second question")
    queued = panel.get_by_test_id("tether-queued")
    queued.wait_for()
    with page.expect_response(re.compile(r"/tether/conversations\?.*notebook=other")):
        page.get_by_test_id("tether-openNotebook").click()
    page.get_by_test_id("tether-elsewhere").wait_for(state="detached")
    assert queued.count() == 1
    assert panel.get_by_test_id("tether-askQueued").count() == 0
    (server.root / held.GO).touch()
    said(lab, "second question").wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    assert queued.count() == 0
    assert said(lab, "second question").count() == 1


def test_a_new_chat_leaves_the_answer_under_way_to_its_end_and_asks_nothing_that_waited(lab, server):
    page, panel = lab.page, lab.page.locator("#tether-chat")
    field = panel.locator(".tether-input textarea")
    lab.ask("first question")
    panel.get_by_text(held.WORDS[0]).first.wait_for()
    lab.ask("second question")
    panel.get_by_test_id("tether-queued").wait_for()
    page.get_by_test_id("tether-newChat").click()
    panel.get_by_test_id("tether-empty").wait_for()
    assert field.input_value() == "second question"
    assert panel.get_by_test_id("tether-queued").count() == 0
    # It is put aside, and something else is asked.
    field.fill("third question")
    field.press("Enter")
    said(lab, "third question").wait_for()
    (server.root / held.GO).touch()
    panel.locator(".tether-Answer").get_by_text(held.WORDS[-1]).wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    assert panel.locator(".tether-Question").all_inner_texts() == ["third question"]
    drawer = open_list(lab)
    row(drawer, "first question").click()
    said(lab, "first question").wait_for()
    panel.locator(".tether-Answer").get_by_text(held.WORDS[-1]).wait_for()
    assert panel.locator(".tether-Question").all_inner_texts() == ["first question"]
    assert panel.get_by_text("Stopped by you").count() == 0
