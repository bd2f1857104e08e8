"""The widget in a real kernel, and what a front end and a notebook get of it."""

import json
import subprocess
import sys
from queue import Empty

import pytest

from tests.support.fake_tether import words
from tests.support.kernels import Kernel
from tests.widget.conftest import PATIENCE
from tether_jupyter.core import events

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def kernel(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runtime")
    kernel = Kernel(folder, {"JUPYTER_SERVER_URL": server.url, "JUPYTER_TOKEN": server.token})
    yield kernel
    kernel.close()


class View:
    """A front end's side of the widget: its comm."""

    def __init__(self, kernel, bundle):
        self.kernel = kernel
        self.comm = bundle[VIEW]["model_id"]
        self.updates = []

    def send(self, **content):
        client = self.kernel.client
        data = {"method": "custom", "content": content}
        client.shell_channel.send(client.session.msg("comm_msg", {"comm_id": self.comm, "data": data}))

    def until(self, kind):
        """Return the next message of a kind; what is updated on the way is kept."""
        while True:
            try:
                message = self.kernel.client.get_iopub_msg(timeout=PATIENCE)
            except Empty:
                raise AssertionError(f"no {kind}") from None
            content = message["content"]
            if message["msg_type"] == kind:
                return content
            if message["msg_type"] == "comm_msg" and content["comm_id"] == self.comm:
                data = content["data"]
                if data["method"] == "update":
                    self.updates.append(data["state"])
                elif data["method"] == "custom" and data["content"]["kind"] == kind:
                    return data["content"]


@pytest.fixture
def shown(kernel, tether):
    """A widget on display, and the message that showed it."""
    ran = kernel.run("from tether_jupyter import Chat\nchat = Chat()\nchat")
    assert ran.reply["status"] == "ok", ran.reply
    (display,) = ran.displays
    yield View(kernel, display["data"]), display
    kernel.run("chat.close()")


def test_it_shows_as_a_widget_and_as_text(shown):
    _, display = shown
    assert set(display["data"]) == {VIEW, "text/plain", "text/markdown"}
    assert "nothing said yet" in display["data"]["text/plain"]


def test_a_view_asks_and_is_answered_while_the_kernel_is_idle(shown, tether):
    view, _ = shown
    tether.script = words("Hello", " there")
    view.send(kind="knock", view="v")
    assert view.until("here")["view"] == "v"
    view.send(kind="ask", text="why?")
    assert view.until("add")["rows"][0]["text"] == "why?"
    assert view.until("end")["row"]["state"] == "done"
    assert view.until("facts")["facts"]["label"] == "local:tiny"
    assert tether.requests[-1]["kernel_id"] == view.kernel.id


def test_an_answer_comes_on_while_a_cell_runs(shown, tether):
    view, _ = shown
    tether.script = [events.delta("one "), {"wait": "busy"}, events.delta("two"), *words(" three")]
    view.send(kind="ask", text="why?")
    assert view.until("more")["text"] == "one "
    # The cell lets the rest of the answer out, and does not end before it has come.
    request = view.kernel.start(
        "import time\nwhile not chat._talk.rows[-1]['text'].endswith('three'):\n    time.sleep(0.01)"
    )
    tether.release("busy")
    assert view.until("more")["text"].startswith("two")
    assert view.kernel.finish(request).reply["status"] == "ok"


def test_what_is_saved_and_what_other_viewers_read_follows_when_the_view_is_left(shown):
    view, display = shown
    view.send(kind="ask", text="why?")
    view.until("end")
    view.until("facts")
    view.send(kind="left")
    update = view.until("update_display_data")
    assert update["transient"] == display["transient"]
    assert update["data"]["text/markdown"].startswith("> **You:** why?\n\nHello there")
    assert update["data"][VIEW] == display["data"][VIEW]
    saved = [state["messages"] for state in view.updates if "messages" in state]
    assert [row["text"] for row in saved[-1]] == ["why?", "Hello there"]


def test_a_cell_that_is_run_again_leaves_no_widget_behind(kernel, tether):
    def run(code, cell):
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": True}
        request = kernel.client.session.msg("execute_request", content, metadata={"cellId": cell})
        kernel.client.shell_channel.send(request)
        return kernel.finish(request["header"]["msg_id"])

    show = "from tether_jupyter import Chat\nfor chat in (Chat(), Chat()):\n    display(chat)"
    run(show, "c1")
    first = run("kept = chat\nkept", "c2")
    assert VIEW in first.displays[0]["data"]
    run(show, "c1")
    # Of the first run, one is shown in another cell as well.
    ran = run("print(len(Chat._made), kept in Chat._made)", "c3")
    assert ran.printed == "3 True\n"
    kernel.run("for each in list(Chat._made):\n    each.close()")


def test_importing_the_package_costs_nothing_of_the_widget():
    code = (
        "import sys, json, tether_jupyter, tether_jupyter.widget\n"
        "print(json.dumps([m for m in ('anywidget', 'ipywidgets', 'httpx') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_without_anywidget_it_says_what_to_install():
    code = (
        "import sys\nsys.modules['anywidget'] = None\n"
        "try:\n    from tether_jupyter import Chat\nexcept ImportError as reason:\n    print(reason)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'tether-jupyter[widget]'" in done.stdout


def test_the_front_end_is_built_and_small():
    from tether_jupyter.widget.chat import STATIC

    module = (STATIC / "chat.js").read_text(encoding="utf-8")
    assert 100_000 < len(module.encode()) <= 350_000
    assert "@import" not in (STATIC / "chat.css").read_text(encoding="utf-8")
