"""The sidebar in a real JupyterLab and headless Chromium, with clocks in the page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.magic import variables
from benchmarks.support.panel_text import said
from benchmarks.support.panel_upstream import PanelUpstream
from benchmarks.support.server import Server, server

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 120_000
CELL = {"cell_type": "code", "id": "a", "source": "1 + 1", "metadata": {}, "outputs": []}
NOTEBOOK = {
    "cells": [{**CELL, "execution_count": None}],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
QUIET = {"fetchNews": "false", "checkForUpdates": False}

# Times are `performance.now()`; `wall` turns one into seconds of this machine's clock. What is in the DOM
# when a frame begins is on the screen when that frame has been drawn: then a message sent in it arrives.
CLOCKS = """
const bench = (window.bench = { keys: [], pointers: [], tasks: [] });
performance.setResourceTimingBufferSize(100000);
addEventListener('keydown', e => e.key === 'Enter' && bench.keys.push(e.timeStamp), true);
addEventListener('pointerdown', e => bench.pointers.push(e.timeStamp), true);
new PerformanceObserver(list =>
  list.getEntries().forEach(e => bench.tasks.push([e.startTime, e.duration]))
).observe({ type: 'longtask', buffered: true });
bench.wall = t => (t + Date.now() - performance.now()) / 1000;
bench.drawn = () => new Promise(done => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done(performance.now());
  port2.postMessage(0);
}));
bench.last = () => {
  const all = document.querySelector('#tether-chat').getElementsByClassName('tether-Answer');
  const last = all[all.length - 1];
  // What stands in for an answer until it is rendered does not count.
  return last?.classList.contains('tether-far') ? null : last;
};
// Settles with the time at which the last answer, with a text in it, was drawn.
bench.until = (text, seconds) => new Promise((found, fail) => {
  const panel = document.querySelector('#tether-chat');
  const timer = setTimeout(() => { watch.disconnect(); fail(new Error(`no ${text}`)); }, seconds * 1000);
  const look = () => {
    if (bench.last()?.textContent.includes(text)) {
      watch.disconnect();
      clearTimeout(timer);
      bench.drawn().then(found);
    }
  };
  const watch = new MutationObserver(look);
  watch.observe(panel, { childList: true, characterData: true, subtree: true });
  look();
});
// Counts frames until the last answer, with a text in it, was drawn.
bench.frames = (text, seconds) => new Promise((found, fail) => {
  const times = [];
  const begun = performance.now();
  const step = now => {
    times.push(now);
    if (times.length % 6 === 0 && bench.last()?.textContent.includes(text)) {
      bench.drawn().then(at => found({ times, at }));
    } else if (now - begun > seconds * 1000) {
      fail(new Error(`no ${text}`));
    } else {
      requestAnimationFrame(step);
    }
  };
  requestAnimationFrame(step);
});
bench.received = since => performance.getEntriesByType('resource')
  .filter(e => e.startTime >= since && e.name.includes('/tether/'))
  .map(e => [new URL(e.name).pathname, e.encodedBodySize]);
"""


class Panel:
    """A page with the sidebar open."""

    def __init__(self, page: Any, lab: Server) -> None:
        self.page = page
        self.lab = lab
        self.cdp = page.context.new_cdp_session(page)
        self.panel = page.locator("#tether-chat")
        self.box = page.locator("#tether-chat textarea:not([aria-hidden])")

    def goto(self, *notebooks: str) -> None:
        """Open JupyterLab with notebooks; the last one is in front."""
        first, *others = notebooks
        self.page.goto(f"{self.lab.url}lab/tree/{first}?token={self.lab.token}&reset")
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        for name in others:
            self.page.evaluate(
                "path => window.jupyterapp.commands.execute('docmanager:open', {path}).then(() => null)", name
            )
            self.tab(name).wait_for()
        idle = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator[data-status='idle']"
        self.page.locator(idle).first.wait_for()

    def tab(self, name: str) -> Any:
        """Return the tab of a notebook."""
        return self.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text=name)

    def open(self) -> None:
        """Open the sidebar by its icon."""
        self.page.locator('.jp-SideBar .lm-TabBar-tab[data-id="tether-chat"]').click()
        self.box.wait_for()
        self.panel.get_by_test_id("tether-badge").first.wait_for()

    def ask(self, mark: str, **script: Any) -> None:
        """Ask for what a script says, by the keyboard."""
        words = " ".join(f"{name}={value}" for name, value in {**script, "mark": mark}.items())
        self.box.fill(f"Please: [[{words}]]")
        self.box.press("Enter")

    def ready(self) -> None:
        """Wait until the answer under way is over."""
        self.panel.get_by_test_id("tether-send").first.wait_for()

    def wall(self, moment: float) -> float:
        """Return a moment of the page in seconds of `time.time()`."""
        return float(self.page.evaluate("t => bench.wall(t)", moment))

    def now(self) -> float:
        """Return the page's clock, in ms."""
        return float(self.page.evaluate("performance.now()"))

    def tasks(self, since: float) -> list[float]:
        """Return how long the tasks of more than 50 ms since a moment took, in ms."""
        return [took for begun, took in self.page.evaluate("bench.tasks") if begun + took > since]

    def busy(self) -> float:
        """Return how many seconds the page's main thread has worked."""
        metrics = self.cdp.send("Performance.getMetrics")["metrics"]
        return next(float(each["value"]) for each in metrics if each["name"] == "TaskDuration")

    def heap(self, *, collected: bool = False) -> float:
        """Return the page's JavaScript heap in MB, after a forced collection if asked."""
        for _ in range(3 if collected else 0):
            self.cdp.send("HeapProfiler.collectGarbage")
        return float(self.cdp.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Run headless Chromium with an empty profile."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def page_in(browser: Any, lab: Server) -> Iterator[Panel]:
    """Open a page of its own, with its own cache, and the clocks in it."""
    context = browser.new_context(viewport={"width": 1400, "height": 860})
    try:
        context.add_init_script(CLOCKS)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        panel = Panel(page, lab)
        panel.cdp.send("Performance.enable")
        yield panel
    finally:
        context.close()


@contextlib.contextmanager
def lab_with(fake: PanelUpstream, *notebooks: str) -> Iterator[tuple[Server, str]]:
    """Run JupyterLab with Tether before the fake; yield it and its database's URL."""
    config = {"LabApp": {"expose_app_in_browser": True}}
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as folder:
        url = f"sqlite:///{folder}/history.db"
        settings = {**variables(fake.url, "fake"), "OPENAI_API_KEY": "none", "DATABASE_URL": url}
        with server(kind="jupyterlab", config=config, variables=settings) as lab:
            for name in notebooks:
                (lab.folder / "root" / name).write_text(json.dumps(NOTEBOOK))
            quiet(lab.folder)
            yield lab, url


def quiet(folder: Path) -> None:
    """Let JupyterLab ask nothing about news: a toast would be in the measurement."""
    place = folder / "config/lab/user-settings/@jupyterlab/apputils-extension"
    place.mkdir(parents=True, exist_ok=True)
    (place / "notification.jupyterlab-settings").write_text(json.dumps(QUIET))


def talk_of(lab: Server, url: str, notebook: str, messages: int) -> None:
    """Give a notebook a conversation of so many messages."""
    asked = {"message": "Please: [[n=1 mark=above]]", "notebook": notebook}
    conversation = next(e["meta"]["conversation_id"] for _, e in lab.events(asked) if "meta" in e)
    # Playwright keeps an event loop running in this thread.
    with ThreadPoolExecutor(1) as other:
        other.submit(lambda: asyncio.run(fill(url, conversation, messages))).result()


async def fill(url: str, conversation: str, messages: int) -> None:
    """Add messages to a conversation up to their number, beside the server that has begun it."""
    from sqlalchemy import select

    from tether_jupyter.core.history import StoredMessage, new_id
    from tether_jupyter.store.database import Database
    from tether_jupyter.store.history import SqlHistory
    from tether_jupyter.store.presence import prepare
    from tether_jupyter.store.tables import conversations

    database = Database(url, prepare)
    history = SqlHistory(database)
    query = select(conversations.c.owner).where(conversations.c.id == conversation)
    owner = await database.read(lambda connection: connection.execute(query).scalar_one())
    there = await history.messages(owner, conversation)
    parent, batch = there[-1].id, []
    for number in range(len(there), messages):
        role = "assistant" if number % 2 else "user"
        batch.append(StoredMessage(new_id("m"), role, said(number), parent))
        parent = batch[-1].id
    await history.add(owner, conversation, *batch)
    await history.close()
    await database.close()
