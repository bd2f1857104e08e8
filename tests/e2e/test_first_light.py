"""A person opens the notebook, runs the cell, goes on in the sidebar, stops it, and takes the code."""

import pytest

from tests.e2e.lab import Lab

pytestmark = pytest.mark.browser


def answers(panel):
    return panel.locator(".tether-Answer")


def test_a_cell_is_answered_by_the_demo_model_on_this_machine(page, demo_lab):
    lab = Lab(page, demo_lab)
    lab.load()
    cell = lab.run("NameError")
    answer = cell.locator(".jp-OutputArea-output")
    answer.locator("pre", has_text="total").wait_for()
    answer.get_by_text("demo model ·").wait_for()
    assert "this machine" in answer.inner_text()
    assert page.elsewhere == []


def test_text_arrives_in_the_cell_before_the_answer_is_complete(page, slow_lab):
    lab = Lab(page, slow_lab)
    lab.load()
    cell = lab.run("NameError")
    output = cell.locator(".jp-OutputArea-output")
    output.get_by_text("Sum the").wait_for()
    assert "as words go by" not in output.inner_text()
    output.get_by_text("so that they can be watched.").wait_for()
    assert page.elsewhere == []


def test_the_same_conversation_goes_on_in_the_sidebar(page, slow_lab):
    lab = Lab(page, slow_lab)
    lab.load()
    lab.run("NameError").get_by_text("so that they can be watched.").wait_for()
    panel = lab.open_panel()
    panel.get_by_text("What is wrong?").first.wait_for()
    panel.get_by_text("so that they can be watched.").first.wait_for()
    lab.ask("and in the panel?")
    panel.get_by_text("and in the panel?").wait_for()
    last = answers(panel).last
    last.get_by_text("Sum the").wait_for()
    assert "as words go by" not in last.inner_text()
    last.get_by_text("so that they can be watched.").wait_for()
    (conversation,) = [
        c
        for c in lab.server.get("tether/conversations?notebook=quickstart.ipynb")["conversations"]
        if c["message_count"]
    ][:1]
    messages = lab.server.get(f"tether/conversations/{conversation['id']}/messages")["messages"]
    assert [m["role"] for m in messages[-4:]] == ["user", "assistant"] * 2


def test_stop_stops_and_keeps_the_text(page, slow_lab):
    lab = Lab(page, slow_lab)
    panel = lab.open_panel()
    lab.ask("please stop")
    answers(panel).last.get_by_text("Sum the").wait_for()
    panel.get_by_test_id("tether-stop").click()
    panel.get_by_text("Stopped by you").first.wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    assert "as words go by" not in answers(panel).last.inner_text()
    assert "Sum the" in answers(panel).last.inner_text()


def test_escape_stops_as_well(page, slow_lab):
    lab = Lab(page, slow_lab)
    panel = lab.open_panel()
    lab.ask("please stop")
    answers(panel).last.get_by_text("Sum the").wait_for()
    page.keyboard.press("Escape")
    panel.get_by_text("Stopped by you").first.wait_for()


def test_code_goes_into_a_cell_and_one_undo_takes_it_back(page, slow_lab):
    lab = Lab(page, slow_lab)
    panel = lab.open_panel()
    lab.ask("some code")
    answers(panel).last.get_by_text("so that they can be watched.").wait_for()
    lab.cell("column = ").locator(".cm-content").click()
    before = lab.cells.count()
    block = answers(panel).last.locator(".tether-Code").first
    block.hover()
    block.get_by_test_id("tether-insert-below").click()
    inserted = lab.cell("total = 1 + 2")
    inserted.wait_for()
    assert lab.cells.count() == before + 1
    assert inserted.locator(".jp-OutputArea-output").count() == 0
    page.locator(".jp-NotebookPanel .jp-Notebook").first.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    inserted.wait_for(state="detached")
    assert lab.cells.count() == before


def test_undo_of_inserted_code_takes_back_that_code_alone(page, slow_lab):
    lab = Lab(page, slow_lab)
    panel = lab.open_panel()
    lab.ask("some code")
    answers(panel).last.get_by_text("so that they can be watched.").wait_for()
    lab.cell("column = ").locator(".cm-content").click()
    block = answers(panel).last.locator(".tether-Code").first
    block.hover()
    block.get_by_test_id("tether-insert-below").click()
    lab.cell("total = 1 + 2").wait_for()
    # Somebody goes on working before the note is used.
    page.locator(".jp-NotebookPanel .jp-Notebook").first.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.press("Enter")
    # A new cell may not have its editor yet: until then, keys are the notebook's.
    page.locator(".jp-NotebookPanel .jp-Cell.jp-mod-active .cm-editor.cm-focused").wait_for()
    page.keyboard.type("mine = 1")
    panel.get_by_test_id("tether-undo").click()
    lab.cell("total = 1 + 2").wait_for(state="detached")
    assert lab.cell("mine = 1").count() == 1


def test_everything_can_be_done_by_keyboard_alone(page, slow_lab):
    lab = Lab(page, slow_lab)
    panel = lab.open_panel()
    lab.ask("by keyboard")
    answers(panel).last.get_by_text("so that they can be watched.").wait_for()
    reached = []
    # What was said in the tests before stands in between.
    while "tether-newChat" not in reached and len(reached) < 300:
        page.keyboard.press("Shift+Tab")
        reached.append(
            page.evaluate("document.activeElement.dataset.testid || document.activeElement.className")
        )
    assert "tether-insert-above" in reached or "tether-insert-below" in reached
    assert "tether-newChat" in reached


def test_the_demo_model_never_passes_for_an_assistant(page, demo_lab):
    lab = Lab(page, demo_lab)
    panel = lab.open_panel()
    notice = panel.get_by_test_id("tether-notice")
    notice.wait_for()
    assert "demo model" in notice.inner_text()
    panel.get_by_test_id("tether-how").click()
    for name in ("TETHER_MODEL_PATH", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        assert name in notice.inner_text()
    assert "demo model" in panel.get_by_test_id("tether-badge").inner_text()
    lab.ask("What is the capital of France?")
    answers(panel).last.get_by_text("demo model").first.wait_for()
    assert page.elsewhere == []


def test_the_panel_opens_wide_enough_to_read_code(page, slow_lab):
    lab = Lab(page, slow_lab)
    panel = lab.open_panel()
    page.wait_for_function("document.querySelector('#tether-chat').offsetWidth >= 400")
    assert panel.bounding_box()["width"] >= 400


def test_new_chat_begins_afresh_and_keeps_the_notebook(page, slow_lab):
    lab = Lab(page, slow_lab)
    panel = lab.open_panel()
    lab.ask("old words")
    answers(panel).last.get_by_text("so that they can be watched.").wait_for()
    panel.get_by_test_id("tether-newChat").click()
    panel.get_by_test_id("tether-empty").wait_for()
    assert panel.get_by_text("old words").count() == 0


def test_a_lost_server_keeps_the_words(page, tmp_path):
    from tests.e2e.conftest import SLOW, notebook_home
    from tests.support.servers import running

    with running(notebook_home(tmp_path / "home"), app="lab", config=SLOW) as server:
        lab = Lab(page, server)
        panel = lab.open_panel()
        lab.ask("are you there?")
        answers(panel).last.get_by_text("Sum the").wait_for()
        server.process.kill()
        server.process.wait(20)
        panel.get_by_test_id("tether-retry").first.wait_for()
        assert "are you there?" in panel.inner_text()
        assert "Sum the" in panel.inner_text()


def test_notebook_7_has_the_panel_too(page, notebook_7):
    lab = Lab(page, notebook_7, app="notebooks")
    lab.load()
    lab.run("NameError").get_by_text("so that they can be watched.").wait_for()
    page.keyboard.press("Control+Shift+c")
    page.locator(".lm-CommandPalette-input").fill("Tether: Open")
    page.locator(".lm-CommandPalette-item", has_text="Tether: Open").first.click()
    panel = page.locator("#tether-chat")
    panel.locator("textarea:not([aria-hidden])").wait_for()
    panel.get_by_text("What is wrong?").first.wait_for()
