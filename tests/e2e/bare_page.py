"""The widget's front end alone on a page, with a kernel that a test plays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tether_jupyter

STATIC = Path(tether_jupyter.__file__).parent / "widget" / "static"
ADDRESS = "http://127.0.0.1:65535/"
PAGE = """<!doctype html><html lang="en"><head><title>Bare</title>
<link rel="stylesheet" href="chat.css"></head><body><div id="here"></div></body></html>"""
TYPES = {".js": "text/javascript", ".css": "text/css"}
KERNEL = """async ({saved, kernel, width}) => {
  const heard = {};
  window.sent = [];
  window.model = {
    widget_manager: {get_model: async () => ({comm_live: kernel})},
    get: name => ({messages: saved, facts: {}, height: 400, key: 'k'})[name],
    send: content => { window.sent.push(content); },
    on: (name, listener) => { (heard[name] ??= new Set()).add(listener); },
    off: (name, listener) => { heard[name]?.delete(listener); }
  };
  window.tell = message => heard['msg:custom']?.forEach(listener => listener(message));
  const module = await import('/chat.js');
  const el = document.getElementById('here');
  el.style.width = width + 'px';
  window.leave = module.default.render({model: window.model, el});
}"""


class Bare:
    """A person at the widget on a page without Jupyter; nothing is served but its own two files."""

    def __init__(
        self, page: Any, saved: list[dict[str, Any]] | None = None, *, kernel: bool = True, width: int = 600
    ) -> None:
        self.page = page
        page.route(f"{ADDRESS}**", serve)
        page.goto(ADDRESS)
        page.evaluate(KERNEL, {"saved": saved or [], "kernel": kernel, "width": width})
        self.chat = page.locator(".tether-widget")
        self.box = self.chat.locator("textarea")
        self.log = self.chat.get_by_role("log")
        self.status = self.chat.locator(".tw-status")

    def tell(self, **message: Any) -> None:
        """Let the kernel tell something."""
        self.page.evaluate("message => window.tell(message)", message)

    def hello(self, *rows: dict[str, Any], live: dict[str, Any] | None = None, **facts: Any) -> None:
        """Let the kernel tell everything."""
        self.tell(kind="all", rows=list(rows), live=live, facts=facts)

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """Return what the kernel was sent of a kind."""
        return [message for message in self.page.evaluate("window.sent") if message["kind"] == kind]

    def type(self, text: str) -> None:
        """Type a question and send it, to a kernel that has time."""
        self.box.fill(text)
        self.box.press("Enter")
        self.tell(kind="here", view=self.sent("knock")[-1]["view"])

    def answer(self, text: str, *, pieces: int = 1) -> Any:
        """Show an answer as it comes in so many pieces and ends; return its text's element."""
        self.hello(question("q", "why?"), writing("a"), live={"id": "a", "phase": "writing"})
        step = -(-len(text) // pieces) or 1
        at = 0
        for start in range(0, len(text), step):
            piece = text[start : start + step]
            self.tell(kind="more", id="a", at=at, text=piece)
            at += len(piece.encode("utf-16-le")) // 2
        self.tell(kind="end", row=done("a"), size=at)
        return self.chat.locator(".tw-text")


def serve(route: Any) -> None:
    name = route.request.url.removeprefix(ADDRESS)
    if name == "":
        route.fulfill(body=PAGE, content_type="text/html")
    elif (STATIC / name).is_file():
        route.fulfill(path=STATIC / name, content_type=TYPES[Path(name).suffix])
    else:
        # `elsewhere` is for other hosts: this one must not be asked for anything else either.
        route.fulfill(status=404, body="")


def question(id: str, text: str) -> dict[str, Any]:
    return {"id": id, "role": "user", "text": text, "state": "done"}


def writing(id: str, text: str = "") -> dict[str, Any]:
    return {"id": id, "role": "assistant", "text": text, "state": "writing"}


def done(id: str, line: str = "tiny · this machine · 2 tokens") -> dict[str, Any]:
    return {"id": id, "role": "assistant", "state": "done", "line": line}
