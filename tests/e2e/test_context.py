"""What the sidebar knows of the notebook: its variables, and what it is doing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.lab import Lab
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def echoing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A lab whose model says what it was asked, with all that went along."""
    home = notebook_home(tmp_path_factory.mktemp("echo") / "home")
    with running(home, app="lab", config='c.Tether.backend = "mock"\n') as server:
        yield server


def test_a_variable_is_named_by_an_at_sign(page, echoing):
    lab = Lab(page, echoing)
    lab.run("column =").locator(".jp-InputPrompt", has_text="1").wait_for()
    panel = lab.open_panel()
    lab.ask("what is @column?")
    answer = panel.locator(".tether-Answer").last
    answer.get_by_text("column: str").wait_for()
    answer.get_by_text("price").wait_for()


@pytest.fixture
def gate(echoing: RunningServer) -> Iterator[Path]:
    """A pipe that a cell waits at; whatever becomes of the test, the cell ends after it."""
    made = echoing.root / "gate"
    os.mkfifo(made)
    yield made
    held = os.open(made, os.O_RDWR)
    made.unlink()
    os.close(held)


def test_how_far_a_running_cell_is_can_be_asked_while_it_runs(page, echoing, gate):
    lab = Lab(page, echoing)
    lab.cell("column =").locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.type(f"for epoch in range(40, 50): open('{gate.name}').read()")
    page.keyboard.press("Control+Enter")
    cell = lab.cell("for epoch")
    cell.locator(".jp-InputPrompt", has_text="*").wait_for()
    panel = lab.open_panel()
    lab.ask("how far is it?")
    answer = panel.locator(".tether-Answer").last
    answer.get_by_text("A cell is running").first.wait_for()
    answer.get_by_text("epoch").first.wait_for()
    # It runs on as if nobody had asked.
    cell.locator(".jp-InputPrompt", has_text="*").wait_for()


#: A page that draws late. Counts, at each change of it, how often an answer's first words stand in it.
WATCH = """
const frame = window.requestAnimationFrame;
window.requestAnimationFrame = draw => frame(at => setTimeout(() => draw(at), 40));
window.most = 0;
new MutationObserver(() => {
  for (const answer of document.querySelectorAll('#tether-chat .tether-Answer')) {
    window.most = Math.max(window.most, answer.textContent.split('You asked').length - 1);
  }
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


def test_the_first_words_of_an_answer_are_never_seen_twice(page, echoing):
    lab = Lab(page, echoing)
    panel = lab.open_panel()
    page.evaluate(WATCH)
    for n in range(10):
        box = panel.get_by_role("textbox", name="Ask")
        box.fill(f"Is it {n}?\n\n" + "It has words.\n\n" * 20)
        box.press("Enter")
        panel.locator(".tether-Answer").nth(n).get_by_text("You asked").first.wait_for()
        panel.get_by_test_id("tether-send").wait_for()
    assert page.evaluate("window.most") == 1
