"""A run in a kernel: the bar under the cell, the loop that is taken, and the stop button."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.fake_rows import ELSEWHERE, TOKEN, FakeRows
from tests.support.kernels import Kernel


@pytest.fixture(scope="module")
def kernel(rows_server: FakeRows, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    environment = {
        "JUPYTER_SERVER_URL": rows_server.url,
        "JUPYTER_TOKEN": TOKEN,
        "JUPYTER_DATA_DIR": str(tmp_path_factory.mktemp("data")),
    }
    kernel = Kernel(tmp_path_factory.mktemp("runtime"), environment)
    ran = kernel.run(
        "%load_ext tether_jupyter\nimport pandas as pd\n"
        "frame = pd.DataFrame({'text': [f'row {n};' for n in range(40)]})"
    )
    assert ran.reply["status"] == "ok", ran.reply
    yield kernel
    kernel.close()


def test_a_cell_shows_one_bar_and_has_the_answers(fake: FakeRows, kernel: Kernel) -> None:
    ran = kernel.run("found = frame.tether.map('Say {text}')")
    assert ran.reply["status"] == "ok", ran.reply
    assert ran.displays[-1]["data"]["text/plain"].startswith("40/40 rows")
    assert "<progress" in ran.displays[-1]["data"]["text/html"]
    assert kernel.value("found['answer'].iloc[3]") == "'SAY ROW 3;'"


def test_the_stop_button_ends_a_run_which_then_goes_on(fake: FakeRows, kernel: Kernel) -> None:
    fake.held = [f"row {n};" for n in range(20, 40)]
    request = kernel.start("found = frame.tether.map('Tell {text}')")
    fake.wait_for(lambda fake: fake.answered >= 20 and fake.inside == 8)
    ran = kernel.interrupt(request)
    assert ran.reply["status"] == "error"
    assert ran.error["traceback"] == [
        "KeyboardInterrupt: 20 of 40 rows are done. Run this again to go on from there."
    ]
    assert ran.displays[-1]["data"]["text/plain"] == (
        "20/40 rows · interrupted. Run this again to go on from there."
    )
    fake.wait_for(lambda fake: fake.inside == 0)
    fake.release()
    fake.requests.clear()
    assert kernel.run("found = frame.tether.map('Tell {text}')").reply["status"] == "ok"
    assert len(fake.requests) == 20


def test_a_failure_is_told_without_a_traceback(fake: FakeRows, kernel: Kernel) -> None:
    ran = kernel.run("frame.tether.map('Say {txt}')")
    assert ran.error["traceback"][0].startswith(
        "InvalidRequest: There is no column `txt`. Did you mean `text`?"
    )


def test_where_a_front_end_has_no_keyboard_the_argument_is_named(fake: FakeRows, kernel: Kernel) -> None:
    fake.health, fake.cost = dict(ELSEWHERE), 0.5
    request = kernel.client.execute("frame.tether.map('Count {text}')", allow_stdin=False)
    ran = kernel.finish(request)
    assert "`max_cost=" in ran.error["evalue"]
    assert len(fake.requests) == 3
