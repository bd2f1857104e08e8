"""A person chooses, fetches, loads and removes models, and sets what they are asked with."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.conftest import ROOT
from tests.e2e.lab import composed
from tests.e2e.test_models import command, toast
from tests.support import gguf_bytes, tiny_gguf
from tests.support.fake_hub import Fault, Hub
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser

AXE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
REPO, FILE, NAME = "owner/Small-GGUF", "small-q4_k_m.gguf", "small-q4_k_m"


class Shelf:
    """A JupyterLab with a models folder, and the hub that it fetches from."""

    def __init__(self, server: RunningServer, folder: Path, hub: Hub) -> None:
        self.server, self.folder, self.hub = server, folder, hub

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server as a program would."""
        request = urllib.request.Request(
            f"{self.server.url}tether/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"token {self.server.token}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def row(self, name: str) -> dict[str, Any] | None:
        """Return what the server says of a model."""
        rows = self.send("GET", "models")["models"]
        return next((row for row in rows if row["name"] == name), None)

    def begin_anew(self) -> None:
        """Have the same models and nothing set, whatever was done before."""
        self.hub.faults.clear()
        self.hub.held.clear()
        self.hub.release.clear()
        self.hub.refusals.clear()
        for preset in self.send("GET", "clients/lab/presets")["presets"]:
            self.send("DELETE", f"clients/lab/presets/{quote(preset['name'], safe='')}")
        self.send("POST", "clients/lab/llm/reset", {})
        self.send("POST", "models/load", {})
        self.send("POST", "models/unload", {})
        for file in self.folder.glob("*"):
            if file.is_file():
                file.unlink()
        tiny_gguf.write(self.folder / "tiny-one.gguf", says=["One", " ", "here", "."])
        tiny_gguf.write(self.folder / "tiny-two.gguf", says=["Two", " ", "here", "."])
        (self.folder / "broken.gguf").write_bytes(b"GGUF" + b"\xff" * 100)


@pytest.fixture(scope="module")
def models_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    home = tmp_path_factory.mktemp("models") / "home"
    folder = home / "models"
    folder.mkdir(parents=True)
    with Hub() as hub:
        hub.add(REPO, FILE, gguf_bytes.model(floats=750_000))
        config = f"c.LocalLLM.models_dir = {str(folder)!r}\nc.LocalLLM.hub_endpoint = {hub.url!r}\n"
        # A service of one's own wants no key; nobody is there, and nobody is asked.
        config += 'c.OpenAILLM.base_url = "http://127.0.0.1:9/v1"\n'
        with running(home, app="lab", config=config) as server:
            yield Shelf(server, folder, hub)


@pytest.fixture
def shelf(models_lab: Shelf) -> Shelf:
    models_lab.begin_anew()
    return models_lab


def open_lab(page: Any, shelf: Shelf, more: str = "&reset") -> None:
    page.goto(f"{shelf.server.url}lab?token={shelf.server.token}{more}")
    page.locator("#jp-main-dock-panel .lm-TabBar-tab").first.wait_for()


def open_page(page: Any, shelf: Shelf) -> Any:
    """Open the page of the models from the palette, and return it."""
    open_lab(page, shelf)
    command(page, "Tether: Models")
    page.get_by_test_id("tether-answering").wait_for()
    return page.locator(".tether-Models")


def row(page: Any, name: str) -> Any:
    return page.locator(f'[data-model="{name}"]')


def press(page: Any, button: Any) -> None:
    """Press a button as somebody without a mouse does."""
    button.focus()
    page.keyboard.press("Enter")


def answering(page: Any, name: str) -> None:
    page.get_by_test_id("tether-answering").get_by_text(f"Questions go to {name} ").wait_for()


def told(page: Any, words: str) -> None:
    page.get_by_test_id("tether-models-told").get_by_text(words).wait_for()


def serious(page: Any, selector: str) -> list[Any]:
    """Return what axe finds that keeps somebody from using a part of the page."""
    page.add_script_tag(path=str(AXE))
    found = page.evaluate(
        "async where => (await axe.run(document.querySelector(where))).violations", selector
    )
    return [
        (rule["id"], [node["html"] for node in rule["nodes"]])
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


def test_models_stand_by_where_they_are_with_what_people_choose_by(page, shelf):
    models = open_page(page, shelf)
    here = models.get_by_role("region", name="On this machine")
    assert here.locator("h3").all_inner_texts() == ["tether-demo\nanswers", "tiny-one", "tiny-two", "broken"]
    figures = row(page, "tiny-one").inner_text()
    assert re.search(r"1\.75 MB · takes [\d.]+ MB of memory · F16 · 512 tokens of context", figures)
    assert "no model that can be loaded" in row(page, "broken").inner_text()
    assert row(page, "broken").get_by_role("button", name="Use").count() == 0
    listed = models.get_by_role("region", name="Can be fetched").locator('[data-model="qwen3-4b"]')
    assert "about 2.50 GB · takes about 3.40 GB of memory · apache-2.0" in listed.inner_text()
    assert page.elsewhere == []


def test_the_page_is_one_and_comes_back_with_the_browser(page, shelf):
    open_page(page, shelf)
    page.locator("#jp-MainMenu .lm-MenuBar-item", has_text="Settings").click()
    page.locator(".lm-Menu-item", has_text="Models of Tether").click()
    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text="Models")
    assert tabs.count() == 1
    # The workspace is kept a moment after it changed.
    with page.expect_response(lambda sent: "/api/workspaces" in sent.url and sent.request.method == "PUT"):
        page.locator(".jp-SideBar.jp-mod-left .lm-TabBar-tab").first.click()
    open_lab(page, shelf, "")
    page.get_by_test_id("tether-answering").wait_for()
    assert tabs.count() == 1


def test_the_one_that_is_used_is_loaded_and_answers(page, shelf):
    open_page(page, shelf)
    press(page, row(page, "tiny-two").get_by_role("button", name="Use tiny-two"))
    answering(page, "tiny-two")
    told(page, "tiny-two answers from now on.")
    row(page, "tiny-two").get_by_text("Loaded").wait_for()
    assert shelf.send("GET", "clients/lab/llm")["model"] == "local:tiny-two"
    assert shelf.row("tiny-two")["loaded"]
    said = shelf.send("POST", "chat", {"message": "Who?", "client_id": "lab", "store": False})
    assert "Two here." in json.dumps(said)
    page.get_by_text("Follow the server again").click()
    answering(page, "tether-demo")
    assert "model" not in shelf.send("GET", "clients/lab/llm")


def test_a_model_is_loaded_and_let_go_by_hand(page, shelf):
    open_page(page, shelf)
    press(page, row(page, "tether-demo").get_by_role("button", name="Load tether-demo"))
    unload = row(page, "tether-demo").get_by_role("button", name="Unload tether-demo")
    unload.wait_for()
    told(page, "tether-demo is loaded.")
    press(page, unload)
    told(page, "tether-demo is unloaded and gave back about")
    row(page, "tether-demo").get_by_role("button", name="Load").wait_for()
    assert not shelf.row("tether-demo")["loaded"]


def test_how_far_a_model_is_loaded_shows_as_it_goes(page, shelf):
    open_page(page, shelf)
    found = shelf.send("GET", "models")
    for model in found["models"]:
        if model["name"] == "tether-demo":
            model["engine"] = {"progress": 0.38}
    page.route("**/tether/models?*", lambda route: route.fulfill(json=found))
    page.route("**/tether/models", lambda route: route.fulfill(json=found))
    page.get_by_role("button", name="Look again").click()
    row(page, "tether-demo").get_by_text("Loading, 38 %").wait_for()
    bar = row(page, "tether-demo").get_by_role("progressbar", name="How far tether-demo is loaded")
    assert bar.get_attribute("aria-valuenow") == "38"


def test_answers_under_way_do_not_end_without_a_question(page, shelf):
    open_page(page, shelf)
    found = shelf.send("GET", "models")
    for model in found["models"]:
        if model["name"] == "tether-demo":
            model |= {"loaded": True, "engine": {"progress": 1, "running": 1, "waiting": 0}}
    page.route("**/tether/models", lambda route: route.fulfill(json=found))
    page.route("**/tether/models?*", lambda route: route.fulfill(json=found))
    unloads = []
    page.on("request", lambda sent: unloads.append(sent) if sent.url.endswith("models/unload") else None)
    page.get_by_role("button", name="Look again").click()
    row(page, "tether-demo").get_by_role("button", name="Unload").click()
    dialog = page.locator(".jp-Dialog", has_text="An answer is under way")
    dialog.get_by_text("Keep it").click()
    dialog.wait_for(state="detached")
    assert unloads == []


def test_a_model_that_is_too_large_says_so_and_the_other_one_goes_on(page, shelf):
    open_page(page, shelf)
    words = "tiny-one needs 40 GB of memory, and 8 GB are free. Use a smaller one."
    error = {"type": "model_not_ready", "message": words, "retryable": False, "hint": None}
    page.route("**/tether/models/load*", lambda route: route.fulfill(status=503, json={"error": error}))
    row(page, "tiny-one").get_by_role("button", name="Use").click()
    row(page, "tiny-one").get_by_text(words).wait_for()
    answering(page, "tether-demo")
    assert "model" not in shelf.send("GET", "clients/lab/llm")


def test_removing_names_what_is_lost_and_asks_first(page, shelf):
    open_page(page, shelf)
    press(page, row(page, "tiny-one").get_by_role("button", name="Remove tiny-one"))
    dialog = page.locator(".jp-Dialog", has_text="Its files are deleted from the disk for good: 1.75 MB")
    dialog.wait_for()
    page.wait_for_function("document.activeElement.closest('.jp-Dialog') !== null")
    # The focus is on what loses nothing.
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    assert (shelf.folder / "tiny-one.gguf").exists()
    row(page, "tiny-one").get_by_role("button", name="Remove").click()
    dialog.get_by_role("button", name="Remove").click()
    told(page, "tiny-one is removed from this machine.")
    row(page, "tiny-one").wait_for(state="detached")
    assert not (shelf.folder / "tiny-one.gguf").exists()


def fetch(page: Any, text: str) -> Any:
    """Ask for a model by its repository, by the keyboard, and return the line of its pull."""
    field = page.get_by_test_id("tether-pull-name")
    field.fill(text)
    field.press("Enter")
    return page.locator(f'[data-pull="{text}"]')


def test_a_pull_shows_how_far_it_is_stops_and_goes_on(page, shelf):
    open_page(page, shelf)
    shelf.hub.faults = [Fault(hold=True)]
    pull = fetch(page, REPO)
    pull.get_by_text(re.compile(r"^[\d.]+ [kM]B of 3\.00 MB")).wait_for()
    assert pull.get_by_role("progressbar").count() == 1
    page.get_by_text("This tab may be closed.").wait_for()
    press(page, pull.get_by_role("button", name=f"Stop fetching {NAME}"))
    pull.get_by_text("What came is kept.").wait_for()
    row(page, NAME).get_by_text("of 3.00 MB is here already").or_(
        row(page, NAME).get_by_text("is here already")
    ).first.wait_for()
    shelf.hub.release.set()
    press(page, pull.get_by_role("button", name=f"Go on: {NAME}"))
    told(page, f"{NAME} is here, 3.00 MB.")
    # It went on from where it was.
    assert re.fullmatch(r"bytes=[1-9]\d*-", shelf.hub.ranges()[-1])
    row(page, NAME).get_by_role("button", name="Use").wait_for()
    pull.wait_for(state="detached")
    assert page.elsewhere == []


def test_a_pull_goes_on_while_the_tab_is_closed_and_says_when_it_is_done(page, shelf):
    open_page(page, shelf)
    shelf.hub.faults = [Fault(hold=True)]
    fetch(page, REPO).get_by_role("progressbar").wait_for()
    shelf.hub.held.wait(30)
    page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text="Models").locator(
        ".lm-TabBar-tabCloseIcon"
    ).click()
    page.locator(".tether-Models").wait_for(state="detached")
    shelf.hub.release.set()
    toast(page, f"{NAME} is here, 3.00 MB.").wait_for()
    assert shelf.row(NAME)["installed"]


def test_a_pull_that_was_broken_off_earlier_goes_on_from_the_list(page, shelf):
    shelf.hub.add("bartowski/other", "other.gguf", gguf_bytes.model(floats=750_000, seed=3))
    (shelf.folder / "other.gguf.part").write_bytes(b"x" * 1_000_000)
    (shelf.folder / "other.gguf.part.json").write_text(json.dumps({"repo": "bartowski/other"}))
    open_page(page, shelf)
    row(page, "other").get_by_text("1.00 MB is here already").wait_for()
    press(page, row(page, "other").get_by_role("button", name="Go on fetching other"))
    told(page, "other is here, 3.00 MB.")
    assert shelf.row("other")["installed"]


def test_what_came_of_a_pull_can_be_removed(page, shelf):
    (shelf.folder / "qwen3-4b.gguf.part").write_bytes(b"x" * 9_000_000)
    open_page(page, shelf)
    row(page, "qwen3-4b").get_by_text("9.00 MB of 2.50 GB is here already").wait_for()
    row(page, "qwen3-4b").get_by_role("button", name="Remove qwen3-4b").click()
    dialog = page.locator(".jp-Dialog", has_text="9.00 MB are deleted from the disk.")
    with page.expect_response(lambda sent: sent.request.method == "DELETE"):
        dialog.get_by_role("button", name="Remove").click()
    row(page, "qwen3-4b").get_by_text("is here already").wait_for(state="detached")
    assert not list(shelf.folder.glob("*.part"))


def test_a_connection_that_breaks_is_tried_again_unasked(page, shelf):
    open_page(page, shelf)
    shelf.hub.faults = [Fault(cut=200_000)]
    fetch(page, REPO)
    told(page, f"{NAME} is here, 3.00 MB.")


def test_wrong_bytes_are_no_model_and_the_words_say_so(page, shelf):
    open_page(page, shelf)
    wrong = shelf.hub.files[REPO][FILE][:-1] + b"!"
    shelf.hub.faults = [Fault(bytes=wrong)] * 3
    pull = fetch(page, REPO)
    problem = pull.locator(".tether-problem")
    problem.wait_for()
    assert "SHA-256" in problem.inner_text() or "other bytes" in problem.inner_text(), problem.inner_text()
    assert not (shelf.folder / FILE).exists()
    press(page, pull.get_by_role("button", name=re.compile("Put .* away")))
    pull.wait_for(state="detached")


def test_what_the_hub_refuses_is_told_in_words_with_a_way_on(page, shelf):
    open_page(page, shelf)
    pull = fetch(page, "no/where")
    pull.locator(".tether-problem").wait_for()
    assert "no/where" in pull.inner_text()
    pull = fetch(page, "nonsense")
    pull.get_by_text("There is no model 'nonsense' in the list.").wait_for()
    assert pull.get_by_role("button", name="Try again: nonsense").is_visible()


def test_no_disk_and_no_network_are_told_in_words(page, shelf):
    open_page(page, shelf)
    for words, text in (
        ("2.5 GB are still to come, and the disk has 1.0 GB left. Make room.", "a/full"),
        ("The hub does not answer. See that this machine is online.", "a/offline"),
    ):
        error = {"type": "upstream_error", "message": words, "retryable": True, "hint": None}
        refused = {"status": 502, "json": {"error": error}}
        page.route("**/tether/models/pull*", lambda route, _, said=refused: route.fulfill(**said))
        pull = fetch(page, text)
        pull.get_by_text(words).wait_for()
        page.unroute("**/tether/models/pull*")
    press(page, pull.get_by_role("button", name="Put a/offline away"))
    pull.wait_for(state="detached")


def test_many_models_have_a_filter(page, shelf):
    for number in range(4):
        tiny_gguf.write(shelf.folder / f"extra-{number}.gguf", says=["x"])
    models = open_page(page, shelf)
    box = page.get_by_test_id("tether-models-filter")
    box.fill("extra-2")
    models.get_by_text(re.compile(r"^1 of \d+$")).wait_for()
    assert models.locator("[data-model]").count() == 1
    box.fill("no such model")
    models.get_by_text("No model has that.").wait_for()
    models.get_by_text("Show all").click()
    assert models.locator("[data-model]").count() > 12


def test_a_server_that_is_gone_leaves_the_list_and_says_so(page, shelf):
    open_page(page, shelf)
    page.route("**/tether/**", lambda route: route.abort())
    page.get_by_role("button", name="Look again").click()
    page.get_by_test_id("tether-models-trouble").get_by_text("Jupyter does not answer.").wait_for()
    assert row(page, "tiny-one").is_visible()
    page.unroute("**/tether/**")
    page.get_by_role("button", name="Look again").click()
    page.get_by_test_id("tether-models-trouble").wait_for(state="detached")


def value(page: Any, name: str) -> Any:
    return page.locator(f'[data-field="{name}"]')


def test_each_value_says_where_it_comes_from_and_goes_back(page, shelf):
    open_page(page, shelf)
    temperature = value(page, "temperature")
    temperature.get_by_text(re.compile("In force: .*, the usual value")).wait_for()
    temperature.locator("input").fill("0,3")
    composed(temperature.locator("input"), "Enter")
    composed(temperature.locator("input"), "Escape")
    assert temperature.locator("input").input_value() == "0,3"
    temperature.get_by_text(re.compile("In force: .*, the usual value")).wait_for()
    page.keyboard.press("Enter")
    temperature.get_by_text("In force: 0.3, set here.").wait_for()
    value(page, "max_tokens").locator("input").fill("200")
    page.keyboard.press("Tab")
    value(page, "max_tokens").get_by_text("In force: 200, set here.").wait_for()
    value(page, "system").locator("textarea").fill("Answer in one word.")
    value(page, "top_p").locator("input").fill("2")
    page.keyboard.press("Enter")
    value(page, "top_p").get_by_text("A number over 0, up to 1. Nothing was changed.").wait_for()
    page.keyboard.press("Escape")
    value(page, "system").get_by_text("In force: set here.").wait_for()
    kept = shelf.send("GET", "clients/lab/llm")
    assert kept == {"temperature": 0.3, "max_tokens": 200, "system": "Answer in one word."}
    press(page, temperature.get_by_role("button", name="Reset temperature"))
    temperature.get_by_text("the usual value").wait_for()
    page.get_by_role("button", name="Reset all").click()
    told(page, "All values are the usual ones again.")
    assert shelf.send("GET", "clients/lab/llm") == {}


def preset(page: Any, name: str) -> Any:
    return page.locator(f'[data-preset="{name}"]')


def keep_as(page: Any, name: str) -> None:
    field = page.get_by_test_id("tether-preset-name")
    field.fill(name)
    field.press("Enter")
    preset(page, name).wait_for()


def test_presets_are_kept_laid_over_and_copied(page, shelf):
    shelf.send("PATCH", "clients/lab/llm", {"temperature": 0.2, "see": {"level": "schema"}})
    open_page(page, shelf)
    keep_as(page, "Careful")
    assert shelf.send("GET", "clients/lab/presets/Careful")["values"] == {"temperature": 0.2}
    value(page, "temperature").locator("input").fill("1.5")
    page.keyboard.press("Enter")
    value(page, "temperature").get_by_text("In force: 1.5, set here.").wait_for()
    press(page, preset(page, "Careful").get_by_role("button", name="Activate Careful"))
    value(page, "temperature").get_by_text("In force: 0.2, from the preset Careful.").wait_for()
    value(page, "temperature").get_by_text("Your own value counts when that preset is not active.").wait_for()
    press(page, preset(page, "Careful").get_by_role("button", name="Deactivate Careful"))
    value(page, "temperature").get_by_text("In force: 1.5, set here.").wait_for()
    press(page, preset(page, "Careful").get_by_role("button", name="Apply Careful"))
    value(page, "temperature").get_by_text("In force: 0.2, set here.").wait_for()
    assert shelf.send("GET", "clients/lab/llm") == {"temperature": 0.2, "see": {"level": "schema"}}


def test_a_preset_is_renamed_and_a_deleted_one_comes_back(page, shelf):
    shelf.send("PATCH", "clients/lab/llm", {"top_p": 0.5})
    open_page(page, shelf)
    keep_as(page, "One")
    press(page, preset(page, "One").get_by_role("button", name="Rename One"))
    page.keyboard.press("Control+a")
    page.keyboard.type("Two & more")
    page.keyboard.press("Enter")
    preset(page, "Two & more").wait_for()
    press(page, preset(page, "Two & more").get_by_role("button", name="Delete Two & more"))
    preset(page, "Two & more").wait_for(state="detached")
    toast(page, "The preset Two & more is deleted.").get_by_role("button", name="Undo").click()
    preset(page, "Two & more").get_by_text("top p 0.5").wait_for()


def test_presets_leave_as_a_file_and_come_from_one(page, shelf, tmp_path):
    shelf.send("PATCH", "clients/lab/llm", {"temperature": 0.7})
    open_page(page, shelf)
    keep_as(page, "Mine")
    with page.expect_download() as saved:
        press(page, preset(page, "Mine").get_by_role("button", name="Export Mine"))
    file = tmp_path / "mine.json"
    saved.value.save_as(file)
    assert json.loads(file.read_text()) == {"presets": [{"name": "Mine", "values": {"temperature": 0.7}}]}
    with page.expect_download() as everything:
        page.get_by_role("button", name="Export all").click()
    assert everything.value.suggested_filename == "tether-presets.json"
    page.get_by_label("A file of presets").set_input_files(file)
    told(page, "Mine (2) is here.")
    assert preset(page, "Mine (2)").is_visible()
    file.write_text("no JSON at all")
    page.get_by_label("A file of presets").set_input_files(file)
    page.get_by_role("alert").get_by_text("That file is no JSON. Nothing was changed.").wait_for()
    file.write_text(json.dumps({"presets": [{"name": "Bad", "values": {"temperature": 9}}]}))
    page.get_by_label("A file of presets").set_input_files(file)
    page.get_by_role("alert").get_by_text("temperature").wait_for()
    assert preset(page, "Bad").count() == 0


def test_a_model_of_a_service_is_used_by_its_name(page, shelf):
    open_page(page, shelf)
    field = page.get_by_test_id("tether-service-name")
    field.fill("openai:some-model")
    field.press("Enter")
    answering(page, "openai:some-model")
    assert shelf.send("GET", "clients/lab/llm")["model"] == "openai:some-model"


def test_a_name_that_nothing_answers_to_is_refused_where_it_was_typed(page, shelf):
    models = open_page(page, shelf)
    field = page.get_by_test_id("tether-service-name")
    field.fill("ollama:llama3.2")
    field.press("Enter")
    services = models.get_by_role("region", name="Services")
    services.get_by_text("There is no local model called 'ollama:llama3.2'").wait_for()
    services.get_by_text("As openai:MODEL, for Ollama and other services too.").wait_for()
    answering(page, "tether-demo")
    assert "model" not in shelf.send("GET", "clients/lab/llm")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_everybody_can_use_the_page_in_each_theme(page, shelf, theme):
    shelf.send("POST", "clients/lab/presets", {"name": "Careful", "values": {"temperature": 0.2}})
    shelf.send("PATCH", "clients/lab/llm", {"temperature": 0.5, "model": "local:tiny-one"})
    open_page(page, shelf)
    command(page, "Use Theme: " + theme)
    page.locator(f'body[data-jp-theme-name="{theme}"]').wait_for(state="attached")
    shelf.hub.faults = [Fault(hold=True)]
    fetch(page, REPO).get_by_role("progressbar").wait_for()
    fetch(page, "nonsense").locator(".tether-problem").wait_for()
    assert serious(page, ".tether-Models") == []


def test_the_page_works_when_it_is_narrow(page, shelf):
    models = open_page(page, shelf)
    fetch(page, "nonsense").locator(".tether-problem").wait_for()
    keep_as(page, "A preset with a rather long name that has to be broken somewhere")
    page.locator(".jp-SideBar.jp-mod-left .lm-TabBar-tab.lm-mod-current").click()
    page.set_viewport_size({"width": 478, "height": 900})
    page.wait_for_function("document.querySelector('.tether-Models').clientWidth <= 404")
    assert models.evaluate("it => it.scrollWidth <= it.clientWidth")
    assert row(page, "tiny-one").get_by_role("button", name="Use").is_visible()


def test_the_settings_are_found_and_what_may_be_seen_reaches_the_server(page, shelf):
    open_lab(page, shelf)
    command(page, "Tether: Settings")
    page.locator(".jp-SettingsPanel", has_text="Tether").wait_for()
    select = page.locator(".jp-SettingsPanel select").filter(has_text="Names, types and shapes")
    select.wait_for()
    with page.expect_response(lambda sent: "clients/lab/llm" in sent.url and sent.request.method == "PATCH"):
        select.select_option(label="Names, types and shapes")
    assert shelf.send("GET", "clients/lab/llm")["see"] == {"level": "schema"}
    with page.expect_response(lambda sent: "clients/lab/llm" in sent.url and sent.request.method == "PATCH"):
        select.select_option(label="As the server is set")
    assert "see" not in shelf.send("GET", "clients/lab/llm")
