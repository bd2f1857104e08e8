"""A person frees the GPU, waits in the queue, watches a model load, and is told when to come back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.lab import Lab, fresh
from tests.support.servers import running

pytestmark = pytest.mark.browser

QUEUE = """
c.Tether.backend = "mock"
c.MockLLM.script = [
    {"queued": {"position": 2}}, {"sleep": 2.0}, {"queued": {"position": 1}}, {"sleep": 2.0},
    {"repeat": [20, {"delta": "word "}, 0.1]},
]
"""


# A route answers a request at once or not at all; this stream gives its first event, and the rest when told.
HOLD = """
const fetched = window.fetch;
window.fetch = async (request, init) => {
  if (!String(request.url ?? request).includes('chat/stream')) {
    return fetched(request, init);
  }
  const body = new ReadableStream({
    start(stream) {
      const send = event => stream.enqueue(new TextEncoder().encode(JSON.stringify(event) + '\\n'));
      send({ meta: { id: 'm_1', conversation_id: 'c_1', parent_id: null, model: 'mock:big-model' } });
      window.letGo = () => {
        send({ delta: 'Awake.' });
        send({ done: true, finish_reason: 'stop' });
        stream.close();
      };
    }
  });
  return new Response(body, { headers: { 'Content-Type': 'application/x-ndjson' } });
};
"""


@pytest.fixture(scope="module")
def queueing_lab(tmp_path_factory):
    from tests.e2e.conftest import notebook_home

    home = notebook_home(tmp_path_factory.mktemp("queue") / "home")
    with running(home, app="lab", config=QUEUE) as server:
        yield server


def loaded(server) -> dict[str, bool]:
    return {row["name"]: row["loaded"] for row in server.get("tether/models")["models"]}


def toast(page: Any, text: str) -> Any:
    return page.locator(".Toastify__toast", has_text=text)


def command(page: Any, words: str) -> None:
    """Run a command from the palette, by the keyboard."""
    page.keyboard.press("Control+Shift+c")
    page.locator(".lm-CommandPalette-input").fill(words)
    page.locator(".lm-CommandPalette-item.lm-mod-active", has_text=words).wait_for()
    page.keyboard.press("Enter")


def test_the_model_is_unloaded_from_the_sidebar_and_loads_again_when_asked(page, demo_lab):
    lab, panel = fresh(page, demo_lab)
    lab.ask("What is a NameError?")
    # A conversation of its own: figures of an earlier answer would stand there before this one is written.
    panel.locator(".tether-figures").wait_for()
    assert loaded(demo_lab)["tether-demo"]
    panel.get_by_test_id("tether-more").focus()
    page.keyboard.press("Enter")
    page.locator(".lm-Menu-item", has_text="Unload the model").click()
    told = toast(page, "tether-demo is unloaded and gave back about")
    told.filter(has_text="The next question loads it again.").wait_for()
    assert not loaded(demo_lab)["tether-demo"]
    lab.ask("What is a KeyError?")
    panel.locator(".tether-figures").nth(1).wait_for()
    assert loaded(demo_lab)["tether-demo"]
    assert page.elsewhere == []


def test_the_palette_unloads_as_well_and_says_when_there_is_nothing_to_unload(page, demo_lab):
    lab = Lab(page, demo_lab)
    lab.load()
    lab.run("NameError").get_by_text("demo model ·").wait_for()
    command(page, "Tether: Unload the model")
    toast(page, "tether-demo is unloaded").wait_for()
    command(page, "Tether: Unload the model")
    toast(page, "No model is loaded, so none takes any memory.").wait_for()


def test_the_menu_gives_the_focus_back(page, demo_lab):
    lab = Lab(page, demo_lab)
    panel = lab.open_panel()
    more = panel.get_by_test_id("tether-more")
    more.click()
    page.locator(".lm-Menu-item", has_text="Unload the model").wait_for()
    assert more.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    page.locator(".lm-Menu").wait_for(state="detached")
    assert more.evaluate("it => it === document.activeElement")


def test_nobodys_answer_ends_without_a_question(page, demo_lab):
    lab = Lab(page, demo_lab)
    lab.open_panel()
    rows = demo_lab.get("tether/models")
    for row in rows["models"]:
        if row["name"] == "tether-demo":
            row |= {"loaded": True, "engine": {"running": 2, "waiting": 0}}
    page.route("**/tether/models*", lambda route: route.fulfill(json=rows))
    unloads = []
    page.on("request", lambda sent: unloads.append(sent) if sent.url.endswith("models/unload") else None)
    command(page, "Tether: Unload the model")
    dialog = page.locator(".jp-Dialog", has_text="2 answers are under way")
    dialog.wait_for()
    dialog.get_by_text("Keep it").click()
    dialog.wait_for(state="detached")
    # The command is over when the next one is done.
    page.unroute("**/tether/models*")
    page.route("**/tether/models*", lambda route: route.abort())
    command(page, "Tether: Unload the model")
    toast(page, "The model was not unloaded.").wait_for()
    assert unloads == []


def test_a_server_that_is_gone_is_told_in_words(page, demo_lab):
    lab = Lab(page, demo_lab)
    lab.open_panel()
    page.route("**/tether/models*", lambda route: route.abort())
    command(page, "Tether: Unload the model")
    toast(page, "The model was not unloaded. Jupyter does not answer.").wait_for()


def test_a_place_in_the_queue_shows_until_the_first_word(page, queueing_lab):
    lab = Lab(page, queueing_lab)
    panel = lab.open_panel()
    lab.ask("is it my turn?")
    status = panel.get_by_test_id("tether-status")
    status.get_by_text("Waiting, 2nd in line").wait_for()
    status.get_by_text("Waiting, next in line").wait_for()
    panel.get_by_text("word word").first.wait_for()
    status.get_by_text("in line").wait_for(state="detached")


def test_a_model_that_loads_is_named_in_the_sidebar(page, slow_lab):
    page.add_init_script(HOLD)
    lab = Lab(page, slow_lab)
    panel = lab.open_panel()
    health = slow_lab.get("tether/health")
    health |= {"model": "big-model", "llm_service": {"ready": False, "engine": {"progress": 0.38}}}
    page.route("**/tether/health*", lambda route: route.fulfill(json=health))
    lab.ask("are you awake?")
    panel.get_by_text("Loading big-model, 38 %").wait_for()
    page.evaluate("window.letGo()")
    panel.locator(".tether-Answer").last.get_by_text("Awake.").wait_for()
    panel.get_by_text("Loading big-model, 38 %").wait_for(state="detached")


def test_a_limit_keeps_the_words_and_counts_down_to_the_next_try(page, slow_lab):
    lab, panel = fresh(page, slow_lab)
    reason = {
        "type": "rate_limited",
        "message": "4 of your questions are with the model already. Try again in about 15 s.",
        "retryable": True,
        "hint": None,
        "retry_after": 15,
    }
    page.route(
        "**/tether/chat/stream*", lambda route: route.fulfill(status=429, json={"error": reason}), times=1
    )
    lab.ask("one more question")
    panel.get_by_text("4 of your questions are with the model already.").first.wait_for()
    panel.get_by_test_id("tether-wait").wait_for()
    assert "one more question" in panel.inner_text()
    panel.get_by_test_id("tether-wait").wait_for(state="detached")
    panel.get_by_test_id("tether-retry").click()
    panel.locator(".tether-Answer").last.get_by_text("so that they can be watched.").wait_for()
    assert panel.locator(".tether-Question", has_text="one more question").count() == 1
