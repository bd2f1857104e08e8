"""A person's browser in front of a real JupyterLab."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.servers import RunningServer, running

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000  # milliseconds; a busy machine is slow, and nothing here asserts a time

SLOW = """
c.Tether.backend = "mock"
c.MockLLM.delay = 0.15
c.MockLLM.answer = '''Sum the column, then print it:

```python
total = 1 + 2
print(total)
```

The result is **three**, as words go by one after another so that they can be watched.'''
"""


def notebook_home(home: Path) -> Path:
    (home / "work").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / "quickstart.ipynb", home / "work")
    return home


@pytest.fixture(scope="session")
def demo_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """JupyterLab as `make lab` starts it, with the demo model."""
    with running(notebook_home(tmp_path_factory.mktemp("demo") / "home"), app="lab") as server:
        yield server


@pytest.fixture(scope="session")
def slow_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """JupyterLab with a model that takes its time, so that an answer can be watched."""
    home = notebook_home(tmp_path_factory.mktemp("slow") / "home")
    with running(home, app="lab", config=SLOW) as server:
        yield server


@pytest.fixture(scope="session")
def notebook_7(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Notebook 7, with the same slow model."""
    home = notebook_home(tmp_path_factory.mktemp("nb7") / "home")
    with running(home, app="notebook", config=SLOW) as server:
        yield server


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Headless Chromium with an empty profile."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of its own; a picture of it is kept in `screenshots/` whatever becomes of the test."""
    context = chromium.new_context(viewport={"width": 1500, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    # What the page reaches for beyond this machine, which must be nothing.
    page.elsewhere = []
    page.on("request", lambda sent: None if local(sent.url) else page.elsewhere.append(sent.url))
    yield page
    folder = Path(__file__).parent / "screenshots"
    folder.mkdir(exist_ok=True)
    page.screenshot(path=folder / f"{request.node.name}.png")
    context.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Let a failure tell what stood on the page: where a run's pictures cannot be seen, its words can."""
    outcome = yield
    report = outcome.get_result()
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and page is not None:
        report.sections.append(("what stood on the page", words_on(page)))


def words_on(page: Any) -> str:
    """Return the words of the dialogs, the notifications, the menus and the sidebar."""
    places = (".jp-Dialog-content", ".Toastify__toast", ".lm-Menu", "#tether-chat")
    try:
        told = [f"{place}\n{words}" for place in places for words in page.locator(place).all_inner_texts()]
    except Exception as reason:  # noqa: BLE001 - the page may be gone, and the failure itself matters more
        told = [f"The page does not tell: {reason}"]
    return "\n\n".join(told)


def local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:", "ws://127.0.0.1:"))


@pytest.fixture
def jp_asyncio_loop() -> None:
    """Leave the event loop to Playwright, which keeps one running in this thread."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Nothing to clean up: the servers here are processes."""
