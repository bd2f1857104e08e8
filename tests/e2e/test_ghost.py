"""A person types, and what may follow stands behind the cursor: cancelled in time, accepted in parts."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.filling import ANSWERS, ASLEEP, BACKEND, LOG
from tests.e2e.kept import send
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser

VISIBLE = ".jp-GhostText:not(.jp-GhostText-letterSpacer):not(.jp-GhostText-lineSpacer)"
"""Lab keeps the room of ghost text that has gone for a second, and shows nothing in it."""
SHOWN = f"[...document.querySelectorAll({json.dumps(VISIBLE)})].map(each => each.textContent).join('|')"
SCRIPT = f"""
window.seen = [];
const look = () => {{
  const text = {SHOWN};
  if (text && text !== window.seen[window.seen.length - 1]) {{
    window.seen.push(text);
  }}
}};
new MutationObserver(look).observe(document, {{ subtree: true, childList: true, characterData: true }});
"""
"""Remembers whatever ghost text was in the page, however shortly."""


def notebook() -> dict[str, Any]:
    def cell(kind: str, id: str, source: str) -> dict[str, Any]:
        more = {"outputs": [], "execution_count": None} if kind == "code" else {}
        return {"cell_type": kind, "id": id, "source": source, "metadata": {}, **more}

    return {
        "cells": [
            cell("code", "above", "import pandas as pd"),
            cell("markdown", "words", "The mean of a list"),
            cell("code", "mine", ""),
            cell("code", "below", "total = 1"),
            cell("markdown", "prose", "Pri"),
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.fixture(scope="module")
def ghost_lab(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("ghost") / "home"
    with running(home, app="lab", config=f'c.Tether.backend = "{BACKEND}"\n') as server:
        yield server


class Typing:
    """A person with the cursor in an empty cell."""

    def __init__(
        self,
        page: Any,
        server: RunningServer,
        answers: list[list[str]],
        path: str = "notes.ipynb",
        prose: bool = True,
        tree: str = "lab/tree",
        locked: int | None = None,
    ) -> None:
        self.page, self.server = page, server
        for left in server.root.iterdir():
            if left.is_file():
                left.unlink()
        told = notebook()
        told["cells"] = told["cells"][: None if prose else -1]
        if locked is not None:
            told["cells"][locked]["metadata"]["editable"] = False
        (server.root / "notes.ipynb").write_text(json.dumps(told))
        (server.root / "module.py").write_text("import math\n")
        (server.root / ANSWERS).write_text(json.dumps(answers))
        page.add_init_script(SCRIPT)
        page.goto(f"{server.url}{tree}/{path}?token={server.token}&reset")
        self.ghost = page.locator(VISIBLE)
        if path.endswith(".ipynb"):
            self.cells = page.locator(".jp-NotebookPanel .jp-Cell")
            page.locator(".jp-KernelName", has_text="Python 3").first.wait_for()
            self.enter(2)

    def enter(self, number: int) -> None:
        self.editor = self.cells.nth(number).locator(".cm-content")
        self.editor.click()

    def type(self, text: str) -> None:
        # As people do: what came all at once would ask once.
        self.page.keyboard.type(text, delay=30)

    def see(self, text: str) -> None:
        """Wait until exactly this is proposed."""
        self.ghost.filter(has_text=re.compile(f"^{re.escape(text)}$")).first.wait_for()

    def gone(self) -> None:
        self.page.wait_for_function(f"!{SHOWN}")

    def source(self) -> str:
        """What stands in the editor, without what is only proposed."""
        return str(
            self.editor.evaluate(
                "it => { const copy = it.cloneNode(true);"
                " copy.querySelectorAll('[class*=jp-GhostText]').forEach(each => each.remove());"
                " return [...copy.querySelectorAll('.cm-line')].map(each => each.textContent).join('\\n'); }"
            )
        )

    def until(self, source: str) -> None:
        """Wait until this stands in the editor."""
        for _ in range(600):
            if self.source() == source:
                return
            self.page.wait_for_timeout(50)
        assert self.source() == source

    def log(self) -> list[dict[str, Any]]:
        path = self.server.root / LOG
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def asked(self) -> list[dict[str, Any]]:
        return [line for line in self.log() if "asked" in line]

    def logged(self, check: Any) -> None:
        """Wait until the model has written down what is waited for."""
        for _ in range(600):
            if any(check(line) for line in self.log()):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(self.log())

    def let_go(self, name: str) -> None:
        (self.server.root / name).touch()

    @property
    def seen(self) -> list[str]:
        return list(self.page.evaluate("window.seen"))


SETTING = "lab/api/settings/@tether/jupyterlab:ghost"
ALWAYS = {"@tether/jupyterlab/ghost": {"when": "always"}}
READ = ["df = pd.re", 'ad_csv("a.csv")', ""]


def test_the_rest_of_a_line_is_proposed_with_the_cells_above_in_mind_and_tab_takes_it(page, ghost_lab):
    typing = Typing(page, ghost_lab, [READ])
    typing.type("df = pd.re")
    typing.see('ad_csv("a.csv")')
    last = typing.asked()[-1]
    assert last["prefix"] == "import pandas as pd\n\n# The mean of a list\n\ndf = pd.re"
    assert (last["suffix"], last["stop"], last["low"]) == ("", ["\n"], True)
    assert typing.source() == "df = pd.re"
    page.keyboard.press("Tab")
    typing.until('df = pd.read_csv("a.csv")')
    assert page.elsewhere == []


def test_a_word_at_a_time_and_what_is_typed_along_ask_nothing_more(page, ghost_lab):
    typing = Typing(page, ghost_lab, [READ])
    typing.type("df = pd.re")
    typing.see('ad_csv("a.csv")')
    asked = len(typing.asked())
    typing.type("ad")
    typing.see('_csv("a.csv")')
    page.keyboard.press("Control+ArrowRight")
    typing.until("df = pd.read_csv")
    typing.see('("a.csv")')
    page.keyboard.press("Control+Alt+ArrowRight")
    typing.until('df = pd.read_csv("a.csv")')
    typing.gone()
    assert len(typing.asked()) == asked


def test_what_is_superseded_ends_upstream_and_is_never_shown_even_if_it_comes_last(page, ghost_lab):
    answers = [["x = slo", "W_AND_LATE", "slow"], ["x = slow", " + quick", ""]]
    typing = Typing(page, ghost_lab, answers)
    typing.type("x = slo")
    typing.logged(lambda line: str(line.get("prefix", "")).endswith("x = slo"))
    number = typing.asked()[-1]["asked"]
    typing.type("w")
    typing.see(" + quick")
    typing.logged(lambda line: line.get("cancelled") == number)
    typing.let_go("slow")
    typing.type(" + qui")
    typing.see("ck")
    assert not any("LATE" in text or "W_" in text for text in typing.seen), typing.seen


def test_what_was_half_shown_goes_with_the_first_other_key(page, ghost_lab):
    typing = Typing(page, ghost_lab, [["x = fi", "rst_second_third", "half"], ["x = fis", "h", ""]])
    typing.let_go("half")
    typing.type("x = fi")
    typing.see("rst_")
    number = typing.asked()[-1]["asked"]
    typing.type("s")
    typing.see("h")
    typing.logged(lambda line: line.get("cancelled") == number)
    typing.let_go("rest-half")
    page.keyboard.press("Tab")
    typing.until("x = fish")
    assert not any("second" in text for text in typing.seen), typing.seen


def test_tab_indents_where_nothing_stands_and_by_hand_several_lines_come(page, ghost_lab):
    body = "total = sum(values)\n    return total / len(values)\nprint(mean([1]))"
    typing = Typing(page, ghost_lab, [["def mean(values):\n    ", body, ""]])
    typing.type("def mean(values):")
    page.keyboard.press("Enter")
    typing.until("def mean(values):\n    ")
    page.keyboard.press("Tab")
    typing.until("def mean(values):\n        ")
    page.keyboard.press("Backspace")
    typing.until("def mean(values):\n    ")
    page.keyboard.press("Alt+\\")
    shown = "total = sum(values)\n    return total / len(values)"
    typing.ghost.filter(has_text="return total / len(values)").first.wait_for()
    assert typing.ghost.first.inner_text() == shown
    page.keyboard.press("Tab")
    typing.until("def mean(values):\n        ")
    page.keyboard.press("Backspace")
    page.keyboard.press("Alt+\\")
    typing.ghost.filter(has_text="return total / len(values)").first.wait_for()
    page.keyboard.press("Alt+End")
    typing.until(f"def mean(values):\n    {shown}")


def test_tab_is_the_notebooks_own_again_when_the_proposal_has_gone(page, ghost_lab):
    typing = Typing(page, ghost_lab, [["\nal", "bum", ""]])
    typing.type("alpha_one = alpha_two = 1")
    page.keyboard.press("Enter")
    typing.type("al")
    typing.see("bum")
    typing.type("p")
    typing.gone()
    page.keyboard.press("Tab")
    page.locator(".jp-Completer:not(.lm-mod-hidden)", has_text="alpha_two").wait_for()
    assert typing.source() == "alpha_one = alpha_two = 1\nalp"


def test_what_stands_after_the_cursor_is_sent_and_not_repeated(page, ghost_lab):
    typing = Typing(page, ghost_lab, [["print(tot", "al)", ""]])
    typing.enter(3)
    page.keyboard.press("Control+Home")
    typing.type("print()")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    typing.type("tot")
    typing.see("al")
    assert typing.asked()[-1]["suffix"] == ")\ntotal = 1"
    page.keyboard.press("Tab")
    typing.until("print(total)\ntotal = 1")


def test_it_is_quiet_in_markdown_in_the_middle_of_a_character_and_with_a_model_that_sleeps(page, ghost_lab):
    typing = Typing(page, ghost_lab, [["", "nothing", ""]])
    typing.cells.nth(4).dblclick()
    typing.enter(4)
    typing.type("nt this")
    typing.until("Print this")
    typing.enter(2)
    browser = page.context.new_cdp_session(page)
    browser.send("Input.imeSetComposition", {"text": "か", "selectionStart": 1, "selectionEnd": 1})
    browser.send("Input.imeSetComposition", {"text": "かん", "selectionStart": 2, "selectionEnd": 2})
    typing.until("かん")
    browser.send("Input.insertText", {"text": "漢"})
    typing.until("漢")
    before = [line["prefix"] for line in typing.asked()]
    assert not any("か" in prefix or "Print this" in prefix for prefix in before)


def test_a_sleeping_model_is_woken_by_hand_alone(page, ghost_lab):
    (ghost_lab.root / ASLEEP).touch()
    typing = Typing(page, ghost_lab, [["x = aw", "ake", ""]])
    (ghost_lab.root / ASLEEP).touch()
    typing.type("x = aw")
    with page.expect_response("**/v1/completions*") as told:
        page.keyboard.press("Alt+\\")
    assert told.value.status == 200
    typing.see("ake")
    # Somebody waits for this one: it gives way to nobody.
    assert [(line["prefix"][-6:], line["low"]) for line in typing.asked()] == [("x = aw", False)]


def test_a_failure_is_silent_while_typing_and_told_to_who_asked(page, ghost_lab):
    typing = Typing(page, ghost_lab, [["x = bad", "", "fail"]])
    with page.expect_response(
        lambda answer: "v1/completions" in answer.url and "bad" in (answer.request.post_data or "")
    ):
        typing.type("x = bad")
    assert page.locator(".Toastify__toast").count() == 0
    asked = len(typing.asked())
    typing.type(" + 1")
    page.keyboard.press("Backspace")
    typing.until("x = bad + ")
    for _ in range(3):
        page.keyboard.press("Backspace")
    typing.until("x = bad")
    page.keyboard.press("Alt+\\")
    page.locator(".Toastify__toast", has_text="Nothing was completed. The model fell over.").wait_for()
    # In between it was left in peace.
    assert len(typing.asked()) == asked + 1


def test_files_are_completed_as_well(page, ghost_lab):
    typing = Typing(page, ghost_lab, [["math.sq", "rt(2)", ""]], path="module.py")
    typing.editor = page.locator(".jp-FileEditor .cm-content")
    typing.editor.click()
    page.keyboard.press("Control+End")
    typing.type("math.sq")
    typing.see("rt(2)")
    assert typing.asked()[-1]["prefix"] == "import math\nmath.sq"
    page.keyboard.press("Tab")
    typing.until("import math\nmath.sqrt(2)")


def test_a_notebook_that_is_closed_ends_what_was_asked_for_it(page, ghost_lab):
    typing = Typing(page, ghost_lab, [["x = cl", "osed", "never"]])
    typing.type("x = cl")
    typing.logged(lambda line: str(line.get("prefix", "")).endswith("x = cl"))
    number = typing.asked()[-1]["asked"]
    page.keyboard.press("Alt+w")
    page.locator(".jp-Dialog button", has_text="Discard").click()
    page.locator(".jp-NotebookPanel").wait_for(state="detached")
    typing.logged(lambda line: line.get("cancelled") == number)


def test_what_is_written_into_a_cell_from_elsewhere_asks_nothing(page, ghost_lab):
    typing = Typing(page, ghost_lab, [["x = els", "ewhere", ""], ["x = mi", "ne", ""]])
    page.keyboard.press("Escape")
    typing.editor.evaluate(
        "(it, insert) => (it.cmView ?? it.cmTile).view.dispatch({ changes: { from: 0, insert },"
        " selection: { anchor: insert.length } })",
        "x = els",
    )
    typing.until("x = els")
    with page.expect_response(lambda it: "api/contents/notes.ipynb" in it.url and it.request.method == "PUT"):
        page.keyboard.press("Control+s")
    typing.enter(2)
    page.keyboard.press("Control+a")
    typing.type("x = mi")
    typing.see("ne")
    assert not any(line["prefix"].endswith("x = els") for line in typing.asked())


def test_two_notebooks_have_each_their_own(page, ghost_lab):
    typing = Typing(page, ghost_lab, [["x = one", "_FIRST", "slow-one"], ["x = two", "_of_two", ""]])
    (ghost_lab.root / "other.ipynb").write_text((ghost_lab.root / "notes.ipynb").read_text())
    typing.type("x = one")
    typing.logged(lambda line: str(line.get("prefix", "")).endswith("x = one"))
    number = typing.asked()[-1]["asked"]
    page.locator(".jp-DirListing-item", has_text="other.ipynb").dblclick()
    typing.logged(lambda line: line.get("cancelled") == number)
    typing.cells = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")
    typing.cells.nth(2).locator(".cm-content").wait_for()
    typing.enter(2)
    typing.type("x = two")
    typing.see("_of_two")
    typing.let_go("slow-one")
    page.keyboard.press("Tab")
    typing.until("x = two_of_two")
    page.locator(".lm-TabBar-tab", has_text="notes.ipynb").click()
    typing.enter(2)
    typing.until("x = one")
    assert not any("F" in text for text in typing.seen), typing.seen


def test_a_cell_that_is_read_only_is_left_alone(page, ghost_lab):
    typing = Typing(page, ghost_lab, [["total = 1", "00", ""], ["x = o", "pen", ""]], locked=3)
    typing.enter(3)
    page.keyboard.press("Control+End")
    page.keyboard.press("Alt+\\")
    typing.enter(2)
    typing.type("x = o")
    typing.see("pen")
    assert not any(line["prefix"].endswith("total = 1") for line in typing.asked())


def test_notebook_7_has_it_as_well(page, tmp_path):
    with running(
        Path(tmp_path) / "home", app="notebook", config=f'c.Tether.backend = "{BACKEND}"\n'
    ) as server:
        typing = Typing(page, server, [READ], tree="notebooks")
        typing.type("df = pd.re")
        typing.see('ad_csv("a.csv")')
        page.keyboard.press("Tab")
        typing.until('df = pd.read_csv("a.csv")')


def test_code_does_not_leave_this_machine_unasked(page, tmp_path):
    home = Path(tmp_path) / "home"
    config = 'c.Tether.backend = "mock"\nc.MockLLM.answer = "int(1)"\n'
    with running(home, app="lab", config=config) as server:
        typing = Typing(page, server, [])
        sent: list[str] = []
        asks = ("v1/completions", "chat/stream")
        page.on("request", lambda it: sent.append(it.url) if any(ask in it.url for ask in asks) else None)
        typing.type("x = pr")
        page.keyboard.press("Alt+\\")
        page.locator(".Toastify__toast", has_text="Nothing was sent: ghost text is set to models").wait_for()
        assert sent == []
        page.locator(".Toastify__toast button", has_text="Settings").click()
        page.locator(".jp-SettingsPanel", has_text="Tether ghost text").wait_for()
        complete = page.locator(".jp-SettingsPanel select").first
        complete.select_option(label="While I type, by whichever model answers")
        while server.get(SETTING)["settings"].get("when") != "always":
            page.wait_for_timeout(50)
        page.locator(".lm-TabBar-tab", has_text="notes.ipynb").click()
        typing.enter(2)
        page.keyboard.press("End")
        with page.expect_request("**/chat/stream*") as asked:
            typing.type("i")
        body = json.loads(asked.value.post_data)
        assert body["message"].startswith("x = pri<cursor/>")
        assert body["store"] is False
        typing.see("int(1)")


def test_the_model_that_was_chosen_for_all_conversations_completes(page, tmp_path):
    home = Path(tmp_path) / "home"
    config = f'c.Tether.backend = "{BACKEND}"\nc.MockLLM.answer = "int(2)"\n'
    with running(home, app="lab", config=config, settings=ALWAYS) as server:
        send(server, "PUT", "clients/lab/llm", {"model": "mock:mock"})
        typing = Typing(page, server, [["x = pri", "not this", ""]])
        with page.expect_request("**/chat/stream*") as asked:
            typing.type("x = pri")
        body = asked.value.post_data_json
        assert (body["model"], body["store"]) == ("mock:mock", False)
        typing.see("int(2)")
        assert "not this" not in "".join(typing.seen)
