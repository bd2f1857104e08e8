"""A person asks about an error, a cell or an output where it is, and the sidebar answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.kept import forget_all, send
from tests.e2e.lab import Lab
from tests.e2e.test_models import command
from tests.e2e.test_threads import open_list, row
from tests.e2e.told import BACKEND, Script, written
from tests.support.servers import running

pytestmark = pytest.mark.browser

ROOT = str(Path(__file__).parents[2])
CONFIG = f'c.Tether.backend = "{BACKEND}"\n'
# Cells that are out of sight are taken out of the page.
WINDOWED = {"@jupyterlab/notebook-extension/tracker": {"windowingMode": "full"}}
SCROLLED_AWAY = """() => {
  document.querySelector('.jp-WindowedPanel-outer').scrollBy(0, 5000);
  return !document.querySelector('[data-testid="tether-fix"]')?.checkVisibility();
}"""
CELLS = (
    ("code", "rows = {}\nprint('so far')\nrows['price']"),
    ("code", "import sys\nprint('a warning', file=sys.stderr)"),
    ("code", "%load_ext tether_jupyter"),
    ("code", "%%tether --no-such-option\nhello"),
    ("code", ""),
    *(("code", f"filler_{n} = {n}\n\n\n\n\n") for n in range(30)),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("actions") / "home"
    written(home / "work", *CELLS)
    options = ("--LabApp.expose_app_in_browser=True",)
    with running(home, *options, app="lab", config=CONFIG, settings=WINDOWED, PYTHONPATH=ROOT) as found:
        yield found


@pytest.fixture
def script(server):
    written(server.root, *CELLS)
    script = Script(server.root)
    script.says("It is **this**.")
    return script


@pytest.fixture
def lab(page, server, script):
    return Lab(page, server)


def failed(lab):
    """Run the cell that fails, and return it."""
    cell = lab.run("rows = ")
    cell.locator(".jp-OutputArea-output", has_text="KeyError").wait_for()
    return cell


def fix(cell):
    return cell.get_by_test_id("tether-fix")


def shows(lab, opacity):
    """Wait until the buttons are seen, or are not."""
    seen = "opacity => getComputedStyle(document.querySelector('.tether-ErrorTools')).opacity === opacity"
    lab.page.wait_for_function(seen, arg=opacity)


def answered(lab, question):
    """Wait for a question in the sidebar, and for the answer that follows it."""
    panel = lab.page.locator("#tether-chat")
    asked = panel.locator(".tether-Question", has_text=question).last
    after = asked.locator("xpath=following::*[contains(@class, 'tether-Answer')]")
    after.filter(has_text="It is this.").first.wait_for()
    return panel


def test_fix_asks_with_the_error_and_its_cell(lab, script):
    cell = failed(lab)
    lab.page.mouse.move(5, 5)
    tools = cell.locator(".tether-ErrorTools")
    assert tools.count() == 1
    lab.page.wait_for_function(
        "getComputedStyle(document.querySelector('.tether-ErrorTools')).opacity === '0'"
    )
    cell.locator(".jp-OutputArea-output", has_text="KeyError").hover()
    lab.page.wait_for_function(
        "getComputedStyle(document.querySelector('.tether-ErrorTools')).opacity === '1'"
    )
    fix(cell).click()
    answered(lab, "Fix the KeyError in cell 1")
    asked = "\n".join(script.asked)
    for part in ("KeyError: 'price'", "print('so far')", "Fix the KeyError in cell 1"):
        assert part in asked
    assert lab.page.elsewhere == []


def test_fix_on_an_older_error_takes_that_one_along_and_no_other(lab, script):
    cell = failed(lab)
    newer = lab.cells.nth(4)
    lab.edit(newer)
    lab.page.keyboard.type("xylophone = 1 / 0")
    lab.page.keyboard.press("Control+Enter")
    newer.locator(".jp-OutputArea-output", has_text="ZeroDivisionError").wait_for()
    cell.locator(".jp-OutputArea-output", has_text="KeyError").hover()
    fix(cell).click()
    answered(lab, "Fix the KeyError in cell 1")
    asked = "\n".join(script.asked)
    assert "KeyError: 'price'" in asked
    assert "ZeroDivisionError" not in asked
    assert "xylophone" not in asked


def test_what_a_fix_looked_at_goes_with_no_later_question(lab, script):
    cell = failed(lab)
    cell.locator(".jp-OutputArea-output", has_text="KeyError").hover()
    fix(cell).click()
    panel = answered(lab, "Fix the KeyError in cell 1")
    # While an answer is written, Escape stops it and leaves what is edited.
    panel.get_by_test_id("tether-send").wait_for()
    box = panel.locator("textarea:not([aria-hidden])")
    box.press("ArrowUp")
    lab.page.wait_for_function(
        "document.querySelector('#tether-chat textarea:not([aria-hidden])').value.startsWith('Fix')"
    )
    box.press("Escape")
    with lab.page.expect_request("**/tether/chat/stream*") as sent:
        lab.ask("and now?")
    assert sent.value.post_data_json["message"] == "and now?"
    assert not {"error", "cells", "cell_id"} & set(sent.value.post_data_json.get("see") or {})


def test_explain_is_reached_by_the_keyboard(lab, script):
    cell = failed(lab)
    fix(cell).focus()
    lab.page.wait_for_function(
        "getComputedStyle(document.querySelector('.tether-ErrorTools')).opacity === '1'"
    )
    lab.page.keyboard.press("Tab")
    assert lab.page.evaluate("document.activeElement.dataset.testid") == "tether-explain"
    assert lab.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Explain this error"
    lab.page.keyboard.press("Enter")
    answered(lab, "Explain the KeyError in cell 1.")


def test_tab_leads_from_the_cell_to_its_error(lab, script):
    cell = failed(lab)
    cell.locator(".jp-InputPrompt").click()
    reached = set()
    for _ in range(12):
        lab.page.keyboard.press("Tab")
        reached.add(lab.page.evaluate("document.activeElement.dataset.testid ?? ''"))
    assert {"tether-fix", "tether-explain"} <= reached


def test_the_buttons_go_with_their_error(lab, script):
    cell = failed(lab)
    failed(lab)
    assert fix(lab.page).count() == 1
    lab.edit(cell)
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.type("print('well')")
    lab.page.keyboard.press("Control+Enter")
    lab.cells.first.locator(".jp-OutputArea-output", has_text="well").wait_for()
    assert fix(lab.page).count() == 0


def test_nothing_else_gets_them(lab, script):
    cell = lab.run("a warning")
    cell.locator(".jp-OutputArea-output", has_text="a warning").wait_for()
    lab.load()
    cell = lab.run("%%tether")
    cell.locator(".jp-OutputArea-output").first.wait_for()
    assert lab.page.locator(".tether-ErrorTools").count() == 0


def test_they_are_there_again_when_a_cell_comes_back_into_sight(lab, script):
    failed(lab)
    # The active cell stays in the page wherever it is; this one is another now.
    lab.cell("import sys").locator(".cm-content").click()
    # JupyterLab 4.5 goes back up once, when it has measured the cells that it sees for the first time.
    lab.page.wait_for_function(SCROLLED_AWAY, polling=200)
    lab.page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
    cell = lab.cell("rows = ")
    fix(cell).wait_for()
    assert fix(lab.page).count() == 1
    cell.locator(".jp-OutputArea-output", has_text="KeyError").hover()
    fix(cell).click()
    answered(lab, "Fix the KeyError in cell 1")


def test_a_view_of_the_output_beside_the_notebook_has_them_too(lab, script):
    failed(lab)
    lab.page.evaluate("jupyterapp.commands.execute('notebook:create-output-view')")
    view = lab.page.locator(".jp-LinkedOutputView")
    view.locator(".jp-OutputArea-output", has_text="KeyError").hover()
    fix(view).click()
    answered(lab, "Fix the KeyError in cell 1")
    assert "KeyError: 'price'" in "\n".join(script.asked)


def test_the_cell_toolbar_explains_and_asks(lab, script):
    lab.cell("filler_0").locator(".cm-content").click()
    toolbar = lab.cell("filler_0").locator(".jp-cell-toolbar")
    toolbar.locator(
        '[data-command="tether:explain-cell"], [data-jp-item-name="tether-explain"]'
    ).first.click()
    answered(lab, "Explain cell 6.")
    assert "filler_0 = 0" in "\n".join(script.asked)
    lab.cell("filler_0").locator(".cm-content").click()
    toolbar.locator('[data-jp-item-name="tether-ask"]').click()
    lab.page.wait_for_function("document.activeElement?.closest('#tether-chat') !== null")
    lab.page.keyboard.type("what is filled?")
    lab.page.keyboard.press("Enter")
    answered(lab, "what is filled?")
    asked = "\n".join(script.asked)
    assert "what is filled?" in asked
    assert "filler_0 = 0" in asked


def test_explain_is_there_as_soon_as_something_stands_in_an_empty_cell(lab, script):
    cell = lab.cells.nth(4)
    lab.edit(cell)
    off = cell.locator('[data-jp-item-name="tether-explain"] [aria-disabled="true"]').first
    off.wait_for(state="attached")
    lab.page.keyboard.type("x = 1")
    off.wait_for(state="detached")
    lab.page.keyboard.press("Control+a")
    lab.page.keyboard.press("Delete")
    off.wait_for(state="attached")


def menu(lab, where, words):
    where.click(button="right")
    lab.page.locator(".lm-Menu-item", has_text=words).first.click()


def test_the_context_menu_explains_and_asks_about_cells_and_outputs(lab, script):
    cell = failed(lab)
    menu(lab, cell.locator(".cm-content"), "Explain cell")
    answered(lab, "Explain cell 1.")
    output = cell.locator(".jp-OutputArea-output", has_text="so far").first
    menu(lab, output, "Explain output")
    answered(lab, "Explain the output of cell 1.")
    asked = "\n".join(script.asked)
    assert "so far" in asked
    assert "KeyError: 'price'" in asked
    for where, words in ((cell.locator(".cm-content"), "Ask about cell"), (output, "Ask about output")):
        menu(lab, where, words)
        lab.page.wait_for_function("document.activeElement?.closest('#tether-chat') !== null")
        lab.page.keyboard.type(f"{words}?")
        lab.page.keyboard.press("Enter")
        answered(lab, f"{words}?")


def test_the_palette_has_them_and_an_empty_cell_has_nothing_to_explain(lab, script):
    failed(lab)
    command(lab.page, "Tether: Fix the error")
    answered(lab, "Fix the KeyError in cell 1")
    lab.page.evaluate("jupyterapp.shell.currentWidget.content.activeCellIndex = 4")
    enabled = [
        lab.page.evaluate(f"jupyterapp.commands.isEnabled('tether:{name}')")
        for name in ("explain-cell", "ask-cell", "explain-output", "fix-error")
    ]
    assert enabled == [False, True, False, False]


def test_switched_off_nothing_of_it_shows(lab, script):
    cell = failed(lab)
    try:
        lab.page.evaluate("jupyterapp.commands.execute('tether:toggle-assistance')")
        fix(cell).wait_for(state="hidden")
        cell.locator(".cm-content").click()
        assert cell.locator('[data-jp-item-name="tether-explain"] button:visible').count() == 0
        cell.locator(".cm-content").click(button="right")
        lab.page.locator(".lm-Menu-item", has_text="Cut Cell").wait_for()
        assert lab.page.locator(".lm-Menu-item:visible", has_text="Explain cell").count() == 0
        lab.page.keyboard.press("Escape")
    finally:
        lab.page.evaluate("jupyterapp.commands.execute('tether:toggle-assistance')")
        fix(cell).wait_for(state="visible")


@pytest.fixture
def beside(page, server, script):
    """The quickstart in front, a cell of which failed, and in the sidebar what was said about another one."""
    forget_all(server)
    written(server.root / "over", ("code", "rows = 'of the other notebook'"))
    (server.root / "over" / "quickstart.ipynb").replace(server.root / "other.ipynb")
    send(server, "POST", "chat", {"message": "what was there before?", "notebook": "quickstart.ipynb"})
    send(server, "POST", "chat", {"message": "what are rows over there?", "notebook": "other.ipynb"})
    lab = Lab(page, server)
    lab.open_panel()
    # Its kernel would tell of its variables, were anything asked in its conversation.
    page.evaluate("jupyterapp.commands.execute('docmanager:open', { path: 'other.ipynb' })")
    lab.cell("of the other notebook").wait_for()
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) [data-status='idle']").first.wait_for()
    lab.run("of the other notebook").locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()
    page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text="quickstart.ipynb").click()
    failed(lab)
    row(open_list(lab), "what are rows over there?").click()
    page.get_by_test_id("tether-elsewhere").get_by_text("other.ipynb").wait_for()
    questions(lab).get_by_text("what are rows over there?").wait_for()
    return lab


def questions(lab):
    return lab.page.locator("#tether-chat .tether-Question")


def test_fix_brings_its_notebooks_own_conversation_and_takes_nothing_of_the_other(beside, server, script):
    page = beside.page
    cell = beside.cell("rows = {}")
    cell.locator(".jp-OutputArea-output", has_text="KeyError").hover()
    with page.expect_request("**/tether/chat/stream*") as sent:
        fix(cell).click()
    panel = answered(beside, "Fix the KeyError in cell 1")
    panel.get_by_test_id("tether-send").wait_for()
    assert panel.get_by_test_id("tether-elsewhere").count() == 0
    shown = questions(beside).all_inner_texts()
    assert shown[0] == "what was there before?"
    assert len(shown) == 2
    assert sent.value.post_data_json["notebook"] == "quickstart.ipynb"
    asked = "\n".join(script.asked)
    for part in ("what was there before?", "KeyError: 'price'", "print('so far')"):
        assert part in asked
    for part in ("over there", "other.ipynb", "of the other notebook"):
        assert part not in asked
    (other,) = server.get("tether/conversations?notebook=other.ipynb")["conversations"]
    assert other["message_count"] == 2


def test_fix_in_a_view_of_an_output_asks_in_the_conversation_of_its_notebook(beside, script):
    page = beside.page
    beside.cell("rows = {}").locator(".jp-InputPrompt").click()
    page.evaluate("jupyterapp.commands.execute('notebook:create-output-view')")
    view = page.locator(".jp-LinkedOutputView")
    view.locator(".jp-OutputArea-output", has_text="KeyError").wait_for()
    page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text="other.ipynb").click()
    beside.cell("of the other notebook").locator(".cm-content").click()
    view.locator(".jp-OutputArea-output", has_text="KeyError").hover()
    with page.expect_request("**/tether/chat/stream*") as sent:
        fix(view).click()
    answered(beside, "Fix the KeyError in cell 1")
    assert sent.value.post_data_json["notebook"] == "quickstart.ipynb"
    asked = "\n".join(script.asked)
    assert "print('so far')" in asked
    assert "of the other notebook" not in asked


def test_a_cell_that_is_asked_about_goes_into_its_notebooks_own_conversation(beside, script):
    page = beside.page
    box = page.locator("#tether-chat .tether-input textarea")
    box.fill("words for over there")
    menu(beside, beside.cell("rows = {}").locator(".cm-content"), "Ask about cell")
    page.get_by_test_id("tether-elsewhere").wait_for(state="detached")
    page.get_by_test_id("tether-chip").get_by_text("cell 1").wait_for()
    page.wait_for_function("document.activeElement?.closest('#tether-chat .tether-input') !== null")
    page.keyboard.type("what is in it?")
    assert box.input_value() == "what is in it?"
    page.keyboard.press("Enter")
    answered(beside, "what is in it?")
    asked = "\n".join(script.asked)
    assert "rows['price']" in asked
    assert "over there" not in asked
    # What was typed about the other notebook waits in its conversation.
    row(open_list(beside), "what are rows over there?").click()
    page.get_by_test_id("tether-elsewhere").wait_for()
    assert box.input_value() == "words for over there"


def test_fix_works_in_notebook_7(page, tmp_path):
    home = tmp_path / "home"
    written(home / "work", *CELLS)
    with running(home, app="notebook", config=CONFIG, PYTHONPATH=ROOT) as server:
        script = Script(server.root)
        script.says("It is **this**.")
        lab = Lab(page, server, "notebooks")
        cell = failed(lab)
        cell.locator(".jp-OutputArea-output", has_text="KeyError").hover()
        fix(cell).click()
        answered(lab, "Fix the KeyError in cell 1")
        assert "KeyError: 'price'" in "\n".join(script.asked)
