"""What a person finds before anything was said, and what stands in the way of a first answer."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import ROOT, notebook_home
from tests.e2e.kept import send
from tests.e2e.lab import Lab
from tests.support.servers import running

pytestmark = pytest.mark.browser

AXE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
ANSWER = """
c.Tether.backend = "mock"
c.MockLLM.answer = "Sum the column."
"""


def cell(source, *outputs, count=None):
    """Return a code cell as a notebook keeps it."""
    return {
        "cell_type": "code",
        "id": f"cell-{abs(hash(source))}",
        "metadata": {},
        "source": source,
        "execution_count": count,
        "outputs": list(outputs),
    }


def table(rows, columns):
    """Return the output of a table that tells its size."""
    html = f'<table class="dataframe"></table><p>{rows} rows × {columns} columns</p>'
    return {
        "output_type": "execute_result",
        "execution_count": 1,
        "metadata": {},
        "data": {"text/html": html},
    }


ERROR = {"output_type": "error", "ename": "KeyError", "evalue": "'total'", "traceback": ["KeyError: 'total'"]}
RAN = [
    cell("small", table(3, 2), count=1),
    cell("sales", table(1200, 80), count=2),
    cell("sales['total']", ERROR, count=3),
    cell("x = 1", count=4),
]


def home_with(folder, cells):
    """Return a home whose quickstart has these cells."""
    home = notebook_home(folder / "home")
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (home / "work" / "quickstart.ipynb").write_text(json.dumps(notebook))
    return home


def labels(panel):
    panel.get_by_test_id("tether-suggestion").first.wait_for()
    return panel.get_by_test_id("tether-suggestion").all_inner_texts()


def faults(page):
    """What axe calls serious or critical in the panel."""
    page.add_script_tag(path=AXE)
    found = page.evaluate("axe.run('#tether-chat')")["violations"]
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


def test_an_empty_conversation_asks_of_its_notebook(page, tmp_path_factory):
    home = home_with(tmp_path_factory.mktemp("ran"), RAN)
    with running(home, app="lab", config=ANSWER) as server:
        lab = Lab(page, server)
        panel = lab.open_panel()
        panel.get_by_text("Look into sales").wait_for()
        assert labels(panel) == [
            "Fix the KeyError in cell 3",
            "Look into sales, 1,200 × 80",
            "Suggest the next step",
        ]
        assert faults(page) == []
        panel.get_by_text("Look into sales").click()
        panel.locator(".tether-Question", has_text="what stands out").wait_for()
        panel.locator(".tether-Answer", has_text="Sum the column.").wait_for()
        panel.get_by_test_id("tether-empty").wait_for(state="detached")
        (kept,) = server.get("tether/conversations?notebook=quickstart.ipynb")["conversations"]
        (asked, _) = server.get(f"tether/conversations/{kept['id']}/messages")["messages"]
        assert "`sales`" in asked["content"]


def test_the_demo_model_is_asked_what_it_can_answer(page, tmp_path_factory):
    home = home_with(tmp_path_factory.mktemp("demo-ran"), RAN)
    with running(home, app="lab") as server:
        panel = Lab(page, server).open_panel()
        panel.get_by_test_id("tether-notice").get_by_text("This is the demo model").wait_for()
        offered = ["Fix the KeyError in cell 3", "Look into sales, 1,200 × 80", "Read a CSV file"]
        assert labels(panel) == offered
        for label in offered:
            panel.get_by_test_id("tether-suggestion").filter(has_text=label).click()
            panel.locator(".tether-figures").wait_for()
            answer = panel.locator(".tether-Answer").last
            # What the words mean as Markdown may be drawn after the figures.
            answer.locator("pre").wait_for()
            assert "do not know" not in answer.inner_text()
            assert answer.locator("pre").count() == 1
            panel.get_by_test_id("tether-newChat").click()
            panel.get_by_test_id("tether-empty").wait_for()


def test_where_the_notebook_has_little_to_ask_of_the_own_prompts_are_offered(page, tmp_path_factory):
    home = home_with(tmp_path_factory.mktemp("little"), [cell("x = 1", count=1)])
    with running(home, app="lab", config=ANSWER) as server:
        send(server, "POST", "suggestions", {"title": "Say it in French", "prompt": "Repeat that in French."})
        lab = Lab(page, server)
        panel = lab.open_panel()
        panel.get_by_text("Say it in French").wait_for()
        assert labels(panel) == ["Suggest the next step", "Explain cell 1", "Say it in French"]
        panel.get_by_text("Say it in French").click()
        panel.locator(".tether-Question", has_text="Repeat that in French.").wait_for()


def test_nothing_has_run_so_general_questions_are_offered(page, tmp_path_factory):
    home = home_with(tmp_path_factory.mktemp("none"), [cell("x = 1")])
    with running(home, app="lab", config=ANSWER) as server:
        panel = Lab(page, server).open_panel()
        assert labels(panel) == ["Read a CSV file", "Draw a histogram", "What Tether can do"]


def test_without_a_notebook_nothing_speaks_of_one(page, tmp_path_factory):
    home = notebook_home(tmp_path_factory.mktemp("launcher") / "home")
    with running(home, app="lab") as server:
        page.goto(f"{server.url}lab?token={server.token}&reset")
        page.locator(".jp-Launcher").first.wait_for()
        page.locator('.jp-SideBar .lm-TabBar-tab[data-id="tether-chat"]').click()
        panel = page.locator("#tether-chat")
        panel.get_by_test_id("tether-empty").get_by_text("Ask a question, or begin with").wait_for()
        panel.get_by_role("textbox", name="Ask a question").wait_for()
        page.locator(".jp-DirListing-item", has_text="quickstart").dblclick()
        panel.get_by_test_id("tether-empty").get_by_text("Ask about this notebook, or").wait_for()
        panel.get_by_role("textbox", name="Ask about this notebook").wait_for()


def test_the_demo_model_says_that_it_is_one_until_it_is_put_away(page, demo_lab):
    panel = Lab(page, demo_lab).open_panel()
    notice = panel.get_by_test_id("tether-notice")
    notice.get_by_text("This is the demo model").wait_for()
    # A key or an address alone changes nothing.
    notice.get_by_text("TETHER_LLM_BACKEND=openai", exact=True).wait_for()
    notice.get_by_test_id("tether-how").click()
    notice.get_by_text("Start Jupyter with one of these:").wait_for()
    notice.get_by_text("After make lab, write make lab in place of jupyter lab.").wait_for()
    assert faults(page) == []
    notice.get_by_role("button", name="Put this notice away").click()
    notice.wait_for(state="detached")


def test_where_another_model_was_chosen_nothing_speaks_of_the_demo_model(page, tmp_path_factory):
    home = notebook_home(tmp_path_factory.mktemp("chosen") / "home")
    service = 'c.OpenAILLM.base_url = "http://127.0.0.1:9/v1"'
    with running(home, app="lab", config=service) as server:
        send(server, "PATCH", "clients/lab/llm", {"model": "openai:some-model"})
        panel = Lab(page, server).open_panel()
        panel.get_by_test_id("tether-badge").get_by_text("some-model").wait_for()
        panel.get_by_test_id("tether-suggestion").first.wait_for()
        assert panel.get_by_test_id("tether-notice").count() == 0


def test_without_a_model_the_notice_says_why_and_looks_again(page, tmp_path_factory):
    home = notebook_home(tmp_path_factory.mktemp("no-model") / "home")
    with running(home, app="lab", config='c.Tether.backend = "openai"') as server:
        panel = Lab(page, server).open_panel()
        notice = panel.get_by_test_id("tether-notice")
        notice.get_by_role("button", name="Look again").wait_for()
        assert "OPENAI" in notice.inner_text()
        notice.get_by_test_id("tether-how").click()
        notice.get_by_text("A model file on this machine").wait_for()
        assert faults(page) == []


def test_a_setting_that_cannot_be_is_named_in_the_sidebar(page, tmp_path_factory):
    home = notebook_home(tmp_path_factory.mktemp("bad-setting") / "home")
    with running(home, app="lab", TETHER_CONTEXT_LENGTH="8k") as server:
        lab = Lab(page, server)
        panel = lab.open_panel()
        notice = panel.get_by_test_id("tether-notice")
        notice.get_by_text("TETHER_CONTEXT_LENGTH in the environment must be a number.").wait_for()
        notice.get_by_text("restart Jupyter").wait_for()
        # No model that could be chosen would help, and once is enough.
        assert notice.get_by_role("button").all_inner_texts() == ["Look again"]
        assert panel.get_by_text("TETHER_CONTEXT_LENGTH").count() == 1
        page.get_by_test_id("tether-status-item").get_by_text("no model · cannot answer").wait_for()
        # The notebook itself works on.
        lab.run("column =").locator(".jp-InputPrompt", has_text="1").wait_for()
        assert faults(page) == []


def test_a_server_that_is_away_is_looked_for_again(page, slow_lab):
    page.route("**/tether/health**", lambda route: route.abort())
    panel = Lab(page, slow_lab).open_panel()
    notice = panel.get_by_test_id("tether-notice")
    notice.get_by_text("Jupyter does not answer.").wait_for()
    page.unroute("**/tether/health**")
    notice.get_by_role("button", name="Look again").click()
    notice.wait_for(state="detached")


def test_assistance_that_is_off_asks_nothing_and_is_turned_on_by_one_button(page, tmp_path_factory):
    home = home_with(tmp_path_factory.mktemp("off"), RAN)
    settings = {"@tether/jupyterlab/assistance": {"enabled": False}}
    with running(home, app="lab", config=ANSWER, settings=settings) as server:
        Lab(page, server)
        page.locator('.jp-SideBar .lm-TabBar-tab[data-id="tether-chat"]').click()
        panel = page.locator("#tether-chat")
        panel.get_by_test_id("tether-off").get_by_text("Assistance is off.").wait_for()
        assert not panel.get_by_test_id("tether-empty").is_visible()
        assert not panel.locator("textarea").first.is_visible()
        assert faults(page) == []
        panel.get_by_test_id("tether-turnOn").click()
        panel.get_by_test_id("tether-off").wait_for(state="detached")
        panel.locator("textarea:not([aria-hidden])").wait_for()
        panel.get_by_text("Look into sales").wait_for()
