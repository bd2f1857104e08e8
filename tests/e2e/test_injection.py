"""Hostile text, kept or half there: without a click nothing loads, and nothing in it ever acts."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, notebook_home
from tests.e2e.lab import Lab
from tests.e2e.payloads import COMMAND, HOST, ICONS, KINDS, PAYLOADS, TRAP
from tests.e2e.states import BACKEND
from tests.support.servers import RunningServer, running

pytestmark = pytest.mark.browser

GROUP = 12
"""Payloads in one streamed answer: one that opens a fence must not hide too many others."""

# Before anything else on the page: what runs tells itself, and what would leave is noted and goes nowhere.
WATCH = """
window.ran = [];
window.left = [];
window.pwn = number => { window.ran.push(number); };
window.open = url => { window.left.push(String(url)); return null; };
addEventListener('click', event => {
  const link = event.target.closest?.('a[href]');
  if (link && !event.defaultPrevented) {
    window.left.push(link.href);
    event.preventDefault();
  }
});
"""
COMMANDS = """() => {
  window.commanded = [];
  window.jupyterapp.commands.commandExecuted.connect((_, { id }) => { window.commanded.push(id); });
}"""
# Every element of the answers but links and the panel's own is hovered, focused and clicked.
TOUCH = """() => {
  const own = '.tether-codeBar, .tether-actions, .tether-below, [data-testid^="tether-"]';
  for (const answer of document.querySelectorAll('#tether-chat .tether-Answer')) {
    for (const element of answer.querySelectorAll('*')) {
      if (element.closest(own) && answer.contains(element.closest(own))) continue;
      if (element.closest('a[href]')) continue;
      for (const type of ['pointerenter', 'mouseover', 'mouseenter', 'pointerdown', 'mousedown', 'mouseup']) {
        element.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true }));
      }
      element.focus?.();
      element.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
    }
  }
}"""
# Each link asks before it leads away, and shows where; it is told not to. Returns what did otherwise.
LINKS = """async () => {
  const found = [];
  const later = check => new Promise((done, fail) => {
    const end = performance.now() + 10000;
    const look = () => {
      const there = check();
      there || performance.now() > end ? done(there) : requestAnimationFrame(look);
    };
    look();
  });
  for (const link of document.querySelectorAll('#tether-chat .tether-Answer a[href]')) {
    link.click();
    const asked = await later(() => document.querySelector('.jp-Dialog'));
    const dialog = document.querySelector('.jp-Dialog');
    if (!asked || !dialog.textContent.includes(link.href)) {
      found.push(link.outerHTML);
    }
    dialog?.querySelector('.jp-mod-reject')?.click();
    await later(() => !document.querySelector('.jp-Dialog'));
  }
  return found;
}"""
# What no answer has a use for, and what would make of an answer a part of Jupyter.
FOREIGN = """() => {
  const bad = 'img, picture, source, video, audio, track, iframe, frame, object, embed, script, style, ' +
    'link, meta, base, form, input, textarea, select, dialog, template, svg image, svg use, foreignObject, ' +
    'animate, set, area, ' +
    '[srcdoc], [srcset], [ping], [formaction], [background], [data-commandlinker-command], [data-command], ' +
    '[contenteditable], .jp-Dialog, .lm-CommandPalette-item, .jp-Notebook, .jp-RenderedMermaid, .mermaid';
  const found = [];
  for (const answer of document.querySelectorAll('#tether-chat .tether-Answer')) {
    for (const element of answer.querySelectorAll('*')) {
      const name = `${element.outerHTML.slice(0, 120)}`;
      const drawn = element.closest('mjx-container, .katex, math');
      // A diagram is a picture that was drawn here.
      if (element.matches('.tether-Diagram > img[src^="data:image/svg+xml"]')) continue;
      const tools = element.closest('.tether-codeBar, [class*="tether-code"]');
      if (element.matches(bad) && !tools && !(drawn && element.matches('style, svg *'))) found.push(name);
      for (const { name: attribute, value } of element.attributes) {
        if (/^on/i.test(attribute)) found.push(name);
        const goes = /^(href|src|action|xlink:href)$/.test(attribute);
        const styles = attribute === 'style' && !drawn;
        if (goes && !/^(https?:|mailto:|#)/i.test(value)) found.push(name);
        if (styles && /url|position|expression|binding/i.test(value)) found.push(name);
      }
      const where = getComputedStyle(element).position;
      if (where === 'fixed') found.push(`fixed: ${name}`);
    }
  }
  return [...new Set(found)];
}"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A lab whose model says what it is told to, and whose commands can be watched."""
    home = notebook_home(tmp_path_factory.mktemp("injection") / "home")
    config = f'c.Tether.backend = "{BACKEND}"\nc.LabApp.expose_app_in_browser = True\n'
    with running(home, app="lab", config=config, PYTHONPATH=str(ROOT)) as server:
        yield server


@pytest.fixture
def watched(page: Any) -> Any:
    """The page, with a note of every request for a trap on this server, and of every dialog and window."""
    page.trapped = []
    page.opened = []
    page.on("request", lambda sent: page.trapped.append(sent.url) if TRAP in sent.url else None)
    page.on("dialog", lambda dialog: (page.opened.append(dialog.message), dialog.dismiss()))
    page.on("popup", lambda other: page.opened.append(other.url))
    page.add_init_script(WATCH)
    return page


def post(server: RunningServer, path: str, body: Any) -> Any:
    request = urllib.request.Request(
        f"{server.url}tether/{path}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"token {server.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def kept(server: RunningServer, answers: list[str], **more: Any) -> dict[str, Any]:
    """Keep a conversation of these answers, a question before each; return it as the server tells it."""
    messages: list[dict[str, Any]] = []
    for number, answer in enumerate(answers, 1):
        before = f"a{number - 1}" if number > 1 else None
        question = {"id": f"q{number}", "parent_id": before, "role": "user", "content": f"Question {number}."}
        messages += [
            question,
            {"id": f"a{number}", "parent_id": f"q{number}", "role": "assistant", "content": answer},
        ]
        messages[-1] |= more
    file = {
        "format": "tether-conversation",
        "version": 1,
        "conversation": {"title": "Hostile"},
        "messages": messages,
    }
    return dict(post(server, "conversations/import", file)["conversation"])


def in_front(page: Any, server: RunningServer, conversation: dict[str, Any]) -> None:
    """Let the notebook's own conversation be this one: an import is bound to no notebook."""
    said = server.get(f"tether/conversations/{conversation['id']}/messages")
    found = {"conversations": [{**conversation, "notebook": "quickstart.ipynb"}], **said}
    page.route(re.compile(r"/tether/conversations\?.*notebook="), lambda route: route.fulfill(json=found))


def quiet(page: Any) -> None:
    """Wait until whatever has been asked for has been answered."""
    page.wait_for_load_state("networkidle")
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


def nothing_loaded_or_ran(page: Any) -> None:
    quiet(page)
    assert page.elsewhere == []
    assert page.trapped == []
    assert page.evaluate("window.ran") == []
    assert page.evaluate("window.left") == []
    assert page.opened == []


def nothing_acts(page: Any) -> None:
    """Touch everything in the answers: links ask, and nothing else happens."""
    page.evaluate(COMMANDS)
    where = page.url
    page.evaluate(TOUCH)
    quiet(page)
    assert page.evaluate("window.ran") == []
    assert page.elsewhere == []
    assert page.trapped == []
    assert page.locator(".jp-Dialog").count() == 0
    assert COMMAND not in page.evaluate("window.commanded")
    assert page.evaluate("window.commanded.filter(id => !id.startsWith('tether:'))") == []
    assert page.url == where
    assert page.evaluate(LINKS) == []
    quiet(page)
    assert page.evaluate("window.left") == []
    assert page.opened == []
    assert page.evaluate("window.ran") == []
    assert page.elsewhere == []
    assert page.trapped == []
    assert page.url == where


def test_there_are_enough_payloads_and_each_names_itself():
    assert len(PAYLOADS) >= 150
    assert all("§" not in payload for payload in PAYLOADS)
    assert all(one for one in KINDS.values())


def test_the_watch_sees_what_it_is_there_to_see(watched, hostile):
    """Were any of it let in, these tests would fail."""
    page = watched
    Lab(page, hostile).open_panel()
    page.evaluate(COMMANDS)
    page.evaluate(
        """host => {
          const answer = document.createElement('div');
          answer.className = 'tether-Answer';
          answer.innerHTML = `<img src="http://${host}/x.png">` +
            '<img src="tether-trap/y.png" onerror="window.pwn(1)">' +
            '<p onclick="window.pwn(2)">x</p>' +
            '<p data-commandlinker-command="application:toggle-left-area">x</p>';
          document.querySelector('#tether-chat').append(answer);
        }""",
        HOST,
    )
    page.wait_for_function("window.ran.includes(1)")
    page.evaluate(TOUCH)
    assert set(page.evaluate("window.ran")) == {1, 2}
    assert page.elsewhere == [f"http://{HOST}/x.png"]
    assert len(page.trapped) == 1
    # JupyterLab asks before it runs a command that is linked from where it does not trust.
    page.locator(".jp-Dialog").wait_for()
    assert len(page.evaluate(FOREIGN)) >= 3


def test_each_payload_in_an_answer_of_its_own(watched, hostile):
    page = watched
    answers = [f"Begin {number}.\n\n{payload}\n\nEnd." for number, payload in enumerate(PAYLOADS, 1)]
    in_front(page, hostile, kept(hostile, answers))
    lab = Lab(page, hostile)
    panel = lab.open_panel()
    seen: set[int] = set()
    # Whatever of a long conversation is made only when it is near, comes near.
    panel.locator(".tether-Answer").last.wait_for()
    for _ in range(400):
        shown = page.evaluate(
            "[...document.querySelectorAll('#tether-chat .tether-Answer:not(.tether-far)')]"
            ".map(answer => answer.textContent)"
        )
        seen |= {int(found[1]) for text in shown if (found := re.match(r"\s*Begin (\d+)\.", text))}
        if len(seen) == len(PAYLOADS):
            break
        page.evaluate(
            """() => {
              const far = [...document.querySelectorAll('#tether-chat .tether-far.tether-Answer')].pop();
              // As by a reader's hand: the panel goes back to the end by itself otherwise.
              far?.dispatchEvent(new WheelEvent('wheel', { deltaY: -100, bubbles: true }));
              far?.scrollIntoView({ block: 'center' });
              return new Promise(done => setTimeout(done, 30));
            }"""
        )
    assert seen == set(range(1, len(PAYLOADS) + 1))
    assert page.evaluate(FOREIGN) == []
    nothing_loaded_or_ran(page)
    nothing_acts(page)


def test_payloads_that_arrive_three_characters_at_a_time(watched, hostile):
    page = watched
    lab = Lab(page, hostile)
    panel = lab.open_panel()
    panel.get_by_test_id("tether-newChat").or_(panel.get_by_test_id("tether-empty")).first.wait_for()
    for start in range(0, len(PAYLOADS), GROUP):
        words = "\n\n".join(PAYLOADS[start : start + GROUP])
        lab.ask(f"PANEL say>>Begin {start}.\n\n{words}\n\n````\n\nEND OF ANSWER {start}<<")
        panel.locator(".tether-Answer").last.get_by_text(f"END OF ANSWER {start}").wait_for()
        panel.get_by_test_id("tether-send").wait_for()
        assert page.evaluate(FOREIGN) == []
        nothing_loaded_or_ran(page)
    nothing_acts(page)


def test_no_diagram_fetches_a_picture(watched, hostile):
    page = watched
    lab = Lab(page, hostile)
    panel = lab.open_panel()
    for number, payload in enumerate(ICONS):
        # One that is safe is drawn after it, so that none is still to be drawn.
        lab.ask(f"PANEL say>>{payload}\n\n```mermaid\ngraph TD\nA-->B\n```\n\nEND OF ANSWER {number}<<")
        answer = panel.locator(".tether-Answer").last
        answer.get_by_text(f"END OF ANSWER {number}").wait_for()
        answer.locator(".tether-Diagram img").last.wait_for()
        nothing_loaded_or_ran(page)


def test_what_stands_around_an_answer_is_text_as_well(watched, hostile):
    page = watched
    evil = f'<img src="http://{HOST}/1.png" onerror="window.pwn(1)"> ![a](http://{HOST}/2.png)'
    evil += " [x](javascript:window.pwn(3))"
    error = {
        "type": "upstream_error",
        "message": f"message {evil}",
        "retryable": True,
        "hint": f"hint {evil}",
    }
    talk = kept(hostile, ["An answer."], model=f"mock:{evil}"[:390], error=error)
    in_front(page, hostile, {**talk, "title": evil})
    health = hostile.get("tether/health")
    health |= {"model": evil, "place": evil, "problem": evil, "status": "degraded"}
    health |= {"database": {"kind": "sqlite", "ok": False, "problem": evil}}
    page.route("**/tether/health*", lambda route: route.fulfill(json=health))
    page.route(
        "**/tether/suggestions*",
        lambda route: route.fulfill(
            json={"suggestions": [{"id": "s", "title": evil, "text": evil, "prompt": evil}]}
        ),
    )
    lab = Lab(page, hostile)
    panel = lab.open_panel()
    panel.get_by_test_id("tether-failure").first.wait_for()
    panel.get_by_text("hint <img").first.wait_for()
    nothing_loaded_or_ran(page)
    assert panel.locator("img, iframe, [onerror], a[href^=javascript]").count() == 0
    # And a question with markup in it is what was typed.
    lab.ask(evil)
    panel.locator(".tether-Question").last.get_by_text("<img src=").wait_for()
    panel.get_by_test_id("tether-send").wait_for()
    nothing_loaded_or_ran(page)
    assert panel.locator("img, iframe, [onerror], a[href^=javascript]").count() == 0
