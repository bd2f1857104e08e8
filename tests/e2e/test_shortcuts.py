"""The keys: each can be another one, by JupyterLab's own settings for keys."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.kept import QUICK, empty_lab
from tests.e2e.lab import Lab
from tests.support.servers import running

pytestmark = pytest.mark.browser

SCHEMAS = Path(__file__).parents[2] / "labextension" / "schema"
SETTING = "lab/api/settings/@jupyterlab/shortcuts-extension:shortcuts"
BOUND = """window.jupyterapp.commands.keyBindings
  .filter(each => each.command.startsWith('tether:'))
  .map(({ command, keys, selector }) => ({ command, keys: [...keys], selector }))"""


@pytest.fixture
def server(tmp_path_factory):
    """A server of this test's own: what it sets would change the keys of others."""
    home = notebook_home(tmp_path_factory.mktemp("keys") / "home")
    config = f"{QUICK}\nc.LabApp.expose_app_in_browser = True\n"
    with running(home, app="lab", config=config) as found:
        yield found


def ours():
    """Every key that the schemas name, and what it does where."""
    found = []
    for schema in sorted(SCHEMAS.glob("*.json")):
        found += json.loads(schema.read_text()).get("jupyter.lab.shortcuts", [])
    return found


def test_every_key_can_be_another_one(page, server):
    empty_lab(page, server)
    keys = ours()
    assert {each["command"] for each in page.evaluate(BOUND)} == {each["command"] for each in keys}
    letters = dict(zip(dict.fromkeys(each["command"] for each in keys), "YUIOPHJKLBNM", strict=False))
    moved = [{**each, "disabled": True} for each in keys]
    moved += [{**each, "keys": [f"Accel Alt Shift {letters[each['command']]}"]} for each in keys]
    change = urllib.request.Request(
        f"{server.url}{SETTING}",
        method="PUT",
        data=json.dumps({"raw": json.dumps({"shortcuts": moved})}).encode(),
        headers={"Authorization": f"token {server.token}", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(change, timeout=60).close()
    lab = Lab(page, server)
    page.wait_for_function(f"({BOUND}).every(each => / Alt Shift .$/.test(each.keys[0]))")
    assert {each["command"] for each in page.evaluate(BOUND)} == set(letters)
    panel = page.locator("#tether-chat")
    if panel.is_visible():
        page.locator('.jp-SideBar .lm-TabBar-tab[data-id="tether-chat"]').click()
        panel.wait_for(state="hidden")
    lab.cell("%load_ext").locator(".cm-content").click()
    page.keyboard.press("Control+Shift+Space")
    page.keyboard.press(f"Control+Alt+Shift+{letters['tether:change-cell']}")
    page.locator(".tether-Inline").wait_for()
    assert not panel.is_visible()
    page.keyboard.press(f"Control+Alt+Shift+{letters['tether:give-back']}")
    page.locator(".tether-Inline").wait_for(state="detached")
    page.keyboard.press(f"Control+Alt+Shift+{letters['tether:open']}")
    panel.wait_for()
