"""What the sidebar knows of the notebook: its variables, and what it is doing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.kept import forget_all, send
from tests.e2e.lab import Lab
from tests.e2e.test_threads import open_list, row
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def echoing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A lab whose model says what it was asked, with all that went along."""
    home = notebook_home(tmp_path_factory.mktemp("echo") / "home")
    (home / "work" / "other.ipynb").write_text((home / "work" / "quickstart.ipynb").read_text())
    with running(home, app="lab", config='c.Tether.backend = "mock"\n') as server:
        yield server


def test_a_variable_is_named_by_an_at_sign(page, echoing):
    lab = Lab(page, echoing)
    lab.run("column =").locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()
    panel = lab.open_panel()
    lab.ask("what is @column?")
    answer = panel.locator(".tether-Answer").last
    answer.get_by_text("column: str").wait_for()
    answer.get_by_text("price").wait_for()


def test_an_at_sign_offers_nothing_of_the_notebook_in_front_in_the_conversation_of_another(page, echoing):
    forget_all(echoing)
    send(echoing, "POST", "chat", {"message": "over there", "notebook": "other.ipynb"})
    lab = Lab(page, echoing)
    lab.run("column =").locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()
    panel = lab.open_panel()
    box, menu = panel.locator(".tether-input textarea"), panel.get_by_test_id("tether-menu")
    options = menu.get_by_test_id("tether-option")
    box.press_sequentially("@")
    options.filter(has_text="column").filter(has_text="str").wait_for()
    options.filter(has_text="cell 1").wait_for()
    box.fill("")
    row(open_list(lab), "over there").click()
    panel.get_by_test_id("tether-elsewhere").get_by_text("other.ipynb").wait_for()
    note = menu.get_by_text("This conversation is about another notebook.")
    asked = []
    page.on("request", lambda each: asked.append(each.url) if "/variables/" in each.url else None)
    box.press_sequentially("@")
    note.wait_for()
    options.filter(has_text="quickstart.ipynb").wait_for()
    assert set(menu.locator(".tether-menuGroup").all_inner_texts()) == {"Files"}
    # Whoever types the name of what is not offered is told why.
    box.press_sequentially("column")
    options.first.wait_for(state="detached")
    note.wait_for()
    assert asked == []
    # What is typed all the same goes along as words alone.
    box.press_sequentially(", what is it?")
    box.press("Enter")
    answer = panel.locator(".tether-Answer").nth(1)
    answer.get_by_text("@column, what is it?").first.wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    assert "price" not in answer.inner_text()
    # That notebook opened, as the note says, its cells can be named.
    panel.get_by_test_id("tether-openNotebook").click()
    panel.get_by_test_id("tether-elsewhere").wait_for(state="detached")
    box.press_sequentially("@cell")
    options.filter(has_text="Tether: first light").wait_for()
    assert note.count() == 0


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
    lab.edit(lab.cell("column ="))
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
    # An answer of an earlier conversation would be there before the one that is waited for.
    forget_all(echoing)
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
