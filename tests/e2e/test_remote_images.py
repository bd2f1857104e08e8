"""An image of an answer is loaded when its reader has seen its address and says so, and never before."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e.conftest import notebook_home
from tests.e2e.lab import Lab
from tests.support.servers import running

pytestmark = pytest.mark.browser

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ThreadingHTTPServer]:
    """A server that keeps what it is asked for, and has one picture."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.server.asked.append((self.path, self.headers["Referer"], self.headers["Cookie"]))
            there = self.path.startswith("/plot.png")
            self.send_response(200 if there else 404)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(PNG if there else b"")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def lab_server(tmp_path_factory, elsewhere):
    """JupyterLab with a model that answers with two images."""
    # Another name of this machine: what the browser keeps for Jupyter does not go there.
    base = f"http://localhost:{elsewhere.server_port}"
    text = f"See ![the plot]({base}/plot.png?tail=secret) and ![the other]({base}/gone.png). END OF ANSWER"
    config = f'c.Tether.backend = "mock"\nc.MockLLM.answer = {text!r}\n'
    home = notebook_home(tmp_path_factory.mktemp("images") / "home")
    with running(home, app="lab", config=config) as server:
        yield server


def test_an_image_is_loaded_in_place_after_its_whole_address_was_seen(page, lab_server, elsewhere):
    lab = Lab(page, lab_server)
    panel = lab.open_panel()
    lab.ask("show me")
    answer = panel.locator(".tether-Answer").last
    answer.get_by_text("END OF ANSWER").wait_for()
    link = answer.get_by_role("link", name="image: the plot")
    link.click()
    address = page.locator(".jp-Dialog .tether-address")
    address.get_by_text(f"http://localhost:{elsewhere.server_port}/plot.png?tail=secret").wait_for()
    page.wait_for_function("document.activeElement.closest('.jp-Dialog') !== null")
    # Enter does not load what somebody else wrote.
    page.keyboard.press("Enter")
    address.wait_for(state="detached")
    assert elsewhere.asked == []
    link.click()
    page.get_by_role("button", name="Show it here").click()
    picture = answer.get_by_role("img", name="the plot")
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") == 1
    assert elsewhere.asked == [("/plot.png?tail=secret", None, None)]
    # One that is not there is said in words, and the link stays.
    answer.get_by_role("link", name="image: the other").click()
    page.get_by_role("button", name="Show it here").click()
    answer.get_by_text("No image came from localhost").wait_for()
    assert answer.get_by_role("link", name="image: the other").count() == 1
