"""What a person does in JupyterLab, in the words of a person."""

from __future__ import annotations

import re
from typing import Any

from tests.support.servers import RunningServer


class Lab:
    """A person at JupyterLab with the quickstart open."""

    def __init__(self, page: Any, server: RunningServer, app: str = "lab/tree") -> None:
        self.page = page
        self.server = server
        page.goto(f"{server.url}{app}/quickstart.ipynb?token={server.token}&reset")
        self.cells = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell")
        self.cells.first.wait_for()
        # A cell that is run before there is a kernel asks for one.
        for _ in range(600):
            kernels = [session["kernel"] for session in server.get("api/sessions")]
            if kernels and kernels[0] and kernels[0]["execution_state"] == "idle":
                break
            page.wait_for_timeout(100)
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for()
        page.locator(".jp-KernelName", has_text="Python 3").first.wait_for()

    def cell(self, text: str) -> Any:
        """Return the cell whose source holds a text."""
        return self.cells.filter(has=self.page.locator(".jp-InputArea", has_text=text)).first

    def run(self, text: str) -> Any:
        """Run the cell that holds a text, by the keyboard, and return it."""
        cell = self.cell(text)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        return cell

    def edit(self, cell: Any) -> None:
        """Put the cursor into a cell: until it is there, keys are the notebook's, and nothing is typed."""
        cell.locator(".cm-content").click()
        cell.locator(".cm-editor.cm-focused").wait_for()

    def load(self) -> None:
        """Load the magic and wait until it is there."""
        cell = self.run("%load_ext")
        cell.locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()

    def open_panel(self) -> Any:
        """Open Tether's sidebar by its icon, and return it."""
        panel = self.page.locator("#tether-chat")
        if not panel.is_visible():
            self.page.locator('.jp-SideBar .lm-TabBar-tab[data-id="tether-chat"]').click()
        panel.locator("textarea:not([aria-hidden])").wait_for()
        return panel

    def ask(self, question: str) -> None:
        """Ask in the sidebar, by the keyboard."""
        box = self.page.locator("#tether-chat textarea:not([aria-hidden])")
        box.fill(question)
        box.press("Enter")


def fresh(page: Any, server: RunningServer) -> tuple[Lab, Any]:
    """Open the panel with nothing said in it, and return the lab and the panel."""
    lab = Lab(page, server)
    panel = lab.open_panel()
    panel.get_by_test_id("tether-badge").get_by_text("this machine").wait_for()
    known = server.get("tether/conversations?notebook=quickstart.ipynb")["conversations"]
    if known and known[0]["message_count"]:
        # What was said last comes after the panel.
        panel.locator(".tether-Question").first.wait_for()
        panel.get_by_test_id("tether-newChat").click()
        panel.get_by_test_id("tether-empty").wait_for()
    return lab, panel


def composed(field: Any, key: str) -> None:
    """Press a key that an input method takes, in each of the ways in which browsers tell of it."""
    for composing in ({"isComposing": True}, {"keyCode": 229}):
        field.evaluate(
            """(node, [key, composing]) => node.dispatchEvent(new KeyboardEvent(
                'keydown', { key, bubbles: true, cancelable: true, ...composing }))""",
            [key, composing],
        )
