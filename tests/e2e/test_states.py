"""Every state that the panel can be in, in light and dark, at 300, 420 and 700 px: nobody is shut out of any.

In each, axe-core finds nothing serious or critical at 300 px in either theme and at 700 px in the dark one,
nothing sticks out of the panel, and nothing lies over anything else. A picture of each is kept in
`screenshots/states/`; with TETHER_PICTURES set, those that the documentation shows are written anew to
`docs/pictures/`.
"""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.axe import grave, outside, overlapping
from tests.e2e.conftest import PATIENCE, ROOT, local, notebook_home
from tests.e2e.lab import Lab
from tests.e2e.states import BACKEND, LARGE, QUESTIONS
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser

PANEL = "#tether-chat"
WIDTHS = (420, 300, 700)
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SHOTS = ROOT / "tests" / "e2e" / "screenshots" / "states"
PICTURES = ROOT / "docs" / "pictures"
IN_DARK = ("streaming", "code-heavy", "maths-and-table", "empty")
"""States of which the documentation shows the dark picture as well."""
STATES = ["empty", "first-run", "loading", "queued", "thinking", "streaming", "stopped", "long", "code-heavy"]
STATES += ["maths-and-table", "image", "failed-before-a-word", "failed-in-the-middle", "window-full"]
STATES += ["offline", "server-restarted", "no-model", "model-too-large", "not-kept", "read-only"]
MANY = 200


class Stage:
    """A person at the panel, who can bring it into a state and look at it in each theme and at each width."""

    def __init__(self, page: Any, server: RunningServer) -> None:
        self.page = page
        self.server = server
        self.lab: Any = None
        self.panel: Any = None
        # Whether the page has been told something that it may remember.
        self.tricked = False

    def begin(self) -> None:
        """Give the notebook a new conversation, behind the page's back."""
        posted(self.server, "conversations", {"notebook": "quickstart.ipynb"})

    def reload(self) -> None:
        """Open the page anew, with the panel open."""
        self.lab = Lab(self.page, self.server)
        self.panel = self.lab.open_panel()

    def fresh(self) -> None:
        """Begin with nothing said and nothing under way, in a page without any tricks."""
        self.page.unroute_all()
        if self.tricked:
            self.tricked = False
            self.begin()
            self.reload()
        # The answer may end by itself before a hand could be at the button.
        self.panel.evaluate("panel => panel.querySelector('[data-testid=tether-stop]')?.click()")
        self.panel.get_by_test_id("tether-send").wait_for()
        new = self.panel.get_by_test_id("tether-newChat")
        if new.is_enabled():
            new.click()
        self.panel.get_by_test_id("tether-empty").wait_for()

    def ask(self, name: str) -> Any:
        """Ask the question of a state; return the panel's last answer."""
        self.lab.ask(QUESTIONS[name])
        return self.panel.locator(".tether-Answer").last

    def health(self, **changes: Any) -> None:
        """Let the server say something else of its health."""
        found = self.server.get("tether/health") | changes
        self.page.route("**/tether/health*", lambda route: route.fulfill(json=found))

    def command(self, name: str, **args: Any) -> None:
        """Run one of JupyterLab's commands."""
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)", [name, args]
        )

    def theme(self, name: str) -> None:
        """Change the theme, if it is another."""
        if self.page.evaluate("document.body.dataset.jpThemeName") != THEMES[name]:
            self.command("apputils:change-theme", theme=THEMES[name])
            self.page.wait_for_function(
                "name => document.body.dataset.jpThemeName === name", arg=THEMES[name]
            )

    def width(self, wanted: int) -> None:
        """Drag the panel's edge until it is so wide. A page that is laid out anew may let go of the edge."""
        for _ in range(5):
            box = self.panel.bounding_box()
            if abs(box["width"] - wanted) <= 2:
                return
            edge = self.page.evaluate(
                """left => Math.max(...[...document.querySelectorAll('.lm-SplitPanel-handle')]
                  .map(each => each.getBoundingClientRect())
                  .filter(each => each.height > 200 && each.left <= left + 1)
                  .map(each => each.left + each.width / 2))""",
                box["x"],
            )
            self.page.mouse.move(edge, 500)
            self.page.mouse.down()
            self.page.mouse.move(edge + box["width"] - wanted, 500)
            self.page.mouse.up()
            self.page.mouse.move(10, 500)
            self.page.evaluate(
                "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
        raise AssertionError(f"the panel is not {wanted} px wide")

    def look(self, state: str) -> None:
        """Look at a state in both themes at every width; fail with all that is wrong in any."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        found: list[str] = []
        first = "light" if self.page.evaluate("document.body.dataset.jpThemeLight") == "true" else "dark"
        for theme in sorted(THEMES, key=lambda name: name != first):
            self.theme(theme)
            for width in WIDTHS:
                self.width(width)
                shot = self.panel.screenshot(
                    path=SHOTS / f"{state}-{theme}-{width}.png", animations="disabled"
                )
                if (
                    os.environ.get("TETHER_PICTURES")
                    and width == 420
                    and (theme == "light" or state in IN_DARK)
                ):
                    PICTURES.mkdir(parents=True, exist_ok=True)
                    (PICTURES / f"{state}{'' if theme == 'light' else '-dark'}.png").write_bytes(shot)
                wrong = outside(self.page, PANEL)
                wrong += [f"{pair} overlap" for pair in overlapping(self.page, PANEL)]
                # What is wide is laid out otherwise; its colours are those of the narrow one.
                if width == 300 or (width == 700 and theme == "dark"):
                    wrong += grave(self.page, PANEL)
                found += [f"{theme}, {width} px: {each}" for each in wrong]
        assert not found, "\n".join(dict.fromkeys(found))


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A lab whose model does what its questions say."""
    home = notebook_home(tmp_path_factory.mktemp("states") / "home")
    config = f'c.Tether.backend = "{BACKEND}"\nc.LabApp.expose_app_in_browser = True\n'
    with running(home, app="lab", config=config, PYTHONPATH=str(ROOT)) as server:
        yield server


@pytest.fixture(scope="module")
def one_stage(chromium: Any, staged: RunningServer) -> Iterator[Stage]:
    """One page for all states: opening JupyterLab for each would take longer than looking at it."""
    context = chromium.new_context(viewport={"width": 1500, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.elsewhere = []
    page.on("request", lambda sent: None if local(sent.url) else page.elsewhere.append(sent.url))
    stage = Stage(page, staged)
    stage.reload()
    yield stage
    context.close()


@pytest.fixture
def stage(one_stage: Stage) -> Iterator[Stage]:
    """The page with an empty conversation in front; nothing it shows may come from elsewhere."""
    one_stage.fresh()
    yield one_stage
    assert one_stage.page.elsewhere == []


@pytest.fixture
def reloaded(one_stage: Stage) -> Iterator[Stage]:
    """The page, for a test that opens it anew, and an empty conversation."""
    one_stage.page.unroute_all()
    one_stage.begin()
    one_stage.tricked = True
    yield one_stage
    assert one_stage.page.elsewhere == []


def posted(server: RunningServer, path: str, body: Any) -> Any:
    request = urllib.request.Request(
        f"{server.url}tether/{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"token {server.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def kept(server: RunningServer, title: str, *messages: dict[str, Any]) -> dict[str, Any]:
    """Keep a conversation and return it."""
    chain = [
        {"id": f"m{n}", "parent_id": f"m{n - 1}" if n else None, **message}
        for n, message in enumerate(messages)
    ]
    file = {
        "format": "tether-conversation",
        "version": 1,
        "conversation": {"title": title},
        "messages": chain,
    }
    return dict(posted(server, "conversations/import", file)["conversation"])


def test_empty(stage):
    stage.panel.get_by_test_id("tether-suggestion").first.wait_for()
    stage.look("empty")


def test_first_run_with_the_demo_model(reloaded):
    reloaded.health(demo=True, model="tether-demo", place="this machine")
    reloaded.reload()
    reloaded.panel.get_by_test_id("tether-notice").get_by_text("demo model").first.wait_for()
    reloaded.look("first-run")
    reloaded.panel.get_by_test_id("tether-how").click()
    reloaded.look("first-run-how")


def test_loading_a_model(stage):
    engine = {"type": "local", "ready": False, "engine": {"progress": 0.38}}
    stage.health(model="qwen3-4b", llm_service=engine)
    stage.tricked = True
    stage.ask("wait")
    stage.panel.get_by_test_id("tether-status").get_by_text("Loading qwen3-4b, 38 %").wait_for()
    stage.look("loading")


def test_queued(stage):
    stage.ask("queue")
    stage.panel.get_by_test_id("tether-status").get_by_text("Waiting, 2nd in line").wait_for()
    stage.look("queued")


def test_thinking(stage):
    stage.ask("think")
    stage.panel.get_by_test_id("tether-status").get_by_text("Thinking").wait_for()
    stage.look("thinking")


def test_streaming(stage):
    stage.ask("write").get_by_text("raises as soon as").wait_for()
    stage.panel.get_by_test_id("tether-status").get_by_text("Writing").wait_for()
    stage.look("streaming")


def test_stopped(stage):
    stage.ask("stop").get_by_text("raises as soon as").wait_for()
    stage.panel.get_by_test_id("tether-stop").click()
    stage.panel.get_by_test_id("tether-send").wait_for()
    stage.panel.get_by_text(re.compile("stopped by you", re.I)).first.wait_for()
    stage.look("stopped")


def test_a_long_answer(stage):
    stage.ask("long").get_by_role("heading", name="Part 40").wait_for()
    stage.panel.get_by_test_id("tether-send").wait_for()
    stage.look("long")


def test_code_heavy(stage):
    answer = stage.ask("code")
    answer.get_by_text("order by month").wait_for()
    stage.panel.get_by_test_id("tether-send").wait_for()
    # Its tools are there on focus.
    answer.locator(".tether-Code button").first.focus()
    stage.look("code-heavy")


def test_mathematics_and_a_table(stage):
    answer = stage.ask("maths")
    answer.get_by_text("The second has a gap.").wait_for()
    answer.locator("mjx-container").nth(2).wait_for()
    stage.look("maths-and-table")


def test_an_image(stage):
    stage.ask("image").get_by_text("link to the manual").wait_for()
    stage.panel.get_by_test_id("tether-send").wait_for()
    stage.look("image")


def test_failed_before_a_word(stage):
    stage.ask("fail")
    stage.panel.get_by_test_id("tether-retry").wait_for()
    assert QUESTIONS["fail"] in stage.panel.inner_text()
    stage.look("failed-before-a-word")


def test_failed_in_the_middle(stage):
    stage.ask("break").get_by_text("raises as soon as").wait_for()
    stage.panel.get_by_test_id("tether-retry").wait_for()
    stage.look("failed-in-the-middle")


def test_window_full(stage):
    stage.ask("full")
    stage.panel.get_by_text("longer than the model's context").first.wait_for()
    stage.look("window-full")
    # The same words would fail again: they go into the field.
    stage.panel.get_by_test_id("tether-reword").last.click()
    stage.panel.get_by_test_id("tether-editing").wait_for()
    assert stage.panel.locator("textarea").first.input_value() == QUESTIONS["full"]
    stage.page.keyboard.press("Escape")
    stage.panel.get_by_test_id("tether-editing").wait_for(state="detached")


def test_offline(stage):
    stage.ask("code").get_by_text("order by month").wait_for()
    stage.panel.get_by_test_id("tether-send").wait_for()
    stage.page.route("**/tether/**", lambda route: route.abort())
    stage.lab.ask("Are you there?")
    stage.panel.get_by_test_id("tether-retry").first.wait_for()
    assert "Are you there?" in stage.panel.inner_text()
    stage.look("offline")
    stage.page.unroute_all()
    stage.panel.get_by_text("Look again").first.click()
    stage.panel.get_by_test_id("tether-notice").wait_for(state="detached")


def test_server_restarted(reloaded):
    stage = reloaded
    half = "The join keeps **every row of the left table**, so a key that"
    talk = kept(
        stage.server,
        "Restarted",
        {"role": "user", "content": QUESTIONS["write"]},
        {"role": "assistant", "content": half, "status": "interrupted", "model": "qwen3-4b"},
    )
    said = stage.server.get(f"tether/conversations/{talk['id']}/messages")
    found = {"conversations": [{**talk, "notebook": "quickstart.ipynb"}], **said}
    stage.page.route(
        re.compile(r"/tether/conversations\?.*notebook="), lambda route: route.fulfill(json=found)
    )
    stage.reload()
    stage.panel.get_by_test_id("tether-interrupted").wait_for()
    stage.look("server-restarted")


def test_no_model(reloaded):
    words = "No model is set: `TETHER_MODEL_PATH` names no file. Choose one, then start Jupyter again."
    reloaded.health(status="unhealthy", model="", place="", problem=words)
    reloaded.reload()
    reloaded.panel.get_by_test_id("tether-notice").get_by_text("No model is set").wait_for()
    reloaded.look("no-model")


def test_a_model_that_is_too_large(reloaded):
    reloaded.health(status="unhealthy", model="qwen3-32b-q4_k_m", place="this machine", problem=LARGE)
    reloaded.reload()
    reloaded.panel.get_by_test_id("tether-notice").get_by_text("does not fit").wait_for()
    reloaded.ask("large")
    reloaded.panel.get_by_test_id("tether-failure").wait_for()
    reloaded.look("model-too-large")


def test_nothing_can_be_kept(reloaded):
    words = "The disk is full: what is said now is kept in memory alone. Free some space."
    reloaded.health(database={"kind": "sqlite", "ok": False, "problem": words})
    reloaded.reload()
    reloaded.panel.get_by_text(words).wait_for()
    reloaded.look("not-kept")


def test_read_only(reloaded):
    """A notebook that cannot be written: code can be copied, and not put into it."""

    def locked(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(json=answer.json() | {"writable": False})

    stage = reloaded
    stage.page.route("**/api/contents/quickstart.ipynb?*", locked)
    stage.reload()
    answer = stage.ask("code")
    answer.get_by_text("order by month").wait_for()
    stage.panel.get_by_test_id("tether-send").wait_for()
    answer.locator(".tether-Code").first.hover()
    above = answer.get_by_role("button", name=re.compile("^Insert")).first
    assert above.get_attribute("aria-disabled") == "true"
    assert "no notebook that can be edited" in above.get_attribute("aria-label")
    stage.look("read-only")


@pytest.fixture
def listing(stage: Stage) -> Iterator[Stage]:
    """The panel with its list of conversations open, which has 200 of them."""
    there = len(stage.server.get("tether/conversations?limit=200")["conversations"])
    for number in range(there, MANY):
        kept(
            stage.server,
            f"Conversation {number} about the orders of a month",
            {"role": "user", "content": "Hello"},
        )
    button = stage.panel.get_by_test_id("tether-threads")
    if not button.count():
        pytest.skip("there is no list of conversations here yet")
    button.click()
    stage.panel.get_by_test_id("tether-threadList").wait_for()
    yield stage
    stage.tricked = True


def test_two_hundred_conversations(listing):
    listing.panel.get_by_test_id("tether-threadList").get_by_text("Conversation 199").first.wait_for()
    listing.look("200-threads")


def test_a_search_that_finds_nothing(listing):
    field = listing.panel.get_by_test_id("tether-search")
    if not field.is_visible():
        listing.panel.get_by_test_id("tether-find").click()
    field.fill("zzqxv")
    listing.panel.get_by_test_id("tether-drawerSaid").get_by_text(
        re.compile("no|nothing", re.I)
    ).first.wait_for()
    listing.look("search-with-no-hit")


def test_assistance_switched_off(stage):
    stage.tricked = True
    stage.command("tether:toggle-assistance")
    try:
        stage.page.wait_for_function("!window.jupyterapp.commands.isToggled('tether:toggle-assistance')")
        # Either there is no panel, or one that says so and asks nothing.
        stage.panel.get_by_test_id("tether-suggestion").first.wait_for(state="hidden")
        if stage.panel.is_visible():
            stage.look("assistance-off")
    finally:
        stage.command("tether:toggle-assistance")
        stage.page.wait_for_function("window.jupyterapp.commands.isToggled('tether:toggle-assistance')")


@pytest.mark.parametrize("state", STATES)
def test_the_documentation_has_a_picture_of(state):
    """`TETHER_PICTURES=1 pytest tests/e2e/test_states.py` makes them."""
    assert (PICTURES / f"{state}.png").is_file()


def test_nothing_of_a_block_is_shown_again(stage):
    answer = stage.ask("code")
    # Until all blocks are drawn, what was written stands there as it came.
    answer.locator(".tether-Code").nth(3).wait_for()
    stage.panel.get_by_test_id("tether-send").wait_for()
    assert "`" not in answer.inner_text()


def focused(page: Any, testid: str) -> None:
    """Wait until a thing of the panel has the focus; `input` is the field that questions are written in."""
    place = ".tether-input textarea" if testid == "input" else f"[data-testid={testid}]"
    page.wait_for_function("place => document.activeElement?.matches(place)", arg=f"{PANEL} {place}")


def test_the_focus_is_never_lost_with_what_had_it(stage):
    """Each of these buttons goes away when it is pressed, or can no longer be pressed."""
    page, panel = stage.page, stage.panel

    def press(testid: str) -> None:
        panel.get_by_test_id(testid).last.focus()
        page.keyboard.press("Enter")

    stage.ask("stop").get_by_text("raises as soon as").wait_for()
    stage.lab.ask("Say something short")
    panel.get_by_test_id("tether-queued").wait_for()
    press("tether-stop")
    focused(page, "input")
    # What waited is asked by hand after a stop, and by itself after an answer.
    press("tether-askQueued")
    answers = panel.locator(".tether-Answer")
    answers.get_by_text("A short answer.").wait_for()
    focused(page, "input")
    panel.get_by_test_id("tether-send").wait_for()
    press("tether-regenerate")
    panel.get_by_test_id("tether-branches").get_by_text("2 of 2").wait_for()
    focused(page, "input")
    panel.get_by_test_id("tether-send").wait_for()
    press("tether-branchBefore")
    panel.get_by_test_id("tether-branches").get_by_text("1 of 2").wait_for()
    focused(page, "tether-branchAfter")
    press("tether-delete")
    focused(page, "input")
    press("tether-undo")
    answers.get_by_text("A short answer.").wait_for()
    focused(page, "input")
    stage.ask("fail")
    panel.get_by_test_id("tether-retry").wait_for()
    press("tether-retry")
    focused(page, "input")


def test_what_was_taken_away_can_be_had_back_while_the_next_answer_is_written(stage):
    panel = stage.panel
    stage.lab.ask("Say something short")
    panel.locator(".tether-Answer").get_by_text("A short answer.").wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    panel.locator(".tether-Question").hover()
    panel.get_by_test_id("tether-delete").click()
    note = panel.get_by_test_id("tether-note")
    note.get_by_text("Taken away").hover()
    stage.ask("stop").get_by_text("raises as soon as").wait_for()
    note.get_by_test_id("tether-undo").click()
    note.get_by_text("It is back, beside what was asked since.").wait_for()
    panel.get_by_test_id("tether-stop").click()
    panel.get_by_test_id("tether-send").wait_for()
    panel.get_by_test_id("tether-branches").first.get_by_text("2 of 2").wait_for()
    panel.get_by_test_id("tether-branchBefore").first.click()
    panel.locator(".tether-Answer").get_by_text("A short answer.").wait_for()


def test_a_question_that_reads_from_the_right_begins_at_the_right(stage):
    stage.lab.ask("\u0643\u064a\u0641 \u0623\u062d\u0633\u0628?\nIn English")
    question = stage.panel.locator(".tether-Question").last
    question.wait_for()
    sides = question.evaluate(
        """element => {
          const text = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode();
          const line = from => {
            const range = document.createRange();
            range.setStart(text, from);
            range.setEnd(text, from + 1);
            return range.getBoundingClientRect();
          };
          const box = element.getBoundingClientRect();
          const english = text.data.indexOf('In');
          return [box.right - line(0).right, line(english).left - box.left];
        }"""
    )
    assert max(sides) < 20


def test_a_colour_scheme_of_ones_own_keeps_the_lines(stage):
    """Where the page may not choose its backgrounds, what stands on one has a line around it."""
    stage.page.emulate_media(forced_colors="active")
    try:
        stage.ask("code").get_by_text("order by month").wait_for()
        stage.panel.get_by_test_id("tether-send").wait_for()
        question = stage.panel.locator(".tether-Question").last
        assert question.evaluate("element => getComputedStyle(element).borderTopWidth") == "1px"
        assert overlapping(stage.page, PANEL) == []
    finally:
        stage.page.emulate_media(forced_colors="none")
