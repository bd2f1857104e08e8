"""The same conversation in two windows of a browser."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.kept import empty_lab, send
from tests.support.servers import running

pytestmark = pytest.mark.browser

QUICK = """
c.Tether.backend = "mock"
c.MockLLM.answer = "Sum the column."
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab with a model that answers at once."""
    with running(notebook_home(tmp_path_factory.mktemp("two") / "home"), app="lab", config=QUICK) as found:
        yield found


def test_a_question_taken_away_in_another_window_goes_when_this_one_comes_to_the_front(page, server):
    lab = empty_lab(page, server)
    lab.ask("Where is the total?")
    question = page.locator("#tether-chat .tether-Question", has_text="Where is the total?")
    page.locator("#tether-chat .tether-Answer", has_text="Sum the column.").wait_for()
    question.wait_for()
    [kept] = send(server, "GET", "conversations")["conversations"]
    [asked, _] = send(server, "GET", f"conversations/{kept['id']}/messages")["messages"]
    page.locator("#tether-chat .tether-input textarea").fill("And then")
    # Another window takes it away: this one is told nothing of it.
    send(server, "PATCH", f"messages/{asked['id']}", {"deleted": True})
    assert question.count() == 1
    looks = []
    # The name of the conversation may be asked for at the same time.
    page.on("request", lambda each: looks.append(each.url) if "tether/conversations?" in each.url else None)
    for _ in range(5):
        page.evaluate("window.dispatchEvent(new Event('focus'))")
    question.wait_for(state="detached")
    assert len(looks) <= 2
    # What is being typed stays.
    assert page.locator("#tether-chat .tether-input textarea").input_value() == "And then"
