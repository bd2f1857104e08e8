"""What is said outlives the page, the connection and the server, and is found again where it was left."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.held import ANSWER, BACKEND, GO, HALF, WORDS
from tests.e2e.kept import send
from tests.e2e.lab import Lab
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]

# What is asked to learn which conversation a notebook goes on with, and what was said in it.
HISTORY = re.compile(r"/tether/conversations\?.*notebook=")

# Every stream of a turn can be cut in the middle, and what `away` matches is not to be reached.
CUTTING = r"""
const fetched = window.fetch;
const open = new Set();
window.away = null;
window.fetch = async (request, init) => {
  const url = String(request.url ?? request);
  if (window.away?.test(url)) {
    throw new TypeError('Failed to fetch');
  }
  if (!/chat\/stream|generations\//.test(url)) {
    return fetched(request, init);
  }
  const response = await fetched(request, init);
  const reader = response.body.getReader();
  const body = new ReadableStream({
    start(stream) {
      open.add(() => {
        stream.error(new TypeError('network error'));
        reader.cancel();
      });
    },
    async pull(stream) {
      const { value, done } = await reader.read();
      done ? stream.close() : stream.enqueue(value);
    }
  });
  return new Response(body, { status: response.status, headers: response.headers });
};
window.cut = () => {
  open.forEach(cut => cut());
  open.clear();
};
"""


@contextmanager
def holding(home: Path) -> Iterator[RunningServer]:
    """Run a lab, on a new home or on one that another server has left."""
    from tests.e2e.conftest import notebook_home

    if not home.exists():
        notebook_home(home)
    with running(home, app="lab", config=f'c.Tether.backend = "{BACKEND}"\n', PYTHONPATH=str(ROOT)) as server:
        yield server


@pytest.fixture(scope="module")
def held_home(tmp_path_factory):
    return tmp_path_factory.mktemp("held") / "home"


@pytest.fixture(scope="module")
def held_server(held_home):
    with holding(held_home) as server:
        yield server


@pytest.fixture
def held_lab(held_server):
    """A lab whose model waits in the middle of each answer, with nothing said and nothing under way."""
    (held_server.root / GO).unlink(missing_ok=True)
    begin(held_server)
    yield held_server
    let_go(held_server)


def let_go(server: RunningServer) -> None:
    (server.root / GO).touch()


def answers(panel: Any) -> Any:
    return panel.locator(".tether-Answer")


def asked(panel, words):
    """Return the questions with these words: the conversation may be named after one."""
    return panel.locator(".tether-Question", has_text=words)


def half_of(answer: Any) -> None:
    """Wait until an answer is shown as far as its model goes by itself."""
    answer.get_by_text(re.compile(rf"{WORDS[HALF - 1]}$")).wait_for()


def whole(answer: Any) -> None:
    """Wait for the end of an answer, and see that nothing of it is missing or there twice."""
    answer.get_by_text(WORDS[-1]).wait_for()
    assert " ".join(answer.inner_text().split()) == ANSWER


def kept(server: RunningServer) -> list[dict[str, Any]]:
    """Return the messages of the quickstart's conversation."""
    found = server.get("tether/conversations?notebook=quickstart.ipynb&limit=1")["conversations"]
    return server.get(f"tether/conversations/{found[0]['id']}/messages")["messages"]


def begin(server: RunningServer) -> None:
    """Begin a new conversation for the quickstart."""
    request = urllib.request.Request(
        f"{server.url}tether/conversations",
        data=json.dumps({"notebook": "quickstart.ipynb"}).encode(),
        headers={"Authorization": f"token {server.token}", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=30).close()


def test_a_reloaded_page_finds_its_answer_still_being_written(page, held_lab):
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    lab.ask("will you wait for me?")
    half_of(answers(panel).last)
    page.reload()
    lab.cells.first.wait_for()
    panel = lab.open_panel()
    half_of(answers(panel).last)
    panel.get_by_test_id("tether-stop").wait_for()
    assert asked(panel, "will you wait for me?").count() == 1
    let_go(held_lab)
    whole(answers(panel).last)
    panel.get_by_test_id("tether-send").wait_for()
    assert asked(panel, "will you wait for me?").count() == 1


def test_an_answer_that_was_found_again_can_be_stopped(page, held_lab):
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    lab.ask("may I stop you later?")
    half_of(answers(panel).last)
    page.reload()
    lab.cells.first.wait_for()
    panel = lab.open_panel()
    half_of(answers(panel).last)
    panel.get_by_test_id("tether-stop").click()
    panel.get_by_text("Stopped by you").first.wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    assert kept(held_lab)[-1]["finish_reason"] == "cancelled"


def test_a_panel_that_is_opened_late_shows_the_answer_that_a_cell_is_getting(page, held_lab):
    lab = Lab(page, held_lab)
    lab.load()
    cell = lab.run("NameError")
    output = cell.locator(".jp-OutputArea-output")
    output.get_by_text(WORDS[HALF - 1]).wait_for()
    panel = lab.open_panel()
    half_of(answers(panel).last)
    panel.get_by_test_id("tether-stop").wait_for()
    assert panel.get_by_test_id("tether-status").get_attribute("data-phase") == "writing"
    let_go(held_lab)
    whole(answers(panel).last)
    output.get_by_text(WORDS[-1]).wait_for()


def test_leaving_the_page_does_not_end_the_answer(page, held_lab):
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    lab.ask("go on without me")
    half_of(answers(panel).last)
    page.goto("about:blank")
    let_go(held_lab)
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    whole(answers(panel).last)
    assert kept(held_lab)[-1]["content"] == ANSWER


def test_a_lost_connection_is_joined_again_without_a_gap_or_a_repeat(page, held_lab):
    page.add_init_script(CUTTING)
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    lab.ask("are you still there?")
    half_of(answers(panel).last)
    page.evaluate("window.away = /tether/; window.cut()")
    panel.get_by_test_id("tether-status").get_by_text("Lost the connection, trying again").wait_for()
    assert WORDS[HALF - 1] in answers(panel).last.inner_text()
    panel.get_by_test_id("tether-stop").wait_for()
    page.evaluate("window.away = null")
    panel.get_by_test_id("tether-status").get_by_text("Writing").wait_for()
    let_go(held_lab)
    whole(answers(panel).last)
    assert panel.get_by_test_id("tether-failure").count() == 0


def test_what_ended_while_the_connection_was_lost_is_shown_whole(page, held_lab):
    page.add_init_script(CUTTING)
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    lab.ask("will I hear the end?")
    half_of(answers(panel).last)
    page.evaluate("window.away = /tether/; window.cut()")
    panel.get_by_test_id("tether-retry").wait_for()
    let_go(held_lab)
    # The panel would find the end by itself as soon as the server tells its health.
    page.evaluate("window.away = /health/")
    panel.get_by_test_id("tether-retry").click()
    whole(answers(panel).last)
    assert answers(panel).count() == 1
    # It was there: nothing was asked again.
    assert [message["role"] for message in kept(held_lab)] == ["user", "assistant"]


def test_a_connection_that_is_back_brings_the_end_by_itself(page, held_lab):
    page.add_init_script(CUTTING)
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    lab.ask("will I hear the end?")
    half_of(answers(panel).last)
    page.evaluate("window.away = /tether/; window.cut()")
    panel.get_by_test_id("tether-failure").wait_for()
    page.evaluate("window.away = null")
    panel.get_by_text("Look again").click()
    panel.get_by_test_id("tether-stop").wait_for()
    let_go(held_lab)
    whole(answers(panel).last)
    assert panel.get_by_test_id("tether-failure").count() == 0


def test_an_answer_that_its_server_did_not_live_to_end_says_so_and_can_be_asked_again(page, tmp_path):
    home = tmp_path / "home"
    with holding(home) as server:
        lab = Lab(page, server)
        panel = lab.open_panel()
        lab.ask("will you live?")
        half_of(answers(panel).last)
        server.process.kill()
        server.process.wait(20)
    with holding(home) as server:
        lab = Lab(page, server)
        panel = lab.open_panel()
        interrupted = panel.get_by_test_id("tether-interrupted")
        interrupted.get_by_text("Interrupted: the server ended before the answer did.").wait_for()
        assert WORDS[0] in answers(panel).last.inner_text()
        panel.get_by_test_id("tether-send").wait_for()
        let_go(server)
        interrupted.get_by_test_id("tether-retry").click()
        whole(answers(panel).last)
        assert answers(panel).count() == 1
        assert asked(panel, "will you live?").count() == 1
        question, dead, again = kept(server)
        assert [dead["status"], again["status"]] == ["interrupted", "complete"]
        assert dead["parent_id"] == again["parent_id"] == question["id"]


def test_an_answer_that_is_written_again_takes_the_place_of_the_old_one(page, held_lab):
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    let_go(held_lab)
    for question in ("first question", "second question"):
        lab.ask(question)
        panel.get_by_test_id("tether-send").wait_for()
        whole(answers(panel).last)
    # By keyboard: it is there on focus as on hover.
    panel.get_by_test_id("tether-regenerate").first.focus()
    page.keyboard.press("Enter")
    asked(panel, "second question").wait_for(state="detached")
    panel.get_by_test_id("tether-send").wait_for()
    whole(answers(panel).last)
    assert answers(panel).count() == 1
    assert asked(panel, "first question").count() == 1
    messages = kept(held_lab)
    assert len(messages) == 5, "nothing is overwritten"
    page.reload()
    lab.cells.first.wait_for()
    panel = lab.open_panel()
    whole(answers(panel).last)
    assert answers(panel).count() == 1
    assert asked(panel, "second question").count() == 0


def test_a_thumb_by_keyboard_is_kept(page, held_lab):
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    let_go(held_lab)
    lab.ask("are you good?")
    whole(answers(panel).last)
    up, down = panel.get_by_test_id("tether-thumbs_up"), panel.get_by_test_id("tether-thumbs_down")
    up.focus()
    with page.expect_response("**/tether/messages/**"):
        page.keyboard.press("Space")
    assert up.get_attribute("aria-pressed") == "true"
    assert kept(held_lab)[-1]["reaction"] == "thumbs_up"
    page.reload()
    lab.cells.first.wait_for()
    panel = lab.open_panel()
    panel.locator('[data-testid="tether-thumbs_up"][aria-pressed="true"]').wait_for()
    down.focus()
    with page.expect_response("**/tether/messages/**"):
        page.keyboard.press("Enter")
    assert [up.get_attribute("aria-pressed"), down.get_attribute("aria-pressed")] == ["false", "true"]
    with page.expect_response("**/tether/messages/**"):
        page.keyboard.press("Enter")
    assert kept(held_lab)[-1]["reaction"] is None


def test_a_thumb_that_is_not_kept_is_taken_back_in_words(page, held_lab):
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    let_go(held_lab)
    lab.ask("are you good?")
    whole(answers(panel).last)
    page.route("**/tether/messages/**", lambda route: route.abort())
    up = panel.get_by_test_id("tether-thumbs_up")
    up.focus()
    page.keyboard.press("Space")
    panel.get_by_role("alert").get_by_text("Not kept. Jupyter does not answer.").wait_for()
    assert up.get_attribute("aria-pressed") == "false"


def test_a_history_that_cannot_be_kept_is_told_until_it_can(page, held_lab):
    health = held_lab.get("tether/health")
    words = "The disk is full: what is said now is kept in memory alone. Free some space."
    sick = health | {"database": {"kind": "sqlite", "ok": False, "problem": words}}
    page.route("**/tether/health*", lambda route: route.fulfill(json=sick))
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    notice = panel.get_by_test_id("tether-databaseNotice")
    notice.get_by_text(words).wait_for()
    page.unroute("**/tether/health*")
    notice.wait_for(state="detached")


def test_a_question_asked_while_the_history_is_read_stands_behind_it(page, held_lab):
    let_go(held_lab)
    send(held_lab, "POST", "chat", {"message": "asked before", "notebook": "quickstart.ipynb"})
    waiting, held = [], True
    page.route(HISTORY, lambda route: waiting.append(route) if held else route.continue_())
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    panel.get_by_test_id("tether-looking").get_by_text("Looking for what was said").wait_for()
    # What is not known yet is not taken for empty.
    assert panel.get_by_test_id("tether-suggestion").count() == 0
    lab.ask("asked at once")
    whole(answers(panel).last)
    panel.get_by_test_id("tether-send").wait_for()
    # What was read is read again behind the question: that is not to wait as well.
    held = False
    for route in waiting:
        route.continue_()
    asked(panel, "asked before").wait_for()
    assert panel.locator(".tether-Question").all_inner_texts() == ["asked before", "asked at once"]


def test_a_history_that_could_not_be_read_says_why_and_is_read_again(page, held_lab):
    let_go(held_lab)
    send(held_lab, "POST", "chat", {"message": "asked before", "notebook": "quickstart.ipynb"})
    page.route(HISTORY, lambda route: route.abort())
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    panel.get_by_test_id("tether-unread").get_by_text("Jupyter does not answer.").wait_for()
    assert panel.get_by_test_id("tether-suggestion").count() == 0
    page.unroute(HISTORY)
    panel.get_by_test_id("tether-readAgain").click()
    asked(panel, "asked before").wait_for()
    panel.get_by_test_id("tether-unread").wait_for(state="detached")


def test_what_goes_along_outlives_a_reload_with_the_words(page, held_lab):
    lab = Lab(page, held_lab)
    panel = lab.open_panel()
    panel.get_by_test_id("tether-empty").wait_for()
    panel.get_by_test_id("tether-chooser").set_input_files(
        {"name": "sales.csv", "mimeType": "text/csv", "buffer": b"city,price\nOslo,17\n"}
    )
    chips = panel.get_by_test_id("tether-chip")
    chips.filter(has_text="sales.csv").wait_for()
    panel.locator(".tether-input textarea").fill("what is in it?")
    page.reload()
    lab.cells.first.wait_for()
    panel = lab.open_panel()
    chips.filter(has_text="sales.csv").wait_for()
    assert panel.locator(".tether-input textarea").input_value() == "what is in it?"
    with page.expect_request("**/tether/chat/stream*") as sent:
        panel.locator(".tether-input textarea").press("Enter")
    assert len(sent.value.post_data_json["attachments"]) == 1
    half_of(answers(panel).last)
    assert chips.count() == 0
