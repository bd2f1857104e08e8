"""A person runs the last cell, and the next one is proposed under it, to be taken or left."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.e2e.filling import ANSWERS, BACKEND, LOG
from tests.e2e.test_ghost import notebook
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser

CODE = "for n in range(total):\n    print(n)"
ANSWER = f"Count up to it:\n\n```python\n{CODE}\n```\n"
SETTING = "lab/api/settings/@tether/jupyterlab:nextCell"


@pytest.fixture(scope="module")
def next_lab(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("next") / "home"
    settings = {"@tether/jupyterlab/nextCell": {"enabled": True}}
    config = f'c.Tether.backend = "{BACKEND}"\n'
    with running(home, app="lab", config=config, settings=settings) as server:
        yield server


class Running:
    """A person with a notebook whose last cell has not run yet."""

    def __init__(
        self, page: Any, server: RunningServer, answer: str = ANSWER, how: str = "", *, locked: bool = False
    ) -> None:
        self.page, self.server = page, server
        for left in server.root.iterdir():
            if left.is_file():
                left.unlink()
        told = notebook()
        first, words, _, last, _ = told["cells"]
        told["cells"] = [{**first, "source": "import math"}, words, {**last, "source": "total = 3"}]
        if locked:
            told["cells"].append({**last, "id": "locked", "source": "", "metadata": {"editable": False}})
        (server.root / "notes.ipynb").write_text(json.dumps(told))
        (server.root / ANSWERS).write_text(json.dumps([["chat", answer, how]]))
        page.goto(f"{server.url}lab/tree/notes.ipynb?token={server.token}&reset")
        self.cells = page.locator(".jp-NotebookPanel .jp-Cell")
        self.proposal = page.get_by_test_id("tether-nextCell")
        page.locator(".jp-KernelName", has_text="Python 3").first.wait_for()
        for _ in range(600):
            kernels = [session["kernel"] for session in server.get("api/sessions")]
            if kernels and kernels[0] and kernels[0]["execution_state"] == "idle":
                break
            page.wait_for_timeout(100)
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for()

    def enter(self, number: int) -> None:
        """Put the cursor into a cell.

        Until the cell is being edited, keys are the notebook's: End scrolls past its last cell, as it does
        without Tether, and what is typed then runs commands.
        """
        self.cells.nth(number).locator(".cm-content").click()
        self.page.locator(".jp-NotebookPanel .jp-Notebook.jp-mod-editMode").wait_for()
        self.cells.nth(number).locator(".cm-editor.cm-focused").wait_for()

    def run(self, number: int = 2, keys: str = "Control+Enter") -> None:
        self.enter(number)
        self.page.keyboard.press(keys)

    def prompt(self, number: int) -> str:
        return str(self.cells.nth(number).locator(".jp-InputPrompt").inner_text())

    def finished(self, number: int, before: str = "") -> None:
        """Wait until a cell has run, once more than when its prompt was `before`."""
        self.until(lambda: re.search(r"\d", self.prompt(number)) and self.prompt(number) != before)

    def offered(self) -> Any:
        self.proposal.get_by_text("A next cell, by").wait_for()
        return self.proposal

    def sources(self) -> list[str]:
        return [
            "\n".join(cell.locator(".cm-line").all_text_contents())
            for cell in self.cells.all()
            if cell.locator(".cm-content").count()
        ]

    def until(self, check: Any) -> None:
        for _ in range(600):
            if check():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError((self.sources(), self.log()))

    def log(self) -> list[dict[str, Any]]:
        path = self.server.root / LOG
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def asked(self) -> int:
        """How often a next cell was asked for; what is typed asks as well."""
        return sum("messages" in line for line in self.log())


def test_a_cell_is_written_under_the_one_that_ran_and_taken_by_a_key_with_one_undo(page, next_lab):
    notes = Running(page, next_lab, how="half")
    top = "document.querySelector('.jp-WindowedPanel-outer').scrollTop"
    notes.run(keys="Shift+Enter")
    notes.proposal.get_by_text("Writing a next cell…").wait_for()
    scrolled = page.evaluate(top)
    (next_lab.root / "half").touch()
    (next_lab.root / "rest-half").touch()
    proposal = notes.offered()
    assert proposal.get_by_label("Proposed code").inner_text() == CODE
    # Nothing moved, and the cursor still is in the new cell below.
    assert page.evaluate(top) == scrolled
    assert notes.cells.nth(3).evaluate("it => it.contains(document.activeElement)")
    assert notes.cells.count() == 4
    page.keyboard.press("Alt+Shift+Enter")
    notes.until(lambda: notes.sources()[-1] == CODE)
    proposal.wait_for(state="detached")
    assert notes.cells.count() == 4
    assert notes.cells.nth(3).locator(".jp-InputPrompt").inner_text() == "[ ]:"
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    notes.until(lambda: notes.sources()[-1] == "")
    (asked,) = [line for line in notes.log() if "messages" in line]
    assert "total = 3" in json.dumps(asked["messages"])
    assert next_lab.get("tether/conversations")["conversations"] == []
    assert page.elsewhere == []


def test_the_buttons_can_be_reached_and_pressed_by_keyboard(page, next_lab):
    notes = Running(page, next_lab)
    notes.run()
    proposal = notes.offered()
    page.keyboard.press("Escape")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement?.textContent") == "Accept":
            break
    assert page.evaluate("document.activeElement.textContent") == "Accept"
    page.keyboard.press("Enter")
    notes.until(lambda: notes.sources()[-1] == CODE)
    proposal.wait_for(state="detached")
    assert notes.cells.count() == 4
    assert page.evaluate("document.activeElement.closest('.jp-Notebook') !== null")
    page.keyboard.press("z")
    notes.until(lambda: notes.cells.count() == 3)


def test_it_goes_when_it_is_dismissed_when_somebody_types_and_when_they_go_on(page, next_lab):
    notes = Running(page, next_lab)
    notes.run()
    notes.offered().get_by_role("button", name="Dismiss").click()
    notes.proposal.wait_for(state="detached")
    notes.run()
    notes.offered()
    page.keyboard.press("Alt+Shift+Backspace")
    notes.proposal.wait_for(state="detached")
    notes.run()
    notes.offered().get_by_role("button", name="Accept").focus()
    page.keyboard.press("Escape")
    notes.proposal.wait_for(state="detached")
    notes.run()
    notes.offered()
    notes.enter(0)
    notes.proposal.wait_for(state="detached")
    # In the middle of it, typing ends what is being written.
    (next_lab.root / ANSWERS).write_text(json.dumps([["chat", ANSWER, "never"]]))
    before = notes.asked
    notes.run()
    notes.proposal.get_by_text("Writing a next cell…").wait_for()
    notes.until(lambda: notes.asked > before)
    number = [line for line in notes.log() if "messages" in line][-1]["asked"]
    page.keyboard.press("Enter")
    page.keyboard.type("0")
    notes.proposal.wait_for(state="detached")
    notes.until(lambda: {"cancelled": number} in notes.log())


def test_it_goes_when_the_kernel_that_it_was_written_for_is_restarted(page, next_lab):
    notes = Running(page, next_lab)
    notes.run()
    notes.offered()
    page.keyboard.press("Escape")
    page.keyboard.press("0")
    page.keyboard.press("0")
    page.locator(".jp-Dialog button", has_text="Restart").click()
    notes.proposal.wait_for(state="detached")
    assert notes.cells.count() == 3


def test_an_empty_cell_that_is_read_only_stays_empty(page, next_lab):
    notes = Running(page, next_lab, locked=True)
    notes.run()
    notes.offered().get_by_role("button", name="Accept").click()
    notes.until(lambda: notes.cells.count() == 5)
    assert notes.sources()[-2:] == [CODE, ""]


def test_only_the_last_cell_that_ran_well_asks_and_a_failure_is_told_in_words(page, next_lab):
    notes = Running(page, next_lab, how="fail")
    notes.run(0)
    notes.finished(0)
    notes.enter(2)
    page.keyboard.press("End")
    page.keyboard.type(" / 0")
    notes.run()
    notes.cells.nth(2).get_by_text("ZeroDivisionError").first.wait_for()
    assert notes.asked == 0
    notes.enter(2)
    page.keyboard.press("Control+a")
    page.keyboard.type("total = 3")
    notes.run()
    notes.proposal.get_by_text("No next cell. The model fell over.").wait_for()
    assert not notes.proposal.get_by_role("button", name="Accept").is_visible()
    assert notes.asked == 1


def test_who_does_not_want_it_is_not_asked_again_and_can_change_their_mind(page, next_lab):
    notes = Running(page, next_lab)
    notes.run()
    notes.offered().get_by_role("button", name="Don't ask again").click()
    toast = page.locator(".Toastify__toast", has_text="No further cells are proposed.")
    toast.wait_for()
    notes.until(lambda: next_lab.get(SETTING)["settings"].get("enabled") is False)
    asked, before = notes.asked, notes.prompt(2)
    notes.run()
    notes.finished(2, before)
    toast.get_by_text("Undo").click()
    notes.until(lambda: next_lab.get(SETTING)["settings"].get("enabled") is not False)
    notes.run()
    notes.offered()
    assert notes.asked == asked + 1
