"""What a search has found is opened where it stands."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.kept import QUICK, empty_lab, file, keep, send
from tests.support.servers import running

pytestmark = pytest.mark.browser

LONG = "\n\n".join(
    f"## Step {n}\n\n```python\nx = {n}\n```\n\n| a | b |\n|---|---|\n| 1 | {n} |" for n in range(8)
)
IN_VIEW = """message => {
    const view = message.closest(".tether-scroller").getBoundingClientRect();
    const { top, bottom } = message.getBoundingClientRect();
    return top >= view.top - 1 && top < view.bottom && (bottom <= view.bottom + 1 || top < view.top + 40);
}"""


WORDS_IN_VIEW = """words => {
    const [range] = CSS.highlights.get("tether-found") ?? [];
    const view = document.querySelector("#tether-chat .tether-scroller").getBoundingClientRect();
    const { top, bottom, height } = range?.getBoundingClientRect() ?? { height: 0 };
    return range?.toString() === words && height > 0 && top >= view.top && bottom <= view.bottom;
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab with a model that answers at once."""
    with running(notebook_home(tmp_path_factory.mktemp("found") / "home"), app="lab", config=QUICK) as found:
        yield found


@pytest.fixture
def lab(page, server):
    return empty_lab(page, server)


def search(lab, words):
    """Search for words by keyboard, and return what was found."""
    lab.page.get_by_test_id("tether-find").click()
    drawer = lab.page.get_by_test_id("tether-drawer")
    drawer.get_by_test_id("tether-search").fill(words)
    hit = drawer.get_by_test_id("tether-hit")
    hit.locator("mark", has_text=words).first.wait_for()
    return hit


def message(lab, words):
    return lab.page.locator("#tether-chat .tether-Message", has_text=words)


def in_view(message):
    """Return whether it is in view now and after what is around it has been drawn."""
    page = message.page
    page.wait_for_function(f"message => ({IN_VIEW})(message)", arg=message.element_handle())
    message.locator(".tether-far").wait_for(state="detached")
    # Two frames: what was plain text far away has its height.
    page.evaluate("() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")
    return message.evaluate(IN_VIEW)


def words_in_view(message, words):
    """Return whether the marked words are in view now and when the whole message has been drawn."""
    page = message.page
    page.wait_for_function(WORDS_IN_VIEW, arg=words)
    message.locator(".tether-Block h2", has_text="Step 7").last.wait_for()
    page.evaluate("() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")
    return page.evaluate(WORDS_IN_VIEW, words)


def is_focused(message):
    return message.evaluate("message => message === document.activeElement")


def test_a_hit_far_above_the_end_is_scrolled_to_lit_focused_and_said(lab, server):
    said = [LONG if n % 2 else f"Question {n}?" for n in range(120)]
    said[31] = f"{LONG}\n\nThe needle is here."
    keep(server, "A long one", *said)
    search(lab, "needle").click()
    found = message(lab, "needle")
    found.wait_for()
    lab.page.locator("#tether-chat .tether-mod-lit").wait_for()
    assert words_in_view(found, "needle")
    assert is_focused(found)
    heard = lab.page.get_by_test_id("tether-arrived").inner_text()
    assert heard.startswith("Message 32 of 120. The answer: ")
    # The light goes out, and the view stays where its reader is.
    lab.page.locator("#tether-chat .tether-mod-lit").wait_for(state="detached")
    assert found.get_by_text("needle").evaluate(IN_VIEW)
    lab.page.get_by_test_id("tether-toEnd").click()
    lab.page.wait_for_function(f"message => !({IN_VIEW})(message)", arg=found.element_handle())


def test_a_hit_in_an_older_branch_turns_to_that_branch(lab, server):
    kept = file("Branches", "How do I join?", "With merge.", "And how do I plot?", "With matplotlib.")
    older = {**kept["messages"][1], "id": "m9", "content": "An older needle of an answer."}
    below = {**kept["messages"][2], "id": "m10", "parent_id": "m9", "content": "What of the older one?"}
    kept["messages"][1:1] = [older, below]
    send(server, "POST", "conversations/import", kept)
    search(lab, "needle")
    # By keyboard alone, from the field to the message.
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("Enter")
    found = message(lab, "needle")
    found.wait_for()
    assert in_view(found)
    lab.page.wait_for_function("message => message === document.activeElement", arg=found.element_handle())
    message(lab, "What of the older one?").wait_for()
    assert message(lab, "With merge.").count() == 0
    # And the newer branch is found from there, in the conversation that is in front.
    search(lab, "matplotlib").click()
    found = message(lab, "With matplotlib.")
    found.wait_for()
    assert in_view(found)
    assert message(lab, "older").count() == 0


def test_after_a_hit_a_new_question_is_what_its_asker_sees(lab, server):
    said = [LONG if n % 2 else f"Question {n}?" for n in range(40)]
    said[4] = "Where is the needle?"
    keep(server, "A long one", *said)
    search(lab, "needle").click()
    found = message(lab, "needle")
    found.wait_for()
    assert in_view(found)
    lab.ask("And what came of it?")
    answer = message(lab, "Sum the column.")
    answer.wait_for()
    assert in_view(answer)


def test_words_deep_inside_a_long_answer_are_in_view_and_marked_for_a_moment(lab, server):
    deep = f"{LONG}\n\nOf `pandas` the **needle** is meant.\n\n{LONG}\n\nAnother needle."
    keep(server, "A deep one", "Where is it?", deep, *["And then?", LONG] * 6)
    search(lab, "needle").click()
    found = message(lab, "Another needle.")
    found.wait_for()
    assert words_in_view(found, "needle")
    marked = (
        "() => CSS.highlights.get('tether-found').values().next().value.startContainer.parentNode.tagName"
    )
    assert lab.page.evaluate(marked) == "STRONG"
    assert is_focused(found)
    # What is marked is so for a moment, and nothing of it stays in what was said.
    assert found.locator("mark").count() == 0
    lab.page.wait_for_function("() => !CSS.highlights.has('tether-found')")
