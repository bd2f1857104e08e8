"""A person at the chat widget, in JupyterLab and in Notebook 7: Tether's sidebar plays no part here."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from tests.e2e.held import GO
from tests.e2e.kept import send
from tests.e2e.lab import Lab
from tests.support.servers import running
from tether_jupyter import Chat, Client

pytestmark = pytest.mark.browser

ROOT = str(Path(__file__).parents[2])
HELD = 'c.Tether.backend = "tests.e2e.held:Held"\n'
SAVING = {"@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True}}
KERNELS = "lab/user-settings/@jupyterlab/apputils-extension/kernels-settings.jupyterlab-settings"
CELLS = [
    "from tether_jupyter import Chat\nchat = Chat()\nchat",
    "chat  # once more",
    "import os, time\nwhile not os.path.exists('enough'):\n    time.sleep(0.05)",
]


def home_with(folder, cells=CELLS):
    (folder / "work").mkdir(parents=True)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "work" / "quickstart.ipynb")
    return folder


@pytest.fixture(scope="module")
def widget_lab(tmp_path_factory):
    home = home_with(tmp_path_factory.mktemp("widget") / "home")
    with running(home, app="lab", config=HELD, settings=SAVING, PYTHONPATH=ROOT) as server:
        yield server


@pytest.fixture(scope="module")
def widget_notebook(tmp_path_factory):
    home = home_with(tmp_path_factory.mktemp("widget7") / "home")
    with running(home, app="notebook", config=HELD, PYTHONPATH=ROOT) as server:
        yield server


@pytest.fixture(autouse=True)
def released(request):
    """Let a kernel that waits go on, lest a test that fails leave it busy for all others."""
    yield
    for name in {"widget_lab", "widget_notebook"} & set(request.fixturenames):
        for file in (GO, "enough"):
            (request.getfixturevalue(name).root / file).touch()


class Widget:
    """A person at the widget under a cell."""

    def __init__(self, page, server, app="lab/tree", cell="Chat()", model="mock"):
        self.page = page
        for name in (GO, "enough"):
            (server.root / name).unlink(missing_ok=True)
        self.lab = Lab(page, server, app=app)
        self.chat = self.show(cell, model)

    def show(self, cell, model="mock"):
        """Run a cell that ends with the widget, and return that when its kernel has answered."""
        chat = self.lab.run(cell).locator(".tether-widget")
        chat.locator(".tw-model", has_text=model).wait_for()
        return chat

    def come_back(self):
        """Leave it for a cell and come back after some time, which has it look at what was said meanwhile."""
        self.lab.cell("enough").locator(".cm-content").click()
        self.page.clock.install()
        self.page.clock.fast_forward(60_000)
        self.chat.locator("textarea").click()

    def ask(self, text):
        box = self.chat.locator("textarea")
        box.fill(text)
        box.press("Enter")

    @property
    def questions(self):
        return self.chat.locator(".tw-question[data-row]")

    @property
    def writing(self):
        """The answer that is being written."""
        return self.chat.locator(".tw-answer[data-state=writing]")

    @property
    def last(self):
        return self.chat.locator(".tw-answer").last


def test_an_answer_is_streamed_shown_twice_kept_and_saved(page, widget_lab):
    widget = Widget(page, widget_lab)
    widget.ask("count, please")
    widget.writing.get_by_text("word30").wait_for()
    assert "word31" not in widget.last.inner_text()
    # A second view, made in the middle of the answer, has all of it and goes on.
    again = widget.show("once more")
    again.get_by_text("word30").wait_for()
    (widget_lab.root / GO).touch()
    for chat in (widget.chat, again):
        chat.locator(".tw-text").last.get_by_text("word60").wait_for()
        chat.locator(".tw-line", has_text="60 tokens").last.wait_for()
    (conversation,) = widget_lab.get("tether/conversations?notebook=quickstart.ipynb")["conversations"]
    messages = widget_lab.get(f"tether/conversations/{conversation['id']}/messages")["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant"]
    # Left, the cell's output has the conversation for viewers that know no widgets.
    widget.lab.cell("enough").locator(".cm-content").click()
    saved = saved_notebook(page, widget_lab, lambda text: text.count("word60") >= 5)
    (output,) = saved["cells"][0]["outputs"]
    assert "".join(output["data"]["text/markdown"]).startswith("> **You:** count, please\n\nword1 word2")
    (state,) = [
        each["state"]
        for each in saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"][
            "state"
        ].values()
        if "messages" in each["state"]
    ]
    assert [row["role"] for row in state["messages"]] == ["user", "assistant"]
    assert page.elsewhere == []


def saved_widget():
    """Return what a notebook saves of a widget: its state, and the output that shows it."""
    chat = Chat(client=Client("http://127.0.0.1:9/", "x"))
    chat.messages = [
        {"id": "q", "role": "user", "text": "why?", "state": "done"},
        {"id": "a", "role": "assistant", "text": "For $x^2$.", "state": "done", "line": "tiny"},
    ]
    state = chat.get_manager_state(widgets=[chat, chat.layout])
    view = chat._repr_mimebundle_()
    chat.close()
    return state, view


def saved_notebook(page, server, ready):
    """Save by the keyboard until what is saved is as it should be: what leaving brings takes a moment."""
    for _ in range(60):
        page.keyboard.press("Control+s")
        page.wait_for_timeout(500)
        text = (server.root / "quickstart.ipynb").read_text(encoding="utf-8")
        if ready(text):
            return json.loads(text)
    raise AssertionError(text[-2000:])


def test_what_was_said_before_stands_there_and_escape_stops(page, widget_lab):
    widget = Widget(page, widget_lab)
    widget.chat.get_by_text("count, please").wait_for()
    widget.ask("stop, please")
    widget.writing.get_by_text("word30").wait_for()
    page.keyboard.press("Escape")
    widget.chat.locator(".tw-line", has_text="stopped by you").wait_for()
    assert "word31" not in widget.last.inner_text()
    assert "word30" in widget.last.inner_text()


def test_an_answer_comes_while_a_cell_runs(page, widget_lab):
    widget = Widget(page, widget_lab)
    # A subshell that was never used is sometimes deaf on a busy machine (ipykernel 7.4) while a cell runs.
    (widget_lab.root / GO).touch()
    widget.ask("anybody there?")
    widget.last.get_by_text("word60").wait_for()
    widget.chat.get_by_role("button", name="Send").wait_for()
    (widget_lab.root / GO).unlink()
    running_cell = widget.lab.run("enough")
    running_cell.locator(".jp-InputPrompt", has_text="*").wait_for()
    widget.ask("and now?")
    widget.writing.get_by_text("word30").wait_for()
    (widget_lab.root / GO).touch()
    widget.last.get_by_text("word60").wait_for()
    assert "*" in running_cell.locator(".jp-InputPrompt").inner_text()
    (widget_lab.root / "enough").touch()
    running_cell.locator(".jp-InputPrompt", has_text=re.compile(r"\d")).wait_for()


def test_what_is_typed_is_not_taken_for_the_notebooks_keys(page, widget_lab):
    widget = Widget(page, widget_lab)
    before = widget.lab.cells.count()
    box = widget.chat.locator("textarea")
    box.click()
    page.keyboard.type("add a b dd x")
    box.press("Shift+Enter")
    page.keyboard.type("z")
    assert box.input_value() == "add a b dd x\nz"
    assert widget.lab.cells.count() == before


def test_a_notebook_opened_again_shows_the_saved_conversation_before_anything_runs(page, tmp_path):
    home = home_with(tmp_path / "home")
    path = home / "work" / "quickstart.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    state, view = saved_widget()
    notebook["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    display = {"output_type": "display_data", "metadata": {}, "data": view}
    notebook["cells"][0] |= {"execution_count": 1, "outputs": [display]}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    # Of a notebook that is not trusted, Jupyter shows no widget but the text beside it.
    (home / "data").mkdir()
    notary = NotebookNotary(data_dir=str(home / "data"))
    notary.sign(nbformat.read(path, as_version=4))
    notary.store.close()
    with running(home, app="lab") as server:
        page.goto(f"{server.url}lab/tree/quickstart.ipynb?token={server.token}&reset")
        chat = page.locator(".tether-widget")
        chat.get_by_text("Saved conversation. Run the cell to go on with it.").wait_for()
        chat.get_by_text("why?").wait_for()
        assert chat.locator("math").count() == 1
        assert not chat.locator("textarea").is_visible()
    assert page.elsewhere == []


@pytest.fixture
def busy(page, widget_lab):
    """A widget whose kernel hears nothing while a cell runs, as one does; with the number of its answers."""
    settings = widget_lab.root.parent / "config" / KERNELS
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('{"commsOverSubshells": "disabled"}', encoding="utf-8")
    try:
        widget = Widget(page, widget_lab)
        (widget_lab.root / GO).touch()
        widget.lab.run("enough").locator(".jp-InputPrompt", has_text="*").wait_for()
        yield widget, widget.chat.locator(".tw-answer").count()
    finally:
        settings.unlink()


def waits(widget):
    widget.chat.locator(".tw-status", has_text="The kernel is busy; your question waits.").wait_for()


def test_a_kernel_without_subshells_is_busy_and_the_question_waits(busy, widget_lab):
    widget, before = busy
    widget.ask("and now?")
    waits(widget)
    assert widget.chat.locator(".tw-answer").count() == before
    (widget_lab.root / "enough").touch()
    widget.chat.locator(".tw-answer").nth(before).get_by_text("word60").wait_for()


def test_words_that_are_typed_while_a_question_waits_are_kept(busy, widget_lab):
    widget, before = busy
    box = widget.chat.locator("textarea")
    widget.ask("and now?")
    waits(widget)
    # Enter asks nothing over what waits, and what waits comes back before what was typed.
    widget.ask("and then?")
    assert box.input_value() == "and then?"
    box.press("Escape")
    assert box.input_value() == "and now?\n\nand then?"
    box.press("Enter")
    waits(widget)
    widget.page.keyboard.type("later")
    (widget_lab.root / "enough").touch()
    widget.chat.locator(".tw-answer").nth(before).get_by_text("word60").wait_for()
    widget.chat.get_by_role("button", name="Send").wait_for()
    assert widget.questions.last.inner_text() == "and now?\n\nand then?"
    assert box.input_value() == "later"


NOWHERE = "from tether_jupyter import Chat\nchat = Chat(model='nowhere:one')\nchat"


@pytest.fixture
def fresh_lab(tmp_path):
    """A lab of its own: JupyterLab 4.6 may end a widget's subshell as it lets go of an earlier page's."""
    home = home_with(tmp_path / "home", [*CELLS, NOWHERE])
    with running(home, app="lab", config=HELD, PYTHONPATH=ROOT) as server:
        yield server


def test_a_question_that_failed_stays_with_its_words_and_try_again_asks_it_once(page, fresh_lab):
    widget = Widget(page, fresh_lab, cell="nowhere:one", model="one")
    (fresh_lab.root / GO).touch()
    widget.ask("is anybody there?")
    failure = widget.chat.locator(".tw-failure", has_text="There is no model")
    failure.wait_for()
    # Another view has it as well, and what was said elsewhere takes its place before it.
    widget.show("once more", "one").get_by_text("is anybody there?").wait_for()
    send(fresh_lab, "POST", "chat", {"message": "from the sidebar", "notebook": "quickstart.ipynb"})
    widget.come_back()
    widget.questions.get_by_text("from the sidebar").wait_for()
    assert widget.questions.all_inner_texts() == ["from the sidebar", "is anybody there?"]
    assert failure.is_visible()
    widget.chat.locator(".tw-model").click()
    widget.chat.get_by_role("menuitemradio", name="As set in Jupyter").click()
    widget.chat.locator(".tw-model", has_text="mock").wait_for()
    failure.get_by_role("button", name="Try again").click()
    failure.wait_for(state="detached")
    widget.last.get_by_text("word60").wait_for()
    widget.chat.get_by_role("button", name="Send").wait_for()
    assert widget.questions.all_inner_texts() == ["from the sidebar", "is anybody there?"]
    assert asked(newest(fresh_lab)) == ["from the sidebar", "is anybody there?"]


def newest(server):
    """Return the messages of the conversation that the notebook goes on with."""
    (found,) = server.get("tether/conversations?notebook=quickstart.ipynb&limit=1")["conversations"]
    return server.get(f"tether/conversations/{found['id']}/messages")["messages"]


def asked(messages):
    return [message["content"] for message in messages if message["role"] == "user"]


def test_a_new_chat_stays_new_when_the_answer_before_it_ends(page, fresh_lab):
    widget = Widget(page, fresh_lab)
    widget.ask("the old one?")
    widget.writing.get_by_text("word30").wait_for()
    (old,) = fresh_lab.get("tether/conversations?notebook=quickstart.ipynb&limit=1")["conversations"]
    widget.chat.get_by_role("button", name="New chat").click()
    widget.questions.first.wait_for(state="detached")
    (fresh_lab.root / GO).touch()
    for _ in range(600):
        last = fresh_lab.get(f"tether/conversations/{old['id']}/messages")["messages"][-1]
        if last["status"] == "complete":
            break
        page.wait_for_timeout(100)
    assert last["content"].endswith("word60")
    # What is said elsewhere now is said in the new one, which it goes on with.
    send(fresh_lab, "POST", "chat", {"message": "from the sidebar", "notebook": "quickstart.ipynb"})
    widget.come_back()
    widget.questions.get_by_text("from the sidebar").wait_for()
    assert widget.questions.all_inner_texts() == ["from the sidebar"]
    widget.ask("the new one?")
    widget.questions.nth(1).wait_for()
    widget.last.get_by_text("word60").wait_for()
    widget.chat.get_by_role("button", name="Send").wait_for()
    assert widget.questions.all_inner_texts() == ["from the sidebar", "the new one?"]
    assert asked(newest(fresh_lab)) == ["from the sidebar", "the new one?"]


def test_a_kernel_that_is_started_anew_leaves_the_conversation_to_read(page, widget_lab):
    widget = Widget(page, widget_lab)
    box = widget.chat.locator("textarea")
    assert box.evaluate("box => box.clientHeight >= box.scrollHeight")
    page.locator(".jp-NotebookPanel .jp-Notebook").first.focus()
    for key in ("Escape", "0", "0"):
        page.keyboard.press(key)
    page.locator(".jp-Dialog .jp-mod-accept").click()
    widget.chat.get_by_text("Saved conversation. Run the cell to go on with it.").wait_for()
    assert not box.is_visible()


def test_notebook_7_streams_stops_and_asks_while_a_cell_runs(page, widget_notebook):
    widget = Widget(page, widget_notebook, app="notebooks")
    widget.ask("count, please")
    widget.writing.get_by_text("word30").wait_for()
    assert "word31" not in widget.last.inner_text()
    widget.chat.get_by_role("button", name="Stop").click()
    widget.chat.locator(".tw-line", has_text="stopped by you").wait_for()
    (widget_notebook.root / GO).touch()
    widget.lab.run("enough").locator(".jp-InputPrompt", has_text="*").wait_for()
    widget.ask("and now?")
    widget.chat.locator(".tw-answer").nth(1).get_by_text("word60").wait_for()
    (widget_notebook.root / "enough").touch()
    assert page.elsewhere == []
