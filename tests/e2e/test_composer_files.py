"""What is pasted, dropped and attached, what would be sent of it, and which model is asked."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.lab import Lab, fresh
from tests.e2e.test_composer import box, chips
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
AXE = Path(__file__).parents[2] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A lab that takes files of up to 64 kB, with a model that reads text alone."""
    home = notebook_home(tmp_path_factory.mktemp("small") / "home")
    (home / "work" / "notes.txt").write_text("from the workspace\n")
    config = 'c.Tether.backend = "mock"\nc.Tether.max_upload_size = 65536\n'
    with running(home, app="lab", config=config) as server:
        yield server


def give(page, files, way):
    """Paste files into the field, or drop them on it, as a browser tells of it."""
    page.evaluate(
        """([files, way]) => {
            const given = new DataTransfer();
            for (const [name, type, data] of files) {
                const bytes = Uint8Array.from(atob(data), each => each.charCodeAt(0));
                given.items.add(new File([bytes], name, { type }));
            }
            const field = document.querySelector('#tether-chat textarea');
            const event = way === 'paste'
                ? new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: given })
                : new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: given });
            field.dispatchEvent(event);
        }""",
        [[[name, kind, base64.b64encode(data).decode()] for name, kind, data in files], way],
    )


def test_a_text_is_pasted_as_a_file_and_read_by_the_model(page, small):
    _, panel = fresh(page, small)
    give(page, [("figures.csv", "text/csv", b"city,price\nBergen,12\n")], "paste")
    chips(panel).filter(has_text="figures.csv").wait_for()
    box(panel).fill("what is in it?")
    box(panel).press("Enter")
    panel.locator(".tether-Answer").last.get_by_text("Bergen").first.wait_for()
    assert chips(panel).count() == 0


def test_a_file_is_attached_by_its_button_and_taken_away_again(page, small):
    _, panel = fresh(page, small)
    panel.get_by_test_id("tether-composerMore").click()
    with page.expect_file_chooser() as chooser:
        panel.get_by_test_id("tether-choice").filter(has_text="Attach a file").click()
    chooser.value.set_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"attached words"})
    chip = chips(panel).filter(has_text="a.txt")
    chip.get_by_text(re.compile(r"^\d+$")).wait_for()
    with page.expect_request(lambda sent: sent.method == "DELETE" and "/tether/uploads/" in sent.url):
        chip.get_by_role("button", name="Take a.txt away").click()
    chip.wait_for(state="detached")


def test_a_picture_is_shown_small_and_a_model_that_does_not_see_is_said_before_sending(page, small):
    asked = []
    _, panel = fresh(page, small)
    give(page, [("plot.png", "image/png", PNG)], "drop")
    chip = chips(panel).filter(has_text="plot.png")
    chip.locator("img[src^='blob:']").wait_for()
    hint = panel.get_by_test_id("tether-hint")
    hint.get_by_text("sees no pictures").wait_for()
    hint.get_by_text("Take “plot.png” away").wait_for()
    # It does not wait for a refusal: nothing is sent.
    page.on("request", lambda sent: asked.append(sent.url) if "tether/chat" in sent.url else None)
    box(panel).fill("what is in it?")
    box(panel).press("Enter")
    hint.get_by_text("Not sent").wait_for()
    assert (asked, box(panel).input_value()) == ([], "what is in it?")
    assert panel.locator(".tether-Question").count() == 0
    chip.get_by_role("button", name="Take plot.png away").click()
    hint.get_by_text("sees no pictures").wait_for(state="detached")
    box(panel).press("Enter")
    panel.locator(".tether-Question", has_text="what is in it?").wait_for()
    assert page.elsewhere == []


def test_a_file_that_is_too_large_says_so_and_can_be_put_away(page, small):
    _, panel = fresh(page, small)
    give(page, [("big.txt", "text/plain", b"x" * 70_000)], "drop")
    sending = panel.get_by_test_id("tether-sending")
    sending.get_by_text(re.compile("larger than|may have|at most", re.IGNORECASE)).wait_for()
    sending.get_by_role("button", name="Put away big.txt").click()
    sending.wait_for(state="detached")


def test_a_file_that_does_not_fit_into_the_window_says_how_much_of_it_goes_along(page, demo_lab):
    _, panel = fresh(page, demo_lab)
    give(page, [("long.json", "application/json", b"[" + b"1, " * 3000 + b"1]")], "paste")
    chip = chips(panel).filter(has_text="long.json")
    chip.wait_for()
    box(panel).fill("What is a KeyError?")
    page.wait_for_function(
        "title => document.querySelector('[title*=\"' + title + '\"]')", arg="Only the first "
    )
    assert re.search(r"Only the first [\d,]+ of [\d,]+ characters are here", chip.get_attribute("title"))
    box(panel).press("Enter")
    panel.locator(".tether-Answer").last.get_by_text("key").first.wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    assert panel.get_by_test_id("tether-failure").count() == 0


def test_what_leaves_is_shown_exactly_with_secrets_masked(page, small):
    lab, panel = fresh(page, small)
    lab.edit(lab.cell("column ="))
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("key = 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD'")
    box(panel).press_sequentially("what is wrong in @cell 6")
    panel.get_by_test_id("tether-option").filter(has_text="cell 6").click()
    panel.get_by_test_id("tether-rowTotal").get_by_text(re.compile(r"\d")).wait_for()
    panel.get_by_test_id("tether-rowTotal").click()
    sheet = page.get_by_test_id("tether-sheet")
    sheet.get_by_text("stays on this machine").wait_for()
    sheet.get_by_text(re.compile("Masked, because it looks secret: 1")).wait_for()
    assert "what is wrong in cell 6" in sheet.inner_text()
    assert "sk-proj" not in sheet.inner_text()
    page.get_by_role("button", name="Close").last.click()
    sheet.wait_for(state="detached")
    chips(panel).filter(has_text="cell 6").get_by_role("button", name=re.compile("^Show cell 6")).click()
    page.locator(".tether-sheet pre", has_text="key =").wait_for()
    assert "sk-proj" not in page.locator(".tether-sheet").inner_text()
    page.keyboard.press("Escape")
    assert panel.locator(".tether-Question").count() == 0


def test_the_next_question_is_counted_when_typing_rests_and_not_for_each_key(page, small):
    _, panel = fresh(page, small)
    asked = []
    page.on("request", lambda sent: asked.append(sent) if "/tether/context" in sent.url else None)
    words = "a good many words that somebody types without a rest"
    with page.expect_response(
        lambda reply: "/tether/context" in reply.url and words in (reply.request.post_data or "")
    ) as counted:
        box(panel).press_sequentially(words)
    assert len(asked) < len(words) / 4
    told = counted.value.json()
    assert told["tokens"] > 0
    # It is cheap: the conversation itself does not travel.
    assert told["messages"] == []


def test_a_model_is_chosen_for_this_conversation_and_shown_with_its_place(page, small):
    _, panel = fresh(page, small)
    badge = panel.get_by_test_id("tether-badge")
    badge.click()
    row = panel.get_by_test_id("tether-choice").filter(has_text="tether-demo")
    assert "this machine" in row.inner_text()
    assert "context" in row.inner_text()
    row.click()
    badge.get_by_text("tether-demo").wait_for()
    badge.click()
    panel.get_by_test_id("tether-choice").filter(has_text="The usual").click()
    badge.get_by_text("mock").wait_for()


def test_menus_are_driven_by_keys_and_give_the_focus_back(page, small):
    _, panel = fresh(page, small)
    more = panel.get_by_test_id("tether-composerMore")
    more.focus()
    page.keyboard.press("Enter")
    panel.get_by_test_id("tether-choice").first.wait_for()
    page.keyboard.press("h")
    page.keyboard.press("Enter")
    level = panel.get_by_test_id("tether-choice").filter(has_text="Whole small values")
    level.wait_for()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    level.wait_for(state="detached")
    assert page.evaluate("document.activeElement.dataset.testid") == "tether-composerMore"
    with page.expect_request(lambda sent: "/tether/chat/stream" in sent.url) as sent:
        box(panel).fill("how much?")
        box(panel).press("Enter")
    assert sent.value.post_data_json["see"] == {"level": "values"}


def test_the_sheet_menus_and_chips_are_accessible(page, small):
    _, panel = fresh(page, small)
    page.add_script_tag(path=AXE)

    def serious():
        return page.evaluate(
            """async () => (await axe.run('#tether-chat')).violations
                .filter(each => ['serious', 'critical'].includes(each.impact))
                .map(each => [each.id, each.nodes.map(node => node.html.slice(0, 120))])"""
        )

    assert serious() == []
    box(panel).press_sequentially("@")
    panel.get_by_test_id("tether-option").first.wait_for()
    assert serious() == []
    page.keyboard.press("Escape")
    box(panel).fill("")
    give(page, [("a.txt", "text/plain", b"words")], "paste")
    chips(panel).first.wait_for()
    assert serious() == []
    panel.get_by_test_id("tether-badge").click()
    panel.get_by_test_id("tether-choice").first.wait_for()
    assert serious() == []


def test_a_file_of_the_file_browser_can_be_dropped(page, small):
    _, panel = fresh(page, small)
    item = page.locator(".jp-DirListing-item", has_text="notes.txt")
    item.wait_for()
    start, end = item.bounding_box(), box(panel).bounding_box()
    page.mouse.move(start["x"] + 40, start["y"] + 8)
    page.mouse.down()
    page.mouse.move(start["x"] + 80, start["y"] + 40, steps=4)
    page.mouse.move(end["x"] + 40, end["y"] + 8, steps=8)
    page.mouse.up()
    chips(panel).filter(has_text="notes.txt").wait_for()


def test_at_300_pixels_nothing_overlaps_and_everything_is_under_one_menu(page, small):
    lab = Lab(page, small)
    panel = lab.open_panel()
    page.wait_for_function("document.querySelector('#tether-chat').offsetWidth >= 400")
    handle = page.locator("#jp-main-split-panel > .lm-SplitPanel-handle:not(.lm-mod-hidden)").last
    place, width = handle.bounding_box(), panel.bounding_box()["width"]
    page.mouse.move(place["x"] + 2, 400)
    page.mouse.down()
    page.mouse.move(place["x"] + 2 + width - 300, 400, steps=6)
    page.mouse.up()
    page.wait_for_function("document.querySelector('#tether-chat').offsetWidth <= 320")
    parts = [
        panel.get_by_test_id(f"tether-{name}").bounding_box() for name in ("badge", "composerMore", "send")
    ]
    for left, right in pairwise(parts):
        assert left["x"] + left["width"] <= right["x"]
    outer = panel.bounding_box()
    assert parts[-1]["x"] + parts[-1]["width"] <= outer["x"] + outer["width"]
    panel.get_by_test_id("tether-composerMore").click()
    for words in ("Attach a file", "Prompts", "Preset", "How much may be seen", "What leaves this machine"):
        panel.get_by_test_id("tether-choice").filter(has_text=words).wait_for()
