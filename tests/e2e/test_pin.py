"""The conversation follows an answer while its reader is at the end, and stays where the reader is else."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.kept import empty_lab
from tests.support.servers import running

pytestmark = pytest.mark.browser

FLOWING = """
c.Tether.backend = "mock"
c.MockLLM.answer = "".join(f"Paragraph {n}.\\n\\n" for n in range(150))
c.MockLLM.delay = 0.01
"""
SCROLLER = "document.querySelector('#tether-chat .tether-scroller')"
LEFT = f"{SCROLLER}.scrollHeight - {SCROLLER}.clientHeight - {SCROLLER}.scrollTop"
FRAMES = "new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab with a model whose answers are longer than the panel, and take seconds."""
    with running(notebook_home(tmp_path_factory.mktemp("pin") / "home"), app="lab", config=FLOWING) as found:
        yield found


@pytest.fixture
def lab(page, server):
    found = empty_lab(page, server)
    page.locator("#tether-chat textarea:not([aria-hidden])").fill("Go on?")
    page.keyboard.press("Enter")
    answer(page).get_by_text("Paragraph 60.").wait_for()
    return found


def answer(page):
    return page.locator("#tether-chat .tether-Answer").last


def over(page):
    """Wait until the answer is whole, and has been drawn."""
    page.get_by_test_id("tether-send").wait_for()
    answer(page).get_by_text("Paragraph 149.").wait_for()
    page.evaluate(FRAMES)


def place(page):
    """Where the first paragraph stands."""
    return answer(page).get_by_text("Paragraph 0.").evaluate("it => it.getBoundingClientRect().top")


def test_a_reader_at_the_end_sees_the_newest_words_all_along(lab):
    over(lab.page)
    assert lab.page.evaluate(LEFT) <= 1
    assert lab.page.get_by_test_id("tether-toEnd").count() == 0


def test_a_reader_who_scrolls_up_stays_there_and_can_go_back_to_the_end(lab):
    page = lab.page
    answer(page).hover()
    page.mouse.wheel(0, -100_000)
    page.get_by_test_id("tether-toEnd").wait_for()
    page.wait_for_function(f"{SCROLLER}.scrollTop === 0")
    before = place(page)
    over(page)
    assert place(page) == pytest.approx(before, abs=1)
    page.get_by_test_id("tether-toEnd").click()
    page.wait_for_function(f"{LEFT} <= 1")


def test_a_view_that_the_browser_moves_for_its_reader_is_not_moved_back(lab):
    # As a search in the page, a screen reader or the middle button of a mouse do: nobody touches the panel.
    page = lab.page
    over(page)
    sought = answer(page).get_by_text("Paragraph 5.", exact=True)
    sought.evaluate("it => it.scrollIntoView({ block: 'center' })")
    page.get_by_test_id("tether-toEnd").wait_for()
    page.evaluate(FRAMES)
    view = page.evaluate(f"{SCROLLER}.getBoundingClientRect().toJSON()")
    assert view["top"] < sought.evaluate("it => it.getBoundingClientRect().top") < view["bottom"]
