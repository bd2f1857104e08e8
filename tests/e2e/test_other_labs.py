"""What holds in every JupyterLab that Tether says it works with, and beside other people's extensions.

`make older-test` runs this and more in environments with an older JupyterLab, and with `jupyterlab-chat`.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.lab import Lab
from tests.support.servers import PYTHON, RunningServer

OURS = re.compile(r"tether", re.IGNORECASE)
CLASHES = re.compile(r"Unsatisfied version|No required version|Shared module|does not satisfy", re.IGNORECASE)
CHAT = 'import importlib.util as i, sys; sys.exit(i.find_spec("jupyterlab_chat") is None)'


def complaints(page: Any) -> list[str]:
    """Return the list that the console's errors and warnings go to, those about us."""
    found: list[str] = []

    def hear(message: Any) -> None:
        text = f"{message.text} {(message.location or {}).get('url', '')}"
        clash = CLASHES.search(text) and OURS.search(text)
        if clash or (message.type == "error" and OURS.search(text)):
            found.append(text[:400])

    def hear_error(text: str) -> None:
        if OURS.search(text):
            found.append(text[:400])

    page.on("console", hear)
    page.on("pageerror", lambda error: hear_error(f"{error} {error.stack or ''}"))
    return found


def answered(page: Any) -> None:
    """Wait until the last answer in the sidebar is complete."""
    page.locator("#tether-chat .tether-Answer").last.get_by_text("three").wait_for()


def test_the_lab_takes_the_extension_for_a_compatible_one(tmp_path: Path) -> None:
    command = [str(Path(PYTHON).with_name("jupyter-labextension")), "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=120)
    said = done.stdout + done.stderr
    assert "@tether/jupyterlab" in said
    assert "not compatible" not in said


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_nothing_complains_while_a_question_is_answered(
    page: Any, app: str, request: pytest.FixtureRequest
) -> None:
    heard = complaints(page)
    server: RunningServer = request.getfixturevalue("slow_lab" if app == "lab" else "notebook_7")
    lab = Lab(page, server, "lab/tree" if app == "lab" else "notebooks")
    page.keyboard.press("Control+Shift+Space")
    page.locator("#tether-chat textarea:not([aria-hidden])").wait_for()
    lab.ask("What is 1 + 2?")
    answered(page)
    assert heard == []


@pytest.mark.skipif(
    subprocess.run([PYTHON, "-c", CHAT], check=False).returncode != 0, reason="jupyterlab-chat is not here"
)
def test_beside_the_panel_of_jupyterlab_chat(page: Any, slow_lab: RunningServer) -> None:
    heard = complaints(page)
    lab = Lab(page, slow_lab)
    theirs = page.locator('.jp-SideBar .lm-TabBar-tab[data-id="JupyterlabChat:sidepanel"]').first
    theirs.click()
    panel = page.locator(f"[id='{theirs.get_attribute('data-id')}']")
    panel.wait_for()
    ours = lab.open_panel()
    before = ours.locator("textarea:not([aria-hidden])").evaluate("box => getComputedStyle(box).fontSize")
    assert before.endswith("px")
    lab.ask("What is 1 + 2?")
    answered(page)
    assert heard == []
