"""The composer: what can be named, commands, the queue, editing, and what is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.lab import composed, fresh
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser

FRAME = """
import types
price = [1.5, 2.5]
list = 3
class Hostile:
    def __repr__(self): open('touched', 'w').close(); return 'x'
    __str__ = __repr__
    def __getattribute__(self, name): open('touched', 'w').close(); return object.__getattribute__(self, name)
trap = Hostile()
"""


NAMES_ASKED = (
    "performance.getEntriesByType('resource').filter(it => it.name.includes('/tether/variables/')).length"
)


@pytest.fixture(scope="module")
def echoing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A lab whose model says what it was asked, with all that went along."""
    home = notebook_home(tmp_path_factory.mktemp("echo") / "home")
    data = home / "work" / "data"
    data.mkdir()
    (data / "sales.csv").write_text("city,price\nOslo,17\n")
    with running(home, app="lab", config='c.Tether.backend = "mock"\n') as server:
        yield server


def box(panel):
    return panel.locator("textarea").first


def options(panel):
    return panel.get_by_test_id("tether-menu").get_by_test_id("tether-option")


def chips(panel):
    return panel.get_by_test_id("tether-chip")


def source(page, lab, text, new):
    """Put a source into the cell that holds a text, and run it."""
    lab.edit(lab.cell(text))
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(new)
    page.keyboard.press("Control+Enter")


def test_a_variable_is_chosen_from_the_menu_and_goes_along_as_the_server_describes_it(page, echoing):
    lab, panel = fresh(page, echoing)
    source(page, lab, "column =", FRAME)
    lab.cell("price =").locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()
    box(panel).press_sequentially("why is @pri")
    options(panel).filter(has_text="price").filter(has_text="list, 2 long").wait_for()
    page.keyboard.press("Enter")
    assert box(panel).input_value() == "why is price "
    chips(panel).filter(has_text="price").wait_for()
    box(panel).press_sequentially("wrong?")
    page.keyboard.press("Enter")
    answer = panel.locator(".tether-Answer").last
    answer.get_by_text("price: list, 2 long").wait_for()
    assert chips(panel).count() == 0
    # Listing the names has called nothing of the user's, whatever its names are bound to.
    assert not (echoing.root / "touched").exists()


def test_variables_are_listed_while_a_cell_runs(page, echoing):
    lab, panel = fresh(page, echoing)
    source(page, lab, "column =", "early = 1\nimport time\nwhile True: time.sleep(0.05)")
    cell = lab.cell("early =")
    cell.locator(".jp-InputPrompt", has_text="*").wait_for()
    box(panel).press_sequentially("@earl")
    options(panel).filter(has_text="early").wait_for()
    assert "*" in cell.locator(".jp-InputPrompt").inner_text()
    # It was the server that asked, which puts right in the kernel what asking disturbs.
    assert page.evaluate(NAMES_ASKED) >= 1
    page.keyboard.press("Escape")
    page.locator(".jp-Toolbar [data-command='notebook:interrupt-kernel']").first.click()
    cell.locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()


def test_columns_follow_the_name_of_their_table(page, echoing):
    pytest.importorskip("pandas")
    lab, panel = fresh(page, echoing)
    source(page, lab, "column =", "import pandas\ndf = pandas.DataFrame({'price': [1.0], 'unit price': [2]})")
    lab.cell("df =").locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()
    box(panel).press_sequentially("@df")
    options(panel).filter(has_text="DataFrame, 1 × 2").wait_for()
    box(panel).press_sequentially(".unit")
    options(panel).filter(has_text="unit price").filter(has_text="int64").click()
    assert box(panel).input_value() == "df['unit price'] "
    chips(panel).filter(has_text="unit price").wait_for()


def test_a_cell_the_error_and_the_selection_can_be_named(page, echoing):
    lab, panel = fresh(page, echoing)
    source(page, lab, "column =", "first = 1\nundefined_thing")
    lab.cell("first =").locator(".jp-OutputArea-output", has_text="NameError").first.wait_for()
    lab.cell("first =").locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Shift+End")
    box(panel).press_sequentially("@sel")
    options(panel).filter(has_text="selection").click()
    box(panel).press_sequentially("@err")
    page.keyboard.press("Tab")
    box(panel).press_sequentially("@cell 1")
    options(panel).filter(has_text="Tether: first light").click()
    assert chips(panel).count() == 3
    box(panel).press_sequentially("?")
    page.keyboard.press("Enter")
    answer = panel.locator(".tether-Answer").last
    answer.get_by_text("undefined_thing").first.wait_for()
    answer.get_by_text("first light").first.wait_for()
    answer.get_by_text("first = 1").first.wait_for()


def test_a_file_of_the_workspace_is_found_in_its_folder_and_attached(page, echoing):
    _, panel = fresh(page, echoing)
    box(panel).press_sequentially("what is in @da")
    options(panel).filter(has_text="data/").click()
    options(panel).filter(has_text="data/sales.csv").click()
    chips(panel).filter(has_text="sales.csv").wait_for()
    page.keyboard.type("?")
    page.keyboard.press("Enter")
    panel.locator(".tether-Answer").last.get_by_text("Oslo").first.wait_for()


def test_the_menu_is_driven_by_keys_and_left_with_escape(page, echoing):
    _, panel = fresh(page, echoing)
    field = box(panel)
    field.press_sequentially("/")
    options(panel).nth(9).wait_for()

    def active():
        found = field.get_attribute("aria-activedescendant")
        return int(found.rsplit("-", 1)[1])

    assert active() == 0
    for key, place in [("ArrowDown", 1), ("End", 9), ("ArrowDown", 0), ("ArrowUp", 9), ("Home", 0)]:
        page.keyboard.press(key)
        assert active() == place
    page.keyboard.press("Escape")
    options(panel).first.wait_for(state="detached")
    assert field.input_value() == "/"
    # It stays closed while the same is typed on.
    field.press_sequentially("he")
    assert options(panel).count() == 0


def test_each_command_does_what_it_says(page, echoing):
    lab, panel = fresh(page, echoing)
    hint = panel.get_by_test_id("tether-hint")

    def say(line):
        box(panel).fill(line)
        box(panel).press("Escape")
        box(panel).press("Enter")

    say("/see values")
    hint.get_by_text("may be seen: values").wait_for()
    say("/see everything")
    hint.get_by_text("one of off, schema, samples, values").wait_for()
    say("/model tether-d")
    hint.get_by_text("tether-demo answers in this conversation").wait_for()
    panel.get_by_test_id("tether-badge").get_by_text("tether-demo").wait_for()
    say("/model mock")
    hint.get_by_text("mock answers in this conversation").wait_for()
    say("/model nothing-like-it")
    hint.get_by_text("There is no model").wait_for()
    say("/preset nothing")
    hint.get_by_text("There is no preset").wait_for()
    say("/stop")
    hint.get_by_text("No answer is being written").wait_for()
    say("/export")
    hint.get_by_text("nothing to save").wait_for()
    say("/fix")
    hint.get_by_text("No cell of this notebook shows an error").wait_for()
    box(panel).fill("")
    box(panel).press_sequentially("@cell 1")
    page.keyboard.press("Enter")
    chips(panel).first.wait_for()
    say("/clear context")
    hint.get_by_text("Nothing goes along").wait_for()
    assert chips(panel).count() == 0
    lab.cell("column =").locator(".cm-content").click()
    say("/explain")
    panel.locator(".tether-Answer").last.get_by_text("column =").first.wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    with page.expect_download() as saved:
        say("/export")
    assert "does" in saved.value.path().read_text()
    say("/help")
    options(panel).nth(9).wait_for()
    page.keyboard.press("Escape")
    say("/new")
    panel.get_by_test_id("tether-empty").wait_for()


def test_fix_takes_the_last_error_along(page, echoing):
    lab, panel = fresh(page, echoing)
    source(page, lab, "column =", "1 / 0")
    lab.cell("1 / 0").locator(".jp-OutputArea-output", has_text="ZeroDivisionError").first.wait_for()
    box(panel).press_sequentially("/fi")
    page.keyboard.press("Enter")
    panel.locator(".tether-Question", has_text="how do I fix it").wait_for()
    panel.locator(".tether-Answer").last.get_by_text("division by zero").first.wait_for()
    assert box(panel).input_value() == ""


def test_what_is_no_command_is_sent_as_words_after_a_hint(page, echoing):
    _, panel = fresh(page, echoing)
    box(panel).fill("/tmp is full, why?")
    box(panel).press("Enter")
    panel.get_by_test_id("tether-hint").get_by_text("There is no command /tmp").wait_for()
    assert panel.locator(".tether-Question").count() == 0
    box(panel).press("Enter")
    panel.locator(".tether-Question", has_text="/tmp is full").wait_for()


def test_a_word_that_is_being_composed_is_not_sent(page, echoing):
    _, panel = fresh(page, echoing)
    box(panel).fill("にほん")
    composed(box(panel), "Enter")
    assert panel.locator(".tether-Question").count() == 0
    assert box(panel).input_value() == "にほん"
    box(panel).press("Enter")
    panel.locator(".tether-Question", has_text="にほん").wait_for()


@pytest.mark.parametrize("grown_by", ["the browser", "a script"])
def test_the_field_grows_to_eight_lines_and_no_further(page, echoing, grown_by):
    if grown_by == "a script":
        page.add_init_script("CSS.supports = property => property !== 'field-sizing'")
    _, panel = fresh(page, echoing)
    if grown_by == "a script":
        plain = "field-sizing: fixed !important; max-height: none !important"
        page.add_style_tag(content=f".tether-Composer textarea {{ {plain} }}")
    field = box(panel)
    heights = []
    for count in (1, 4, 8, 20):
        field.fill("\n".join(["line"] * count))
        heights.append(field.bounding_box()["height"])
    one, four, eight, twenty = heights
    assert one < four < eight == twenty
    field.fill("")
    assert field.bounding_box()["height"] == one
    field.press("a")
    field.press("Shift+Enter")
    field.press("b")
    assert field.input_value() == "a\nb"
    assert panel.locator(".tether-Question").count() == 0


def test_words_outlive_a_reload(page, echoing):
    lab, panel = fresh(page, echoing)
    box(panel).fill("half a quest")
    page.reload()
    lab.cells.first.wait_for()
    panel = page.locator("#tether-chat")
    if not panel.is_visible():
        lab.open_panel()
    page.wait_for_function("document.querySelector('#tether-chat textarea')?.value === 'half a quest'")


def test_a_prompt_is_put_into_the_field_and_not_sent(page, echoing):
    _, panel = fresh(page, echoing)
    panel.get_by_test_id("tether-composerMore").click()
    panel.get_by_test_id("tether-choice").filter(has_text="Prompts").click()
    panel.get_by_test_id("tether-choice").filter(has_text="Make this cell faster").click()
    assert "slow" in box(panel).input_value()
    assert panel.locator(".tether-Question").count() == 0
    assert page.evaluate("document.activeElement.localName") == "textarea"


def test_typing_goes_on_while_an_answer_is_written_and_is_asked_in_turn(page, slow_lab):
    lab, panel = fresh(page, slow_lab)
    lab.ask("first question")
    panel.locator(".tether-Answer").last.get_by_text("Sum the").wait_for()
    lab.ask("second question")
    lab.ask("third question")
    queued = panel.get_by_test_id("tether-queued")
    assert queued.count() == 2
    assert box(panel).input_value() == ""
    queued.filter(has_text="third").get_by_test_id("tether-unqueue").click()
    assert box(panel).input_value() == "third question"
    assert queued.count() == 1
    panel.locator(".tether-Question", has_text="second question").wait_for()
    assert queued.count() == 0
    panel.locator(".tether-Answer").last.get_by_text("Sum the").wait_for()
    panel.get_by_test_id("tether-stop").click()
    panel.get_by_test_id("tether-send").wait_for()
    assert box(panel).input_value() == "third question"


def test_send_becomes_stop_in_its_place(page, slow_lab):
    _, panel = fresh(page, slow_lab)
    box(panel).fill("where is stop?")
    before = panel.get_by_test_id("tether-send").bounding_box()
    panel.get_by_test_id("tether-send").click()
    panel.get_by_test_id("tether-stop").wait_for()
    after = panel.get_by_test_id("tether-stop").bounding_box()
    assert {k: before[k] for k in ("x", "width")} == {k: after[k] for k in ("x", "width")}
    panel.locator(".tether-Answer").last.get_by_text("Sum the").wait_for()
    page.keyboard.press("Escape")
    panel.get_by_text("Stopped by you").first.wait_for()


def test_a_press_on_stop_stops_before_its_release_and_sends_nothing_nor_does_a_second_one(page, slow_lab):
    lab, panel = fresh(page, slow_lab)
    lab.ask("a question that is stopped")
    panel.locator(".tether-Answer").last.get_by_text("Sum the").wait_for()
    box(panel).fill("not to be sent yet")
    asked = panel.locator(".tether-Question").count()
    panel.get_by_test_id("tether-stop").hover()
    page.mouse.down()
    panel.get_by_test_id("tether-send").wait_for()
    page.mouse.up()
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    panel.get_by_text("Stopped by you").last.wait_for()
    assert box(panel).input_value() == "not to be sent yet"
    assert panel.locator(".tether-Question").count() == asked
    box(panel).press("End")
    page.keyboard.type("!")
    assert box(panel).input_value() == "not to be sent yet!"
    box(panel).fill("")


def test_stop_by_the_keyboard_leaves_the_focus_where_one_types(page, slow_lab):
    lab, panel = fresh(page, slow_lab)
    lab.ask("a question that the keyboard stops")
    panel.locator(".tether-Answer").last.get_by_text("Sum the").wait_for()
    panel.get_by_test_id("tether-stop").focus()
    page.keyboard.press("Enter")
    panel.get_by_test_id("tether-send").wait_for()
    assert page.evaluate("document.activeElement.localName") == "textarea"


def test_up_edits_the_last_question_and_cancel_leaves_it(page, echoing):
    lab, panel = fresh(page, echoing)
    lab.ask("what is one?")
    panel.locator(".tether-Answer").last.get_by_text("what is one?").wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    box(panel).press("ArrowUp")
    panel.get_by_test_id("tether-editing").wait_for()
    assert box(panel).input_value() == "what is one?"
    panel.get_by_role("button", name="Cancel").click()
    assert box(panel).input_value() == ""
    assert panel.get_by_test_id("tether-editing").count() == 0
    box(panel).press("ArrowUp")
    panel.get_by_test_id("tether-editing").wait_for()
    box(panel).fill("what is two?")
    box(panel).press("Enter")
    panel.locator(".tether-Answer").last.get_by_text("what is two?").wait_for()
    assert panel.locator(".tether-Question", has_text="what is one?").count() == 0
    panel.get_by_text("2 of 2").first.wait_for()


def test_after_a_reload_a_question_is_edited_with_what_went_along(page, echoing):
    lab, panel = fresh(page, echoing)
    source(page, lab, "column =", "tally = [1, 2]")
    box(panel).press_sequentially("what is in cell 2 and @tall")
    options(panel).filter(has_text="list, 2 long").wait_for()
    page.keyboard.press("Enter")
    chips(panel).filter(has_text="tally").wait_for()
    box(panel).press_sequentially("?")
    page.keyboard.press("Enter")
    panel.locator(".tether-figures").last.wait_for()
    source(page, lab, "tally =", "tally = [1, 2, 3]\nlen(tally)")
    # A page that is left may not have sent the cell to its kernel yet.
    lab.cell("tally =").locator(".jp-OutputArea-output", has_text="3").wait_for()
    page.reload()
    question = panel.locator(".tether-Question", has_text="what is in cell 2")
    question.get_by_label("Sent along").get_by_text("cell 2").wait_for()
    question.get_by_label("Sent along").get_by_text("tally").wait_for()
    box(panel).press("ArrowUp")
    chips(panel).filter(has_text="tally").wait_for()
    chips(panel).filter(has_text="cell 2").first.wait_for()
    box(panel).fill("and now?")
    page.keyboard.press("Enter")
    answer = panel.locator(".tether-Answer").last
    answer.get_by_text("and now?").wait_for()
    # The variable is as it is now, and what was typed is as it went along.
    answer.get_by_text("tally: list, 3 long").wait_for()
    assert panel.locator(".tether-Question").count() == 1


def test_what_leaves_for_an_edited_question_is_not_what_was_said_after_it(page, echoing):
    _, panel = fresh(page, echoing)
    for words in ("the first of two", "the second of two"):
        box(panel).fill(words)
        page.keyboard.press("Enter")
        panel.locator(".tether-figures").nth(0 if "first" in words else 1).wait_for()
    panel.locator(".tether-Question", has_text="the second of two").wait_for()
    box(panel).press("ArrowUp")
    panel.get_by_test_id("tether-editing").wait_for()
    # The question that is edited may be counted as it was, before other words are there.
    with page.expect_response(
        lambda reply: "/tether/context" in reply.url and "the other of two" in (reply.request.post_data or "")
    ) as told:
        box(panel).fill("the other of two")
    sent = [each["content"] for each in told.value.json()["messages"]] or told.value.request.post_data_json
    assert "the second of two" not in str(sent)
    assert told.value.request.post_data_json["parent_id"].startswith("m_")


def gauge_says(page, words):
    page.locator(f"[data-testid='tether-gauge'][aria-label*='{words}']").wait_for()


def test_a_cell_that_words_name_is_dismissed_by_keyboard_for_this_conversation(page, echoing):
    _, panel = fresh(page, echoing)
    box(panel).fill("what does cell 2 do?")
    chip = chips(panel).filter(has_text="cell 2")
    chip.wait_for()
    chip.get_by_role("button", name="Leave cell 2 out of this conversation").press("Enter")
    chip.wait_for(state="detached")
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    box(panel).press("Enter")
    question = panel.locator(".tether-Question", has_text="what does cell 2 do?")
    question.wait_for()
    assert question.locator(".tether-context").count() == 0
    answer = question.locator("xpath=following::*[contains(@class, 'tether-Answer')]").first
    answer.get_by_text("what does cell 2 do?").wait_for()
    # It stays dismissed here, whatever the next words name; another cell comes along as before.
    box(panel).fill("and cell 2, or cell 3?")
    assert chips(panel).count() == 0
    # A reload of the page forgets neither that nor what is typed.
    page.reload()
    question.wait_for()
    page.wait_for_function(
        "() => document.querySelector('#tether-chat .tether-input textarea')?.value.includes('cell 3')"
    )
    box(panel).fill("and cell 3, or cell 2?")
    chips(panel).filter(has_text="cell 3").wait_for()
    assert chips(panel).filter(has_text="cell 2").count() == 0
    box(panel).fill("and cell 3?")
    other = chips(panel).filter(has_text="cell 3")
    other.get_by_role("button", name=re.compile("^Show cell 3")).press("Delete")
    other.wait_for(state="detached")
    # A new conversation knows nothing of it.
    panel.get_by_test_id("tether-newChat").click()
    panel.get_by_test_id("tether-empty").wait_for()
    box(panel).fill("what does cell 2 do?")
    chips(panel).filter(has_text="cell 2").wait_for()


def test_the_gauge_tells_how_full_the_window_is(page, demo_lab):
    lab, panel = fresh(page, demo_lab)
    lab.ask("How do I read a CSV file?")
    gauge = panel.get_by_test_id("tether-gauge")
    gauge.get_by_text(re.compile(r"^\d+ %$")).wait_for()
    assert re.search(r"of the [\d,]+ tokens that the model can take", gauge.get_attribute("aria-label"))
    answered = gauge.get_attribute("aria-label")
    # What is typed counts before it is sent, and no longer when it is gone.
    box(panel).fill("What of it? " * 20)
    gauge_says(page, "ith this question")
    box(panel).fill("")
    page.wait_for_function(
        """words => document.querySelector("[data-testid='tether-gauge']").ariaLabel === words""",
        arg=answered,
    )
    gauge.click()
    page.get_by_test_id("tether-sheet").get_by_text("that the model can take").wait_for()
    assert "How do I read a CSV file?" in page.get_by_test_id("tether-sheet").inner_text()
