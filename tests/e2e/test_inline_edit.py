"""A person presses Ctrl+G in a cell, says what should change, and takes it or gives the cell back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.kept import forget_all
from tests.e2e.lab import Lab, composed
from tests.e2e.told import BACKEND, FAIL, HOLD, Script, written
from tests.support.servers import running

pytestmark = pytest.mark.browser

ROOT = str(Path(__file__).parents[2])
CONFIG = f'c.Tether.backend = "{BACKEND}"\n'
AREA = """import math

def area(r):
    # of a circle
    return 3.14 * r ** 2

print(area(1))"""
BETTER = AREA.replace("3.14", "math.pi")
TEXT = "# Title\n\nSome words."
LONG = "\n".join(f"value_{n} = {n}" for n in range(300))
SECRET = 'db_password = "hunter2x9"\nlimit = 1'
CELLS = (
    ("code", "first = 1"),
    ("code", AREA),
    ("code", ""),
    ("markdown", TEXT),
    ("code", "last = 2"),
    ("code", LONG),
    ("code", SECRET),
)


def fenced(code: str, fence: str = "```") -> str:
    return f"Here it is:\n{fence}python\n{code}\n{fence}\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("inline") / "home"
    written(home / "work", *CELLS)
    options = ("--LabApp.expose_app_in_browser=True",)
    with running(home, *options, app="lab", config=CONFIG, PYTHONPATH=ROOT) as found:
        yield found


@pytest.fixture
def script(server):
    written(server.root, *CELLS)
    return Script(server.root)


@pytest.fixture
def lab(page, server, script):
    return Lab(page, server)


class Field:
    """The field under a line of a cell, and the cell itself."""

    def __init__(self, lab: Lab, index: int) -> None:
        self.page = lab.page
        self.cell = lab.cells.nth(index)
        self.box = self.cell.get_by_test_id("tether-inline-words")
        self.status = self.cell.get_by_test_id("tether-inline-status")
        self.along = self.cell.get_by_test_id("tether-inline-along")
        self.added = self.cell.locator(".tether-Diff-line")
        self.removed = self.cell.locator(".cm-line.tether-Diff-removed")

    @property
    def source(self) -> str:
        """What the cell holds: the lines of its editor, without what is shown between them."""
        return "\n".join(line.strip("\n") for line in self.cell.locator(".cm-line").all_inner_texts())

    @property
    def described(self) -> str:
        """What a screen reader says of the field beside its name."""
        return str(
            self.box.evaluate(
                "node => document.getElementById(node.getAttribute('aria-describedby')).innerText"
            )
        )

    def edit(self) -> None:
        self.cell.locator(".cm-line").first.click()

    def open(self) -> None:
        self.edit()
        self.page.keyboard.press("Control+g")
        self.page.wait_for_function(
            "document.activeElement?.dataset.testid === 'tether-inline-words'",
        )

    def ask(self, words: str) -> None:
        self.page.keyboard.type(words)
        self.page.keyboard.press("Enter")

    def says(self, words: str) -> None:
        self.status.get_by_text(words).wait_for()

    def is_closed(self) -> None:
        self.box.wait_for(state="detached")
        assert self.added.count() == self.removed.count() == 0


def test_a_proposal_streams_in_as_a_diff_and_one_undo_takes_it_back(lab, script):
    script.says(f"```python\n{BETTER[:70]}{HOLD}{BETTER[70:]}\n```")
    field = Field(lab, 1)
    field.open()
    field.says("Enter asks, Esc closes.")
    field.ask("use math.pi")
    field.says("Writing")
    script.go()
    field.says("1 line changed. Ctrl+Enter takes it, Esc gives it back.")
    assert field.added.all_inner_texts() == ["    return math.pi * r ** 2"]
    assert field.removed.all_inner_texts() == ["    return 3.14 * r ** 2"]
    assert field.source == AREA
    lab.page.locator(".tether-Inline-spoken", has_text="1 line changed").wait_for(state="attached")
    lab.page.keyboard.press("Control+Enter")
    field.is_closed()
    assert field.source == BETTER
    assert field.cell.locator(".jp-InputPrompt").inner_text() == "[ ]:"
    lab.page.keyboard.press("Control+z")
    lab.page.wait_for_function(
        "text => jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.getSource() === text",
        arg=AREA,
    )
    assert lab.server.get("tether/conversations")["conversations"] == []
    assert lab.page.elsewhere == []


def test_the_question_holds_the_cell_and_its_neighbours(lab, script):
    script.says(fenced(BETTER))
    field = Field(lab, 1)
    field.open()
    field.ask("use math.pi")
    field.says("1 line changed.")
    asked = "\n".join(script.asked)
    for part in ("use math.pi", AREA, "first = 1", "the whole new source of the cell"):
        assert part in asked
    assert LONG[:30] not in asked


def test_nothing_of_the_notebooks_conversation_goes_along_and_no_kernel_is_looked_into(lab, script):
    script.says("Noted.")
    forget_all(lab.server)
    panel = lab.open_panel()
    lab.ask("Remember the xylophone.")
    panel.locator(".tether-Answer", has_text="Noted.").wait_for()
    script.says(fenced(BETTER))
    field = Field(lab, 1)
    field.open()
    with lab.page.expect_request("**/tether/chat/stream*") as sent:
        field.ask("make it a running mean of the variables")
    field.says("1 line changed.")
    asked = sent.value.post_data_json
    assert asked["see"] == {"cells": "off", "names": [], "error": False, "running": False}
    assert asked["store"] is False
    assert not {"attachments", "project_id"} & set(asked)
    assert "xylophone" not in "\n".join(script.asked)
    assert panel.locator(".tether-Question").count() == 1


def test_escape_gives_the_cell_back_and_ends_the_answer(lab, script):
    script.says(f"```python\nentirely = 'other'\n{HOLD}code = 1\n```")
    field = Field(lab, 1)
    field.open()
    field.ask("do something else")
    field.added.get_by_text("entirely").wait_for()
    lab.page.keyboard.press("Escape")
    field.is_closed()
    assert field.source == AREA
    while not script.left:
        lab.page.wait_for_timeout(50)
    # Nothing is proposed any more: the key runs the cell, as ever.
    lab.page.keyboard.press("Control+Enter")
    field.cell.locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()
    # The words are there when it is opened again.
    field.open()
    assert field.box.input_value() == "do something else"


def test_the_key_takes_nothing_before_the_answer_is_complete(lab, script):
    script.says(f"```python\nentirely = 'other'\n{HOLD}code = 1\n```")
    field = Field(lab, 1)
    field.open()
    field.ask("write something else")
    field.added.get_by_text("entirely").wait_for()
    lab.page.keyboard.press("Control+Enter")
    script.go()
    field.says("takes it")
    assert field.source == AREA
    assert field.cell.locator(".jp-InputPrompt").inner_text() == "[ ]:"


def test_a_failure_is_told_in_words_and_the_words_can_be_tried_again(lab, script):
    script.says(f"```python\nx = 1\n{HOLD}{FAIL}")
    field = Field(lab, 1)
    field.open()
    field.ask("use math.pi")
    script.go()
    again = field.cell.get_by_test_id("tether-inline-again")
    again.wait_for()
    assert field.source == AREA
    assert field.added.count() == field.removed.count() == 0
    assert field.box.input_value() == "use math.pi"
    assert field.status.inner_text().endswith(".")
    script.says(fenced(BETTER))
    again.click()
    field.says("1 line changed.")


def test_an_answer_without_code_is_shown_as_what_it_is(lab, script):
    script.says("I would rather not change this cell without its data.")
    field = Field(lab, 1)
    field.open()
    field.ask("guess")
    field.says("The model answered in words: I would rather not change this cell")
    assert field.source == AREA


def test_a_word_that_is_being_composed_neither_asks_nor_closes(lab, script):
    field = Field(lab, 1)
    field.open()
    field.box.fill("にほん")
    for key in ("Enter", "Escape"):
        composed(field.box, key)
        assert field.box.input_value() == "にほん"
        assert "Enter asks" in field.status.inner_text()


def test_an_empty_cell_is_written_and_taken_with_the_mouse(lab, script):
    script.says(fenced("a = 1\nb = 2"))
    field = Field(lab, 2)
    field.open()
    assert field.box.get_attribute("placeholder") == "What should this cell do?"
    field.ask("two numbers")
    field.says("2 lines changed.")
    field.cell.get_by_test_id("tether-inline-take").click()
    field.is_closed()
    assert field.source == "a = 1\nb = 2"


def test_only_what_is_selected_changes(lab, script):
    script.says(fenced("return math.pi * r * r"))
    field = Field(lab, 1)
    field.cell.locator(".cm-line").nth(4).click(click_count=3)
    lab.page.keyboard.press("Control+g")
    field.box.wait_for()
    assert field.box.get_attribute("placeholder") == "What should change in the selection?"
    lab.page.wait_for_function("document.activeElement?.dataset.testid === 'tether-inline-words'")
    field.ask("no power")
    field.says("1 line changed.")
    lab.page.keyboard.press("Control+Enter")
    field.is_closed()
    assert field.source == AREA.replace("3.14 * r ** 2", "math.pi * r * r")


def test_what_follows_up_refines_the_proposal(lab, script):
    script.says(fenced(BETTER))
    field = Field(lab, 1)
    field.open()
    field.ask("use math.pi")
    field.says("1 line changed.")
    best = BETTER.replace("# of a circle", "# pi r squared")
    script.says(fenced(best))
    field.ask("a better comment")
    field.says("2 lines changed.")
    asked = "\n".join(script.asked)
    assert "- use math.pi" in asked
    assert "Change the proposal: a better comment" in asked
    assert BETTER in asked
    lab.page.keyboard.press("Control+Enter")
    field.is_closed()
    assert field.source == best


def test_a_text_cell_is_changed_as_well(lab, script):
    new = TEXT + "\n\n```python\nx = 1\n```\n\nMore words."
    script.says(f"````markdown\n{new}\n````")
    field = Field(lab, 3)
    field.cell.locator(".jp-RenderedHTMLCommon").click()
    lab.page.keyboard.press("Control+g")
    lab.page.wait_for_function("document.activeElement?.dataset.testid === 'tether-inline-words'")
    field.ask("an example")
    field.says("6 lines changed.")
    lab.page.keyboard.press("Control+Enter")
    field.is_closed()
    assert field.source == new


def test_a_cell_that_moves_keeps_its_proposal(lab, script):
    script.says(f"```python\n{BETTER[:90]}\n{HOLD}{BETTER[90:]}\n```")
    script.says(f"```python\nimport math as m\n{HOLD}x = 1\n```")
    field = Field(lab, 1)
    field.open()
    field.ask("use another name")
    field.added.get_by_text("import math as m").wait_for()
    lab.page.evaluate("jupyterapp.commands.execute('notebook:move-cell-down')")
    moved = Field(lab, 2)
    moved.added.get_by_text("import math as m").wait_for()
    script.go()
    moved.says("takes it")
    moved.cell.get_by_test_id("tether-inline-take").click()
    moved.is_closed()
    assert moved.source == "import math as m\nx = 1"
    assert Field(lab, 1).source == ""


def test_a_deleted_cell_leaves_its_proposal_to_be_kept(lab, script):
    script.says(f"```python\nnew = 'line'\n{HOLD}x = 1\n```")
    field = Field(lab, 1)
    field.open()
    field.ask("something new")
    field.added.get_by_text("new = 'line'").wait_for()
    others = [Field(lab, n).source for n in (2, 4)]
    lab.page.evaluate("jupyterapp.commands.execute('notebook:delete-cell')")
    lab.page.get_by_text("The cell is gone; what was proposed for it is kept.").wait_for()
    assert [Field(lab, n).source for n in (1, 3)] == others
    lab.page.get_by_role("button", name="Add as a cell").click()
    lab.cell("new = 'line'").wait_for()


def test_typing_into_the_cell_meanwhile_loses_nothing_and_is_told(lab, script):
    script.says(fenced(BETTER))
    field = Field(lab, 1)
    field.open()
    field.ask("use math.pi")
    field.says("1 line changed.")
    field.cell.locator(".cm-line").last.click()
    lab.page.keyboard.press("End")
    lab.page.keyboard.type("  # mine")
    field.says("2 lines changed. The cell was edited meanwhile; taking this replaces that too.")
    lab.page.keyboard.press("Escape")
    field.is_closed()
    assert field.source == AREA + "  # mine"


def test_another_notebook_in_front_changes_nothing(lab, script):
    (lab.server.root / "other.ipynb").write_text((lab.server.root / "quickstart.ipynb").read_text())
    script.says(f"```python\n{BETTER[:70]}{HOLD}{BETTER[70:]}\n```")
    field = Field(lab, 1)
    field.open()
    field.ask("use math.pi")
    field.says("Writing")
    lab.page.evaluate("jupyterapp.commands.execute('docmanager:open', {path: 'other.ipynb'})")
    other = lab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook .jp-Cell")
    lab.page.wait_for_function("jupyterapp.shell.currentWidget.context.path === 'other.ipynb'")
    other.first.wait_for()
    script.go()
    assert lab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .tether-Inline").count() == 0
    lab.page.locator(".lm-DockPanel .lm-TabBar-tab", has_text="quickstart").click()
    field.says("1 line changed.")
    field.cell.get_by_test_id("tether-inline-take").click()
    field.is_closed()
    assert field.source == BETTER


def test_the_key_still_finds_the_next_match_while_the_find_bar_is_open(lab, script):
    field = Field(lab, 1)
    field.edit()
    lab.page.keyboard.press("Control+f")
    lab.page.locator(".jp-DocumentSearch-overlay").wait_for()
    lab.page.keyboard.type("area")
    lab.page.locator(".jp-DocumentSearch-index-counter", has_text="/2").wait_for()
    field.edit()
    lab.page.keyboard.press("Control+g")
    lab.page.locator(".jp-DocumentSearch-index-counter", has_text="/2").wait_for()
    assert lab.page.locator(".tether-Inline").count() == 0


def test_the_key_works_in_command_mode_and_buttons_stop_and_close(lab, script):
    script.says(f"```python\nnew = 'line'\n{HOLD}x = 1\n```")
    field = Field(lab, 1)
    field.edit()
    lab.page.keyboard.press("Escape")
    lab.page.keyboard.press("Control+g")
    lab.page.wait_for_function("document.activeElement?.dataset.testid === 'tether-inline-words'")
    field.box.fill("anything")
    field.cell.get_by_test_id("tether-inline-ask").click()
    field.added.get_by_text("new = 'line'").wait_for()
    close = field.cell.get_by_test_id("tether-inline-close")
    assert close.inner_text() == "Stop"
    close.click()
    field.is_closed()
    assert field.source == AREA


def test_the_keys_mean_the_cell_in_command_mode_as_well(lab, script):
    script.says(fenced(BETTER))
    field = Field(lab, 1)
    field.open()
    field.ask("use math.pi")
    field.says("1 line changed.")
    # The same key in the field keeps to the field.
    lab.page.keyboard.press("Control+g")
    assert lab.page.locator(".tether-Inline").count() == 1
    field.cell.locator(".jp-InputPrompt").click()
    lab.page.locator(".jp-Notebook.jp-mod-commandMode").wait_for()
    lab.page.keyboard.press("Control+Enter")
    field.is_closed()
    assert field.source == BETTER
    assert field.cell.locator(".jp-InputPrompt").inner_text() == "[ ]:"
    # With nothing proposed it runs the cell.
    lab.page.keyboard.press("Control+Enter")
    field.cell.locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()


def test_nothing_serious_is_wrong_for_a_screen_reader(lab, script):
    script.says(fenced(BETTER))
    field = Field(lab, 1)
    field.open()
    field.ask("use math.pi")
    field.says("1 line changed.")
    lab.page.add_script_tag(path=f"{ROOT}/labextension/node_modules/axe-core/axe.min.js")
    found = lab.page.evaluate("axe.run('.tether-InlineFrame').then(found => found.violations)")
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    assert field.box.get_attribute("aria-label") == "What to change in cell 2"


def test_a_cell_that_may_not_be_edited_is_left_alone(lab, script):
    lab.page.evaluate(
        "jupyterapp.shell.currentWidget.content.widgets[1].model.setMetadata('editable', false)"
    )
    Field(lab, 1).cell.locator(".cm-line").first.click()
    lab.page.keyboard.press("Control+g")
    Field(lab, 4).open()
    assert lab.page.locator(".tether-Inline").count() == 1


def test_a_long_cell_is_changed_line_by_line(lab, script):
    new = LONG.replace("value_150 = 150", "value_150 = 0").replace("value_290 = 290\n", "")
    script.says(fenced(new))
    field = Field(lab, 5)
    field.open()
    field.ask("two changes")
    field.says("2 lines changed.")
    lab.page.keyboard.press("Control+Enter")
    field.is_closed()
    lab.page.wait_for_function(
        "text => jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.getSource() === text",
        arg=new,
    )


def test_what_goes_along_and_where_to_is_said_before_anything_is_asked(lab, script):
    field = Field(lab, 4)
    field.open()
    field.along.get_by_text("With cells 1, 2 and 4 to 6 · stays on this machine", exact=True).wait_for()
    assert field.described == field.along.inner_text()
    lab.page.keyboard.press("Escape")
    field.is_closed()

    def from_elsewhere(route):
        reply = route.fetch()
        told = reply.json()
        told["to"] |= {"place": "api.openai.com", "leaves": True}
        route.fulfill(response=reply, json=told)

    lab.page.route("**/tether/context?*", from_elsewhere)
    field.open()
    field.along.get_by_text("With cells 1, 2 and 4 to 6 · to api.openai.com", exact=True).wait_for()
    assert field.described == field.along.inner_text()
    fits, height = field.cell.locator(".tether-InlineFrame").evaluate(
        """node => {
            node.style.setProperty('--tether-inline-width', '300px');
            const box = node.querySelector('.tether-Inline');
            return [box.scrollWidth <= box.clientWidth, box.offsetHeight];
        }"""
    )
    assert fits
    assert height <= 140


def test_a_secret_that_the_model_never_saw_stays_in_the_cell(lab, script):
    script.says(f'```python\ndb_password = "•{HOLD}••"\nlimit = 2\n```')
    field = Field(lab, 6)
    field.open()
    field.ask("raise the limit")
    field.says("Writing")
    assert field.added.count() == field.removed.count() == 0
    script.go()
    field.says("1 line changed. Ctrl+Enter takes it, Esc gives it back.")
    assert field.added.all_inner_texts() == ["limit = 2"]
    lab.page.keyboard.press("Control+Enter")
    field.is_closed()
    assert field.source == SECRET.replace("limit = 1", "limit = 2")
    asked = "\n".join(script.asked)
    assert 'db_password = "•••"' in asked
    assert "hunter2x9" not in asked


def test_a_proposal_that_would_lose_a_secret_is_not_taken(lab, script):
    script.says(fenced('secret = "•••"\nlimit = 2'))
    field = Field(lab, 6)
    field.open()
    field.ask("another name")
    field.says("A secret was masked as ••• in line 1, and it is unclear which one. Taking this would lose it")
    assert not field.cell.get_by_test_id("tether-inline-take").is_visible()
    lab.page.keyboard.press("Control+Enter")
    assert field.box.is_visible()
    assert field.source == SECRET
    assert field.cell.locator(".jp-InputPrompt").inner_text() == "[ ]:"
    script.says(fenced(SECRET.replace("hunter2x9", "•••").replace("limit = 1", "limit = 3")))
    field.ask("only the limit")
    field.says("1 line changed.")


def test_a_docstring_with_an_example_in_fences_comes_whole(lab, script):
    new = AREA.replace("    # of a circle", '    """Of a circle:\n\n    ```\n    area(1)\n    ```\n    """')
    script.says(fenced(new))
    field = Field(lab, 1)
    field.open()
    field.ask("a docstring")
    field.says("6 lines changed.")
    lab.page.keyboard.press("Control+Enter")
    field.is_closed()
    assert field.source == new


def test_an_answer_whose_code_has_no_clear_end_proposes_nothing(lab, script):
    script.says(f'```python\n"""So:\n\n```\narea(1)\n```\n"""\n{AREA}')
    field = Field(lab, 1)
    field.open()
    field.ask("a docstring")
    field.says("it is unclear where the code ends. Try again")
    assert field.added.count() == field.removed.count() == 0
    assert field.source == AREA


def test_switching_assistance_off_gives_the_cell_back(lab, script):
    script.says(fenced(BETTER))
    field = Field(lab, 1)
    field.open()
    field.ask("use math.pi")
    field.says("1 line changed.")
    try:
        lab.page.evaluate("jupyterapp.commands.execute('tether:toggle-assistance')")
        field.is_closed()
        assert field.source == AREA
        field.edit()
        lab.page.keyboard.press("Control+g")
        assert not lab.page.evaluate("jupyterapp.commands.isEnabled('tether:change-cell')")
    finally:
        lab.page.evaluate("jupyterapp.commands.execute('tether:toggle-assistance')")
        lab.page.wait_for_function("jupyterapp.commands.isEnabled('tether:change-cell')")


def test_it_works_in_notebook_7(page, tmp_path):
    home = tmp_path / "home"
    written(home / "work", *CELLS)
    with running(home, app="notebook", config=CONFIG, PYTHONPATH=ROOT) as server:
        script = Script(server.root)
        script.says(fenced(BETTER))
        lab = Lab(page, server, "notebooks")
        field = Field(lab, 1)
        field.open()
        field.ask("use math.pi")
        field.says("1 line changed. Ctrl+Enter takes it, Esc gives it back.")
        page.keyboard.press("Control+Enter")
        field.is_closed()
        assert field.source == BETTER
