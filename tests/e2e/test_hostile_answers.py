"""An answer is somebody else's text: rendered, it loads nothing, runs nothing and goes nowhere."""

import pytest

from tests.e2e.lab import Lab
from tests.support.servers import running

pytestmark = pytest.mark.browser

PAYLOAD = r"""Hello ![pixel](http://198.51.100.7/pixel.png) and ![ref][r] <img src="http://198.51.100.7/raw.png">

[r]: http://198.51.100.7/reference.png

<img src=x onerror="window.pwned = 1"> <script>window.pwned = 1</script>
<video autoplay src="http://198.51.100.7/v.mp4"></video> <style>@import url(http://198.51.100.7/s.css);</style>
<button data-commandlinker-command="filebrowser:create-new-directory" data-commandlinker-args="{}">go</button>
[click](javascript:window.pwned=1) <a href="javascript:window.pwned=1">x</a> <iframe src="http://198.51.100.7/f"></iframe>

| a | ![t](http://198.51.100.7/table.png) |
| - | - |
| `code` | $\href{http://198.51.100.7/}{x}$ |

END OF ANSWER"""


@pytest.fixture(scope="module")
def hostile_lab(tmp_path_factory):
    from tests.e2e.conftest import notebook_home

    config = f'c.Tether.backend = "mock"\nc.MockLLM.script = [{{"delta": {PAYLOAD!r}}}, {{"done": True}}]\n'
    with running(
        notebook_home(tmp_path_factory.mktemp("hostile") / "home"), app="lab", config=config
    ) as server:
        yield server


def test_nothing_in_an_answer_reaches_out_or_runs_in_a_cell(page, hostile_lab):
    lab = Lab(page, hostile_lab)
    lab.load()
    cell = lab.run("NameError")
    cell.get_by_text("END OF ANSWER").wait_for()
    page.wait_for_load_state("networkidle")
    assert page.elsewhere == []
    assert page.evaluate("window.pwned") is None
    assert cell.locator(".jp-OutputArea-output img, .jp-OutputArea-output iframe, video").count() == 0


def test_nothing_in_an_answer_reaches_out_or_runs_in_the_sidebar(page, hostile_lab):
    lab = Lab(page, hostile_lab)
    panel = lab.open_panel()
    lab.ask("be evil")
    answer = panel.locator(".tether-Answer").last
    answer.get_by_text("END OF ANSWER").wait_for()
    page.wait_for_load_state("networkidle")
    assert page.elsewhere == []
    assert page.evaluate("window.pwned") is None
    assert answer.locator("img, iframe, video, script, style, form").count() == 0
    assert answer.locator("[data-commandlinker-command]").count() == 0
    assert answer.locator("a[href^='javascript']").count() == 0
