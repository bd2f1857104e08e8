"""A page with JupyterLab and a notebook, in which somebody types and ghost text comes."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.support.server import Server, server

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
PATIENCE = 60_000
NONE_AFTER = 4_000  # milliseconds after which a model is taken to have nothing to say
SETTINGS = "lab/api/settings/@tether/jupyterlab:ghost"
SCRIPT = """
const ghosts = () => [...document.querySelectorAll(
  '.jp-GhostText:not(.jp-GhostText-letterSpacer):not(.jp-GhostText-lineSpacer)'
)].map(each => each.textContent).join('');
window.ghost = { key: 0, asked: 0, first: 0, drawn: 0, shown: null, texts: 0, wrong: [], last: '' };
const send = window.fetch;
window.fetch = async (...what) => {
  if (!String(what[0]?.url ?? what[0]).includes('v1/completions')) {
    return send(...what);
  }
  window.ghost.asked = performance.now();
  // The head of the answer comes with its first text.
  const answer = await send(...what);
  window.ghost.first = performance.now();
  return answer;
};
document.addEventListener('keydown', event => {
  window.ghost.key = event.timeStamp;
  window.ghost.shown = null;
}, true);
const lineNow = () => {
  // The editor marks no active line unless somebody wants it: the cursor is in it.
  const at = document.getSelection()?.focusNode;
  const line = (at?.nodeType === Node.TEXT_NODE ? at.parentElement : at)?.closest?.('.cm-line');
  if (!line) {
    return null;
  }
  const copy = line.cloneNode(true);
  copy.querySelectorAll('[class*=jp-GhostText]').forEach(each => each.remove());
  return copy.textContent;
};
// By the frame: in between, a key stands in the line that the editor has not heard of yet.
const judge = () => {
  const text = ghosts();
  if (!text) {
    return;
  }
  const line = lineNow();
  if (line === null || text + line === window.ghost.last) {
    return;
  }
  window.ghost.last = text + line;
  window.ghost.texts++;
  const whole = `\\u00a7${line.length}\\u00a7${line.replaceAll(' ', '\\u00b7')}\\u00a7`;
  if (!whole.startsWith(text)) {
    window.ghost.wrong.push([line, text]);
  }
};
new MutationObserver(() => {
  const text = ghosts();
  if (!text) {
    return;
  }
  if (window.ghost.shown === null) {
    const now = performance.now();
    const { key } = window.ghost;
    window.ghost.shown = now - key;
    window.ghost.drawn = now;
  }
  requestAnimationFrame(judge);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""
PARTS = "(({ key, asked, first, drawn }) => [key, asked, first, drawn])(window.ghost)"
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "id": id,
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for id, source in (("above", "import pandas as pd\nimport matplotlib.pyplot as plt"), ("mine", ""))
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


class GhostPage:
    """The page, with the cursor in an empty cell."""

    def __init__(self, page: Any, lab: Server) -> None:
        self.page, self.lab = page, lab
        self.asked = 0
        page.on("request", self._count)
        page.add_init_script(SCRIPT)
        page.goto(f"{lab.url}lab/tree/notes.ipynb?token={lab.token}&reset", wait_until="commit")
        self.editor = page.locator(".jp-NotebookPanel .jp-Cell").nth(1).locator(".cm-content")
        self.editor.click()
        page.locator(".jp-KernelName", has_text="Python 3").first.wait_for()

    def _count(self, request: Any) -> None:
        self.asked += "v1/completions" in request.url

    def set(self, settings: Mapping[str, Any]) -> None:
        """Change the settings of ghost text, and load the page with them."""
        put(self.lab, settings)
        self.page.reload(wait_until="commit")
        self.editor.click()

    def propose(self, line: str) -> float | None:
        """Type a line; return the milliseconds from its last key to what is proposed, `None` for nothing."""
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.type(line[:-1], delay=40)
        self.page.keyboard.press(line[-1])
        try:
            found = self.page.wait_for_function("window.ghost.shown", timeout=NONE_AFTER)
        except Exception as reason:
            if "Timeout" not in type(reason).__name__:
                raise
            return None
        return float(found.json_value())

    def parts(self) -> list[float] | None:
        """Return the milliseconds from the last key to its request, from there to the first text of the
        answer, and from there to the page; `None` where the text of an earlier request was there already."""
        key, asked, first, drawn = (float(each) for each in self.page.evaluate(PARTS))
        return [asked - key, first - asked, drawn - first] if key < asked < first <= drawn else None

    def type(self, text: str, gaps: Sequence[float], lines: int = 0) -> None:
        """Type a text at this pace, in lines of so many characters."""
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        due = time.monotonic()
        for at, (letter, gap) in enumerate(zip(text, gaps, strict=True)):
            if lines and at and at % lines == 0:
                self.page.keyboard.press("Enter")
                self.page.keyboard.press("Home")
            self.page.keyboard.press(letter if letter != " " else "Space")
            # A key press takes a while itself, which is no part of the pace.
            due += gap / 1000
            self.page.wait_for_timeout(max(0.0, 1000 * (due - time.monotonic())))

    def judged(self) -> tuple[int, int]:
        """Return how many texts were shown, and how many of them were made for another line."""
        self.page.wait_for_timeout(1000)
        texts, wrong = self.page.evaluate("[window.ghost.texts, window.ghost.wrong]")
        for line, text in wrong[:5]:
            print(f"shown behind {line!r}: {text!r}")
        return texts, len(wrong)


def put(lab: Server, settings: Mapping[str, Any]) -> None:
    """Keep settings of ghost text as JupyterLab's page would."""
    connection = http.client.HTTPConnection("127.0.0.1", lab.port, timeout=10)
    try:
        connection.request(
            "PUT", f"/{SETTINGS}", json.dumps({"raw": json.dumps(dict(settings))}), lab.headers
        )
        status = connection.getresponse().status
        if status != 204:
            raise RuntimeError(f"The settings were not kept: status {status}.")
    finally:
        connection.close()


@contextlib.contextmanager
def ghost_page(config: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any]) -> Iterator[GhostPage]:
    """Run JupyterLab and a browser, both with nothing of anybody's in them."""
    from playwright.sync_api import sync_playwright

    with server(kind="jupyterlab", config=config) as lab, sync_playwright() as playwright:
        (lab.folder / "root" / "notes.ipynb").write_text(json.dumps(NOTEBOOK))
        put(lab, settings)
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        try:
            page = browser.new_page(viewport={"width": 1300, "height": 800})
            page.set_default_timeout(PATIENCE)
            yield GhostPage(page, lab)
        finally:
            browser.close()
