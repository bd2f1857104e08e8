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
    answer.get_by_text("A cell is running").wait_for()
    answer.get_by_text("epoch").first.wait_for()
    # It runs on as if nobody had asked.
    cell.locator(".jp-InputPrompt", has_text="*").wait_for()
