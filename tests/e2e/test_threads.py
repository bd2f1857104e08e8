"""A person finds, names, files, deletes and brings back conversations."""

from __future__ import annotations

import json
import re

import pytest

from tests.e2e import held
from tests.e2e.conftest import ROOT, notebook_home
from tests.e2e.kept import QUICK, empty_lab, file, keep, send
from tests.e2e.lab import Lab, composed
from tests.support.servers import running

pytestmark = pytest.mark.browser

AXE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """JupyterLab with a model that answers at once."""
    home = notebook_home(tmp_path_factory.mktemp("threads") / "home")
    (home / "work" / "other.ipynb").write_text((home / "work" / "quickstart.ipynb").read_text())
    with running(home, app="lab", config=QUICK) as found:
        yield found


@pytest.fixture
def lab(page, server):
    return empty_lab(page, server)


def open_list(lab, by="threads"):
    lab.page.get_by_test_id(f"tether-{by}").click()
    drawer = lab.page.get_by_test_id("tether-drawer")
    drawer.get_by_test_id("tether-search").wait_for()
    return drawer


def row(drawer, title):
    return drawer.locator('[role="treeitem"]', has_text=title).first


def said(lab, words):
    return lab.page.locator("#tether-chat .tether-Question", has_text=words)


def answered(lab):
    lab.page.locator("#tether-chat .tether-Answer", has_text="Sum the column.").last.wait_for()


def focused(page):
    return page.evaluate("document.activeElement.dataset.testid || document.activeElement.tagName")


def test_a_reload_leaves_the_chosen_conversation_in_front(lab, server):
    lab.ask("the older one")
    answered(lab)
    lab.page.get_by_test_id("tether-newChat").click()
    lab.page.get_by_test_id("tether-empty").wait_for()
    lab.ask("the newer one")
    answered(lab)
    known = send(server, "GET", "conversations")["conversations"]
    (old,) = [each["id"] for each in known if each["title"] == "the older one"]
    row(open_list(lab), "the older one").click()
    said(lab, "the older one").wait_for()
    lab.page.reload()
    said(lab, "the older one").wait_for()
    assert said(lab, "the newer one").count() == 0
    # One that is gone meanwhile leaves the notebook's own.
    send(server, "DELETE", f"conversations/{old}")
    lab.page.reload()
    said(lab, "the newer one").wait_for()
    assert said(lab, "the older one").count() == 0


def test_one_click_brings_the_notebooks_own_back_after_a_question_in_an_older_one(lab):
    lab.ask("the older one")
    answered(lab)
    lab.page.get_by_test_id("tether-newChat").click()
    lab.page.get_by_test_id("tether-empty").wait_for()
    lab.ask("the newer one")
    answered(lab)
    row(open_list(lab), "the older one").click()
    said(lab, "the older one").wait_for()
    lab.ask("once more in the older one")
    said(lab, "once more in the older one").wait_for()
    answered(lab)
    lab.page.get_by_test_id("tether-send").wait_for()
    row(open_list(lab), "the newer one").click()
    said(lab, "the newer one").wait_for()
    assert said(lab, "the older one").count() == 0


def titles(server, **query):
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return [each["title"] for each in send(server, "GET", f"conversations?{asked}")["conversations"]]


def row_menu(drawer, title, *path):
    """Choose from the menu of a row."""
    row(drawer, title).hover()
    row(drawer, title).get_by_test_id("tether-rowMore").click()
    choose(drawer.page, *path)


def choose(page, *path):
    for depth, name in enumerate(path):
        menu = page.locator(".lm-Menu").nth(depth)
        item = menu.locator(".lm-Menu-item", has=page.get_by_text(name, exact=True))
        if depth + 1 < len(path):
            item.hover()
            page.locator(".lm-Menu").nth(depth + 1).wait_for()
        else:
            item.click()


def test_an_empty_list_says_so(lab):
    drawer = open_list(lab)
    drawer.get_by_text("No conversations yet. What you ask is kept here.").wait_for()


def test_conversations_stand_under_their_days_and_a_click_opens_one(lab, server):
    keep(server, "Old plans", "When was that?", "Long ago.", days=40)
    keep(server, "Yesterday's join", "Why are rows lost?", "Spaces in the keys.", days=1)
    keep(server, "Kept in sight", days=9, pinned=True)
    lab.ask("of today")
    answered(lab)
    drawer = open_list(lab)
    row(drawer, "Old plans").wait_for()
    headings = drawer.get_by_test_id("tether-group").all_inner_texts()
    assert [re.sub(r"\W*\d+$", "", each) for each in headings] == [
        "Pinned",
        "This notebook",
        "Yesterday",
        "Older",
    ]
    row(drawer, "Yesterday's join").click()
    drawer.wait_for(state="detached")
    said(lab, "Why are rows lost?").wait_for()
    assert lab.page.get_by_test_id("tether-name").inner_text() == "Yesterday's join"
    assert focused(lab.page) == "TEXTAREA"
    open_list(lab)
    row(drawer, "of today").click()
    said(lab, "of today").wait_for()


def test_everything_in_the_list_can_be_done_by_keyboard(lab, server):
    for n, title in enumerate(["First", "Second", "Third"]):
        keep(server, title, days=10 + n)
    page = lab.page
    page.get_by_test_id("tether-threads").focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_test_id("tether-drawer")
    row(drawer, "Third").wait_for()
    page.keyboard.press("ArrowDown")
    assert focused(page) == "tether-group"
    page.keyboard.press("End")
    drawer.locator(':focus[data-testid="tether-thread"]', has_text="Third").wait_for()
    page.keyboard.press("Home")
    drawer.locator(':focus[data-testid="tether-group"]').wait_for()
    page.keyboard.press("ArrowLeft")
    row(drawer, "First").wait_for(state="detached")
    page.keyboard.press("ArrowRight")
    row(drawer, "First").wait_for()
    page.keyboard.press("ArrowDown")
    drawer.locator(':focus[data-testid="tether-thread"]', has_text="First").wait_for()
    page.keyboard.press("F2")
    drawer.get_by_test_id("tether-nameField").wait_for()
    page.keyboard.type("Renamed here")
    page.keyboard.press("Enter")
    drawer.locator(':focus[data-testid="tether-thread"]', has_text="Renamed here").wait_for()
    page.keyboard.press("F2")
    page.keyboard.type("never kept")
    page.keyboard.press("Escape")
    drawer.locator(':focus[data-testid="tether-thread"]', has_text="Renamed here").wait_for()
    page.keyboard.press("Delete")
    page.get_by_test_id("tether-toast").get_by_text("Deleted “Renamed here”.").wait_for()
    drawer.locator(':focus[data-testid="tether-thread"]', has_text="Second").wait_for()
    page.keyboard.press("Control+z")
    row(drawer, "Renamed here").wait_for()
    page.keyboard.press("Shift+F10")
    page.locator(".lm-Menu").get_by_text("Rename", exact=True).wait_for()
    page.keyboard.press("Escape")
    drawer.locator(':focus[data-testid="tether-thread"]').wait_for()
    page.keyboard.type("thi")
    assert focused(page) == "tether-search"
    drawer.get_by_test_id("tether-hit").first.wait_for()
    page.keyboard.press("Enter")
    drawer.locator(':focus[data-testid="tether-hit"]').wait_for()
    page.keyboard.press("Escape")
    drawer.wait_for(state="detached")
    assert focused(page) == "tether-threads"
    assert sorted(titles(server)) == ["Renamed here", "Second", "Third"]


def test_a_word_that_is_being_composed_stays_in_its_field(lab, server):
    keep(server, "About joins", days=1)
    drawer = open_list(lab, by="find")
    lab.page.keyboard.type("joins")
    drawer.get_by_test_id("tether-hit").first.wait_for()
    for key in ("Enter", "ArrowDown", "Escape"):
        composed(drawer.get_by_test_id("tether-search"), key)
        assert focused(lab.page) == "tether-search"
    drawer.get_by_test_id("tether-search").fill("")
    row(drawer, "About joins").focus()
    lab.page.keyboard.press("F2")
    name = drawer.get_by_test_id("tether-nameField")
    name.fill("にほん")
    for key in ("Enter", "Escape"):
        composed(name, key)
        assert name.input_value() == "にほん"
    lab.page.keyboard.press("Enter")
    row(drawer, "にほん").wait_for()


def test_what_was_said_is_found_marked_and_opened(lab, server):
    keep(server, "About joins", "Why <b>merge</b> loses rows?", "Because the keyword has spaces.", days=40)
    keep(server, "About plots", "How do I plot?", "With matplotlib.", days=1)
    drawer = open_list(lab, by="find")
    assert focused(lab.page) == "tether-search"
    lab.page.keyboard.type("keyword")
    hit = drawer.get_by_test_id("tether-hit")
    hit.locator("mark", has_text="keyword").wait_for()
    assert hit.count() == 1
    drawer.get_by_test_id("tether-search").fill("merge")
    # What somebody has written is text, whatever it looks like.
    hit.get_by_text("<b>merge</b>").wait_for()
    drawer.get_by_test_id("tether-searchSince").select_option("7")
    drawer.get_by_text("Nothing that was said has “merge”.").wait_for()
    drawer.get_by_test_id("tether-searchEverywhere").click()
    hit.locator("mark").first.wait_for()
    hit.first.click()
    said(lab, "loses rows?").wait_for()


def test_a_search_can_be_narrowed_to_a_project_and_to_this_notebook(lab, server):
    made = send(server, "POST", "projects", {"name": "Sales"})
    keep(server, "In it", "needle one", "yes", project_id=made["id"])
    keep(server, "Beside it", "needle two", "no")
    lab.ask("needle three")
    answered(lab)
    drawer = open_list(lab, by="find")
    drawer.get_by_test_id("tether-search").fill("needle")
    found = drawer.get_by_test_id("tether-hit").locator(".tether-snippet")
    found.nth(2).wait_for()
    drawer.get_by_test_id("tether-searchWhere").select_option(label="Sales")
    found.nth(1).wait_for(state="detached")
    assert "one" in found.first.inner_text()
    drawer.get_by_test_id("tether-searchWhere").select_option(label="This notebook")
    found.filter(has_text="three").wait_for()
    assert found.count() == 1


def test_the_name_in_the_head_is_written_over_in_place(lab, server):
    page = lab.page
    lab.ask("why is total wrong?")
    name = page.get_by_test_id("tether-name")
    name.get_by_text("why is total wrong?").wait_for()
    name.click()
    page.keyboard.type("never kept")
    page.keyboard.press("Escape")
    name.get_by_text("why is total wrong?").wait_for()
    name.press("F2")
    page.keyboard.type("The total")
    page.keyboard.press("Enter")
    name.get_by_text("The total").wait_for()
    assert focused(page) == "tether-name"
    page.reload()
    lab.cells.first.wait_for()
    lab.open_panel()
    name.get_by_text("The total").wait_for()


def test_a_conversation_is_pinned_and_unpinned(lab, server):
    keep(server, "Keep me", days=3)
    drawer = open_list(lab)
    row(drawer, "Keep me").hover()
    row(drawer, "Keep me").get_by_test_id("tether-pin").click()
    drawer.get_by_test_id("tether-group").get_by_text("Pinned").wait_for()
    row_menu(drawer, "Keep me", "Unpin")
    drawer.get_by_test_id("tether-group").get_by_text("Pinned").wait_for(state="detached")


def test_a_deleted_conversation_comes_back_by_undo_and_from_the_deleted_ones(lab, server):
    page = lab.page
    keep(server, "Precious", "a question of weight", "yes", days=1)
    drawer = open_list(lab)
    row(drawer, "Precious").click()
    said(lab, "a question of weight").wait_for()
    open_list(lab)
    row_menu(drawer, "Precious", "Delete")
    row(drawer, "Precious").wait_for(state="detached")
    undo = page.get_by_test_id("tether-toastUndo")
    undo.wait_for()  # It comes with the server's word; the row goes before.
    assert titles(server) == []
    undo.click()
    row(drawer, "Precious").wait_for()
    said(lab, "a question of weight").wait_for()
    row_menu(drawer, "Precious", "Delete")
    row(drawer, "Precious").wait_for(state="detached")
    undo.wait_for()
    drawer.get_by_test_id("tether-showDeleted").click()
    row(drawer, "Precious").hover()
    row(drawer, "Precious").get_by_test_id("tether-restore").click()
    row(drawer, "Precious").wait_for(state="detached")
    drawer.get_by_test_id("tether-showKept").click()
    row(drawer, "Precious").wait_for()
    assert titles(server) == ["Precious"]


def test_after_the_notebooks_own_is_deleted_the_next_question_begins_anew(lab, server):
    page = lab.page
    lab.ask("the first one")
    answered(lab)
    page.get_by_test_id("tether-name").wait_for()
    page.get_by_test_id("tether-more").click()
    choose(page, "Delete this conversation")
    page.get_by_test_id("tether-empty").wait_for()
    # It stays for as long as the pointer is on it.
    page.get_by_test_id("tether-toastUndo").hover()
    lab.ask("the second one")
    answered(lab)
    assert [each for each in titles(server) if each] == ["the second one"]
    page.get_by_test_id("tether-toastUndo").click()
    said(lab, "the first one").wait_for()


def test_projects_are_made_named_filled_and_deleted_with_undo(lab, server):
    page = lab.page
    keep(server, "Quarterly report", days=1)
    drawer = open_list(lab)
    row_menu(drawer, "Quarterly report", "Move to", "New project")
    drawer.get_by_test_id("tether-nameField").wait_for()
    page.keyboard.type("Sales")
    with page.expect_response(lambda it: "/tether/projects/" in it.url and it.request.method == "PATCH"):
        page.keyboard.press("Enter")
    row(drawer, "Sales").wait_for()
    (project,) = send(server, "GET", "projects")["projects"]
    assert project["name"] == "Sales"
    assert titles(server, project_id=project["id"]) == ["Quarterly report"]
    row(drawer, "Sales").hover()
    row(drawer, "Sales").get_by_test_id("tether-renameProject").click()
    drawer.get_by_test_id("tether-nameField").wait_for()
    page.keyboard.type("Sales 2026")
    page.keyboard.press("Enter")
    row(drawer, "Sales 2026").hover()
    row(drawer, "Sales 2026").get_by_test_id("tether-deleteProject").click()
    row(drawer, "In no project").wait_for()
    page.get_by_test_id("tether-toastUndo").click()
    row(drawer, "Sales 2026").wait_for()
    drawer.get_by_test_id("tether-by-time").click()
    row(drawer, "Quarterly report").get_by_text("Sales 2026").wait_for()
    row_menu(drawer, "Quarterly report", "Move to", "No project")
    row(drawer, "Quarterly report").get_by_text("Sales 2026").wait_for(state="detached")
    page.get_by_test_id("tether-toastUndo").click()
    row(drawer, "Quarterly report").get_by_text("Sales 2026").wait_for()
    drawer.get_by_test_id("tether-by-project").click()
    drawer.get_by_test_id("tether-newProject").click()
    drawer.get_by_test_id("tether-nameField").wait_for()
    page.keyboard.press("Escape")
    row(drawer, "New project").wait_for()


@pytest.mark.parametrize(("format", "name"), [("md", "Markdown"), ("ipynb", "Notebook"), ("json", "JSON")])
def test_a_conversation_is_downloaded_as_a_file(lab, server, format, name):
    page = lab.page
    keep(server, "To take along", "What is it?", "A table of sales.", days=1)
    drawer = open_list(lab)
    row(drawer, "To take along").wait_for()
    with page.expect_download() as waiting:
        row_menu(drawer, "To take along", "Export as", name)
    assert waiting.value.suggested_filename.endswith(f".{format}")
    text = waiting.value.path().read_text()
    assert "A table of sales." in text
    row(drawer, "To take along").click()
    said(lab, "What is it?").wait_for()
    page.get_by_test_id("tether-more").click()
    with page.expect_download() as waiting:
        choose(page, "Export as", name)
    assert "A table of sales." in waiting.value.path().read_text()


def test_an_exported_conversation_is_imported_and_another_file_is_refused_in_words(lab, server, tmp_path):
    page = lab.page
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(file("From elsewhere", "Brought along?", "Yes.")))
    bad.write_text("no JSON at all")
    drawer = open_list(lab)
    with page.expect_file_chooser() as waiting:
        drawer.get_by_test_id("tether-import").click()
    waiting.value.set_files(bad)
    page.get_by_test_id("tether-toast").get_by_text("is no exported conversation").wait_for()
    with page.expect_file_chooser() as waiting:
        drawer.get_by_test_id("tether-import").click()
    waiting.value.set_files(good)
    said(lab, "Brought along?").wait_for()
    page.get_by_test_id("tether-toast").get_by_text("Imported “From elsewhere”.").wait_for()


def test_a_conversation_of_another_notebook_says_so_and_opens_it(lab, server):
    page = lab.page
    send(server, "POST", "chat", {"message": "over there", "notebook": "other.ipynb"})
    drawer = open_list(lab)
    row(drawer, "over there").click()
    said(lab, "over there").wait_for()
    page.get_by_test_id("tether-elsewhere").get_by_text("other.ipynb").wait_for()
    page.get_by_test_id("tether-openNotebook").click()
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)[id]").wait_for()
    page.get_by_test_id("tether-elsewhere").wait_for(state="detached")
    said(lab, "over there").wait_for()


def test_the_list_says_where_an_answer_is_being_written(page, tmp_path_factory):
    home = notebook_home(tmp_path_factory.mktemp("writing") / "home")
    config = f"c.Tether.backend = {held.BACKEND!r}"
    with running(home, app="lab", config=config, PYTHONPATH=str(ROOT)) as server:
        lab = Lab(page, server)
        lab.open_panel()
        lab.ask("a long one")
        page.locator("#tether-chat").get_by_text(held.WORDS[0]).first.wait_for()
        drawer = open_list(lab)
        row(drawer, "a long one").get_by_text("Writing").wait_for()
        (home / "work" / held.GO).touch()
        row(drawer, "a long one").get_by_text("Writing").wait_for(state="detached")


def test_a_server_that_is_away_is_told_in_words_and_asked_again(lab, server):
    page = lab.page
    keep(server, "Still there", days=1)
    page.route("**/tether/conversations**", lambda route: route.abort())
    drawer = open_list(lab)
    drawer.get_by_text("Jupyter does not answer.").wait_for()
    page.unroute("**/tether/conversations**")
    drawer.get_by_role("button", name="Try again").click()
    row(drawer, "Still there").wait_for()
    page.route("**/tether/conversations/**", lambda route: route.abort())
    row_menu(drawer, "Still there", "Delete")
    page.get_by_test_id("tether-toast").get_by_text("It was not deleted.").wait_for()
    row(drawer, "Still there").wait_for()


def test_of_two_thousand_conversations_only_what_is_in_sight_is_drawn(lab, server):
    page = lab.page
    every = [
        {
            "id": f"c_{n:032x}",
            "title": f"Number {n}",
            "notebook": None,
            "project_id": None,
            "pinned": False,
            "message_count": 2,
            "created_at": f"2026-01-01T00:00:{59 - n % 60:02}Z",
            "last_message_at": f"2026-01-01T{23 - n // 3600:02}:{59 - n // 60 % 60:02}:{59 - n % 60:02}Z",
            "deleted_at": None,
            "metadata": {},
        }
        for n in range(2000)
    ]
    asked = []

    def page_of(route):
        query = dict(
            part.split("=") for part in route.request.url.partition("?")[2].split("&") if "=" in part
        )
        offset, limit = int(query.get("offset", 0)), int(query["limit"])
        # What the notebook goes on with is looked for by the same route.
        if "notebook" not in query:
            asked.append(offset)
        more = offset + limit if offset + limit < len(every) else None
        listed = {
            "conversations": every[offset : offset + limit],
            "next": more,
            "writing": [],
            "messages": [],
        }
        route.fulfill(json=listed)

    page.route(re.compile(r"/tether/conversations\?"), page_of)
    drawer = open_list(lab)
    drawer.get_by_test_id("tether-group").get_by_text("2000").wait_for()
    assert asked == sorted(set(asked))
    rows = drawer.locator('[role="treeitem"]')
    assert rows.count() < 60
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    drawer.locator(":focus", has_text="Number 1999").wait_for()
    assert rows.count() < 60
    assert drawer.locator(":focus").get_attribute("aria-posinset") == "2000"
    drawer.get_by_test_id("tether-threadList").evaluate("node => node.scrollTo(0, 40000)")
    drawer.get_by_text(re.compile(r"^Number 8[23]\d$")).first.wait_for()
    assert rows.count() < 60


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_nothing_in_the_list_is_a_serious_fault_of_accessibility(page, tmp_path_factory, theme):
    home = notebook_home(tmp_path_factory.mktemp("axe") / "home")
    settings = {"@jupyterlab/apputils-extension/themes": {"theme": theme}}
    with running(home, app="lab", config=QUICK, settings=settings) as server:
        project = send(server, "POST", "projects", {"name": "Sales"})
        for n in range(30):
            keep(
                server, f"Number {n}", days=n / 2, pinned=n == 3, project_id=project["id"] if n > 25 else None
            )
        send(server, "DELETE", f"conversations/{keep(server, 'Gone')}")
        lab = Lab(page, server)
        lab.open_panel()
        page.add_script_tag(path=AXE)
        assert faults(page) == []
        drawer = open_list(lab)
        row(drawer, "Number 1").wait_for()
        row(drawer, "Number 1").hover()
        assert faults(page) == []
        drawer.get_by_test_id("tether-by-project").click()
        assert faults(page) == []
        drawer.get_by_test_id("tether-search").fill("what")
        drawer.get_by_test_id("tether-hit").locator("mark").first.wait_for()
        assert faults(page) == []
        drawer.get_by_test_id("tether-search").fill("")
        row_menu(drawer, "Number 1", "Delete")
        page.get_by_test_id("tether-toast").wait_for()
        drawer.get_by_test_id("tether-showDeleted").click()
        row(drawer, "Gone").wait_for()
        assert faults(page) == []


def faults(page):
    """What axe calls serious or critical in the panel."""
    found = page.evaluate("axe.run('#tether-chat')")["violations"]
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
