"""What can be done with a question and its answer, with the mouse and by keyboard."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.kept import empty_lab, keep, send
from tests.e2e.lab import Lab, composed
from tests.support.servers import running

pytestmark = pytest.mark.browser

ANSWERING = """
c.Tether.backend = "mock"
c.MockLLM.answer = "Sum the *column*:\\n\\n- all of it"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = notebook_home(tmp_path_factory.mktemp("messages") / "home")
    with running(home, app="lab", config=ANSWERING) as found:
        yield found


@pytest.fixture
def panel(page, server):
    """The panel, in which one question was asked and answered."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lab = empty_lab(page, server)
    lab.ask("What is the *total*?")
    found = page.locator("#tether-chat")
    found.locator(".tether-Answer", has_text="all of it").wait_for()
    found.get_by_test_id("tether-send").wait_for()
    return found


def questions(panel):
    return [each.inner_text() for each in panel.locator(".tether-Question").all()]


def press(panel, testid, of):
    """Move the mouse over a message, and press one of the buttons that are there then."""
    panel.locator(of).last.hover()
    panel.get_by_test_id(testid).last.click()


def test_a_question_is_edited_where_it_stands_and_both_ways_can_be_read(panel):
    press(panel, "tether-edit", ".tether-Question")
    field = panel.get_by_test_id("tether-editField")
    assert field.input_value() == "What is the *total*?"
    field.fill("What is the mean?")
    panel.get_by_role("button", name="Ask again").click()
    panel.locator(".tether-Question", has_text="What is the mean?").wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    assert questions(panel) == ["What is the mean?"]
    arrows = panel.get_by_test_id("tether-branches").first
    arrows.get_by_text("2 of 2").wait_for()
    panel.get_by_test_id("tether-branchBefore").first.click()
    panel.locator(".tether-Question", has_text="What is the *total*?").wait_for()
    assert questions(panel) == ["What is the *total*?"]
    panel.get_by_test_id("tether-branchAfter").first.click()
    panel.locator(".tether-Question", has_text="What is the mean?").wait_for()


def test_an_edit_is_sent_by_enter_and_left_by_escape(panel):
    page = panel.page
    press(panel, "tether-edit", ".tether-Question")
    field = panel.get_by_test_id("tether-editField")
    page.wait_for_function("document.activeElement.matches('.tether-editField')")
    page.keyboard.type(" Or not?")
    page.keyboard.press("Escape")
    field.wait_for(state="detached")
    assert questions(panel) == ["What is the *total*?"]
    page.wait_for_function("document.activeElement.matches('.tether-input textarea')")
    press(panel, "tether-edit", ".tether-Question")
    page.wait_for_function("document.activeElement.matches('.tether-editField')")
    page.keyboard.type(" Once more.")
    page.keyboard.press("Enter")
    panel.locator(".tether-Question", has_text="What is the *total*? Once more.").wait_for()


def test_a_word_that_is_being_composed_neither_sends_an_edit_nor_leaves_it(panel):
    press(panel, "tether-edit", ".tether-Question")
    field = panel.get_by_test_id("tether-editField")
    field.fill("にほん")
    for key in ("Enter", "Escape"):
        composed(field, key)
        assert field.input_value() == "にほん"
    field.press("Enter")
    panel.locator(".tether-Question", has_text="にほん").wait_for()


def bring(panel, title):
    """Bring a conversation to the front by the list."""
    panel.get_by_test_id("tether-threads").click()
    panel.locator('.tether-drawer [role="treeitem"]', has_text=title).click()
    panel.get_by_test_id("tether-drawer").wait_for(state="detached")


def test_an_edit_is_still_there_after_another_conversation_was_in_front(panel, server):
    keep(server, "Another one", "Something else?", "Yes.")
    press(panel, "tether-edit", ".tether-Question")
    field = panel.get_by_test_id("tether-editField")
    field.fill("What is the mean?")
    bring(panel, "Another one")
    panel.locator(".tether-Question", has_text="Something else?").wait_for()
    bring(panel, "What is the")
    field.wait_for()
    assert field.input_value() == "What is the mean?"
    # It waits for its writer, and does not take the cursor.
    panel.page.wait_for_function("document.activeElement.matches('.tether-input textarea')")
    field.press("Enter")
    panel.locator(".tether-Question", has_text="What is the mean?").wait_for()
    assert field.count() == 0


def test_where_enter_begins_a_line_it_does_so_in_an_edit_as_well(page, tmp_path):
    settings = {"@tether/jupyterlab/sidebar": {"sendWithShiftEnter": True}}
    home = notebook_home(tmp_path / "home")
    with running(home, app="lab", config=ANSWERING, settings=settings) as server:
        panel = Lab(page, server).open_panel()
        panel.locator('[data-testid="tether-send"][title="Send (Shift+Enter)"]').wait_for()
        box = panel.locator(".tether-input textarea")
        box.fill("What is the total?")
        box.press("Shift+Enter")
        panel.locator(".tether-Answer", has_text="all of it").wait_for()
        panel.get_by_test_id("tether-send").wait_for()
        press(panel, "tether-edit", ".tether-Question")
        field = panel.get_by_test_id("tether-editField")
        field.fill("What is the mean?")
        field.press("Enter")
        page.keyboard.type("And the sum?")
        assert field.input_value() == "What is the mean?\nAnd the sum?"
        assert questions(panel) == []
        page.keyboard.press("Shift+Enter")
        panel.locator(".tether-Question", has_text="And the sum?").wait_for()


def test_a_question_and_an_answer_are_copied_as_they_were_written(panel):
    copied = "navigator.clipboard.readText()"
    press(panel, "tether-copyQuestion", ".tether-Question")
    assert panel.page.evaluate(copied) == "What is the *total*?"
    press(panel, "tether-copyAnswer", ".tether-Answer")
    panel.get_by_test_id("tether-note").get_by_text("Copied").wait_for()
    assert panel.page.evaluate(copied) == "Sum the *column*:\n\n- all of it"


def test_a_question_taken_away_takes_what_followed_it_and_undo_brings_both_back(panel):
    press(panel, "tether-delete", ".tether-Question")
    panel.get_by_test_id("tether-note").get_by_text("Taken away").wait_for()
    assert questions(panel) == []
    panel.get_by_test_id("tether-undo").click()
    panel.locator(".tether-Answer", has_text="all of it").wait_for()
    assert questions(panel) == ["What is the *total*?"]


def test_what_was_taken_away_can_be_had_back_for_as_long_as_somebody_is_at_the_button(panel):
    page = panel.page
    page.clock.install()
    press(panel, "tether-delete", ".tether-Question")
    undo = panel.get_by_test_id("tether-undo")
    undo.hover()
    # Longer than a note stays by itself.
    page.clock.fast_forward(11_000)
    undo.focus()
    page.mouse.move(5, 5)
    page.clock.fast_forward(11_000)
    page.keyboard.press("Enter")
    panel.locator(".tether-Answer", has_text="all of it").wait_for()


STREAM = "**/tether/chat/stream*"


def ask(panel, words):
    box = panel.locator(".tether-input textarea")
    box.fill(words)
    box.press("Enter")


def kept(server):
    """Return what the server has of the quickstart's conversation: who said what."""
    found = server.get("tether/conversations?notebook=quickstart.ipynb&limit=1")["conversations"]
    said = server.get(f"tether/conversations/{found[0]['id']}/messages")["messages"] if found else []
    return [(each["role"], each["content"]) for each in said]


def test_a_question_that_never_reached_jupyter_stays_and_try_again_asks_it_once(panel, server):
    page = panel.page
    page.route("**/tether/**", lambda route: route.abort())
    ask(panel, "Are you there?")
    failure = panel.get_by_test_id("tether-failure")
    failure.get_by_text("Jupyter does not answer.").wait_for()
    # Tried while nobody is there, it fails again, and stands there once.
    with page.expect_event("requestfailed"):
        failure.get_by_test_id("tether-retry").click()
    failure.get_by_text("Jupyter does not answer.").wait_for()
    assert questions(panel) == ["What is the *total*?", "Are you there?"]
    # What was said at another door meanwhile takes its place before it, and nothing of it away.
    send(server, "POST", "chat", {"message": "From a cell.", "notebook": "quickstart.ipynb"})
    page.unroute("**/tether/**")
    panel.get_by_text("Look again").first.click()
    panel.locator(".tether-Question", has_text="From a cell.").wait_for()
    assert questions(panel) == ["What is the *total*?", "From a cell.", "Are you there?"]
    failure.get_by_test_id("tether-retry").click()
    failure.wait_for(state="detached")
    panel.locator(".tether-Answer").nth(2).get_by_text("all of it").wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    assert questions(panel) == ["What is the *total*?", "From a cell.", "Are you there?"]
    assert [words for role, words in kept(server) if role == "user"] == questions(panel)


@pytest.fixture
def stopped(page, server):
    """The panel with a question that was stopped before the server heard it, and its line there."""
    found = empty_lab(page, server).page.locator("#tether-chat")
    lines = []
    page.route(STREAM, lambda line: line.continue_() if lines else lines.append(line))
    ask(found, "Are you there?")
    found.get_by_test_id("tether-stop").click()
    unheard = found.get_by_test_id("tether-unheard")
    unheard.get_by_text("Stopped before the server confirmed the question.").wait_for()
    (line,) = lines
    return found, line


def test_a_question_that_was_stopped_on_a_dead_line_stays_and_try_again_asks_it_once(stopped, server):
    panel, line = stopped
    line.abort()
    # What was said at another door is brought in, and takes nothing of it away.
    send(server, "POST", "chat", {"message": "From a cell.", "notebook": "quickstart.ipynb"})
    panel.page.evaluate("window.dispatchEvent(new Event('focus'))")
    panel.locator(".tether-Question", has_text="From a cell.").wait_for()
    assert questions(panel) == ["From a cell.", "Are you there?"]
    assert [words for role, words in kept(server) if role == "user"] == ["From a cell."]
    unheard = panel.get_by_test_id("tether-unheard")
    unheard.get_by_test_id("tether-retry").click()
    unheard.wait_for(state="detached")
    panel.locator(".tether-Answer").nth(1).get_by_text("all of it").wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    assert questions(panel) == ["From a cell.", "Are you there?"]
    assert [words for role, words in kept(server) if role == "user"] == questions(panel)


def test_a_question_that_was_heard_after_all_is_not_asked_a_second_time(stopped, server):
    panel, line = stopped
    # The server hears it and answers; of the answer nothing comes back.
    line.fetch()
    line.abort()
    panel.get_by_test_id("tether-unheard").get_by_test_id("tether-retry").click()
    panel.locator(".tether-Answer", has_text="all of it").wait_for()
    panel.get_by_test_id("tether-unheard").wait_for(state="detached")
    panel.get_by_test_id("tether-send").wait_for()
    assert questions(panel) == ["Are you there?"]
    assert [role for role, _ in kept(server)] == ["user", "assistant"]


def test_after_a_reload_a_question_that_nobody_heard_is_in_the_field(stopped):
    panel, line = stopped
    line.abort()
    panel.page.reload()
    panel.page.wait_for_function(
        "() => document.querySelector('#tether-chat .tether-input textarea')?.value === 'Are you there?'"
    )
