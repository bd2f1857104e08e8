"""The widget's front end alone: what a model writes stays text, and everything can be done by keyboard."""

import pytest

from tests.e2e.bare_page import ADDRESS, Bare, done, question, writing

pytestmark = pytest.mark.browser

ELSEWHERE = "http://198.51.100.7"
PAYLOADS = [
    "<script>window.pwned = 1</script>",
    f"<script src='{ELSEWHERE}/s.js'></script>",
    "<img src=x onerror='window.pwned = 1'>",
    f"![pixel]({ELSEWHERE}/pixel.png)",
    f"![ref][r]\n\n[r]: {ELSEWHERE}/reference.png",
    f"<svg onload='window.pwned = 1'><image href='{ELSEWHERE}/i.png'/></svg>",
    f"<iframe src='{ELSEWHERE}/f'></iframe>",
    "<iframe srcdoc='<script>parent.pwned = 1</script>'></iframe>",
    f"<video autoplay src='{ELSEWHERE}/v.mp4'></video>",
    f"<style>@import url({ELSEWHERE}/s.css); * {{ display: none }}</style>",
    f"<link rel=stylesheet href='{ELSEWHERE}/l.css'>",
    f"<base href='{ELSEWHERE}/'>",
    f"<meta http-equiv=refresh content='0;url={ELSEWHERE}/m'>",
    f"<object data='{ELSEWHERE}/o'></object><embed src='{ELSEWHERE}/e'>",
    f"<form action='{ELSEWHERE}/form'><input autofocus onfocus='window.pwned = 1'></form>",
    "[click](javascript:window.pwned=1)",
    "[click](JaVaScRiPt&colon;window.pwned=1)",
    "[click](java\tscript:window.pwned=1) [click](&#106;avascript:window.pwned=1)",
    "[click](data:text/html,<script>opener.pwned=1</script>)",
    "[click](vbscript:x) [click](file:///etc/passwd) [click](//198.51.100.7/x)",
    "<javascript:window.pwned=1>",
    "<a href='javascript:window.pwned=1' style='position:fixed;inset:0'>x</a>",
    f"$\\href{{{ELSEWHERE}/}}{{x}}$ $\\includegraphics{{{ELSEWHERE}/x.png}}$",
    f"$\\style{{background:url({ELSEWHERE}/x)}}{{x}}$ $\\class{{tw-link}}{{x}}$ $\\data{{address=x}}{{x}}$",
    "$$\\def\\x{\\x\\x}\\x$$ $\\rule{9999em}{9999em}$",
    "$<img src=x onerror=window.pwned=1>$ $\\text{<img src=x onerror=window.pwned=1>}$",
    "```\"><img src=x onerror=window.pwned=1>\n<img src=x onerror=window.pwned=1>\n```",
    "```html\n<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>\n```",
    "| <img src=x onerror=window.pwned=1> |\n| - |\n| `<script>window.pwned=1</script>` |",
    "> " * 3000 + "deep",
    "- " * 3000 + "deep",
    "[" * 3000 + "](x)" * 3000,
    "&lt;img src=x onerror=window.pwned=1&gt; &#60;script&#62;window.pwned=1&#60;/script&#62;",
    "</div></section><script>window.pwned = 1</script><!-- <img src=x onerror=window.pwned=1> -->",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=1></style></mglyph></table></math>",
    "\u202e<\u2066script>window.pwned=1</script>\U000e0041",
]  # fmt: skip
PLAIN = """
blockquote br button code del div em h3 h4 h5 h6 hr li ol p pre span strong table tbody td th thead tr ul
"""
STRANGE = """([root, plain]) => [...root.querySelectorAll('*')].filter(one => {
  const known = one.namespaceURI.endsWith('MathML') || plain.includes(one.localName);
  const names = one.getAttributeNames();
  return !known || names.some(name => /^on|^src|href|^action|^id$/.test(name));
}).map(one => one.outerHTML.slice(0, 200))"""
RICH = r"""The mean is $\bar{x} = \frac{1}{n}\sum_i x_i$, or

$$\sigma^2 = \sum_i (x_i - \bar{x})^2$$

```python
def total(prices):
    return sum(prices)  # a comment that is long enough that it has to scroll within its own block
```

| a | b |
| - | -: |
| `x` | 2 |

See [the docs](https://pandas.pydata.org/docs/?a=1&b=2) and <https://аpple.com/>.

END"""


def test_nothing_in_an_answer_runs_loads_or_becomes_markup(page):
    bare = Bare(page)
    problems = []
    for payload in PAYLOADS:
        for pieces in (1, 7):
            text = bare.answer(f"{payload}\n\nEND", pieces=pieces)
            if "END" not in text.inner_text():
                problems.append(f"it does not end: {payload[:60]}")
            problems += page.evaluate(STRANGE, [text.element_handle(), PLAIN.split()])
            for link in text.locator(".tw-link").all():
                problems += [] if link.get_attribute("data-address").startswith("http") else [payload]
    page.wait_for_load_state("networkidle")
    assert problems == []
    assert page.elsewhere == []
    assert page.evaluate("window.pwned") is None
    assert page.url == ADDRESS


def test_a_question_is_text_too(page):
    bare = Bare(page)
    bare.hello(question("q", "<img src=x onerror='window.pwned = 1'> *not* emphasised"))
    assert bare.log.get_by_text("<img src=x onerror='window.pwned = 1'> *not* emphasised").is_visible()
    assert page.evaluate("window.pwned") is None


def test_markdown_formulas_and_code_render_offline(page):
    bare = Bare(page)
    text = bare.answer(RICH, pieces=20)
    assert text.locator("math").count() == 2
    assert text.locator("math[display=block]").count() == 1
    assert text.locator("pre .hljs-keyword").first.inner_text() == "def"
    assert text.locator("td").all_inner_texts() == ["x", "2"]
    assert page.elsewhere == []


def test_a_streamed_answer_ends_as_the_whole_one_does(page):
    bare = Bare(page)
    inside = "node => node.innerHTML"
    at_once = bare.answer(RICH).evaluate(inside)
    assert bare.answer(RICH, pieces=50).evaluate(inside) == at_once


def test_a_link_shows_its_whole_address_before_it_opens(page):
    bare = Bare(page)
    text = bare.answer(RICH)
    first, second = text.locator(".tw-link").all()
    first.click()
    shown = text.locator(".tw-address")
    assert shown.locator("code").inner_text() == "https://pandas.pydata.org/docs/?a=1&b=2"
    anchor = shown.get_by_role("link", name="Open")
    assert anchor.get_attribute("href") == "https://pandas.pydata.org/docs/?a=1&b=2"
    assert anchor.get_attribute("rel") == "noopener noreferrer nofollow"
    first.click()
    # A name that only looks familiar is shown as what it is.
    second.click()
    assert "xn--pple-43d.com" in shown.inner_text()
    assert page.elsewhere == []


def test_enter_sends_shift_enter_does_not_and_composing_never(page):
    bare = Bare(page)
    bare.box.fill("にほん")
    for composing in ({"isComposing": True}, {"keyCode": 229}):
        bare.box.dispatch_event("keydown", {"key": "Enter", **composing})
    bare.box.press("Shift+Enter")
    assert bare.sent("knock") == []
    assert bare.box.input_value() == "にほん\n"
    bare.type("にほんご")
    assert [message["text"] for message in bare.sent("ask")] == ["にほんご"]
    assert bare.box.input_value() == ""


def test_a_busy_kernel_is_named_and_the_question_can_be_taken_back(page):
    bare = Bare(page)
    bare.box.fill("are you there?")
    bare.box.press("Enter")
    bare.status.get_by_text("The kernel is busy; your question waits.").wait_for()
    assert bare.log.get_by_text("are you there?").is_visible()
    bare.box.press("Escape")
    assert bare.box.input_value() == "are you there?"
    bare.tell(kind="here", view=bare.sent("knock")[0]["view"])
    # What was taken back is not asked when the kernel comes round.
    assert bare.sent("ask") == []


def test_escape_and_the_button_stop_an_answer(page):
    bare = Bare(page)
    live = {"id": "a", "phase": "writing"}
    for stop in (
        lambda: page.keyboard.press("Escape"),
        lambda: bare.chat.get_by_role("button", name="Stop").click(),
    ):
        bare.hello(question("q", "why?"), writing("a", "half"), live=live)
        bare.box.focus()
        stop()
        assert bare.status.inner_text() == "Stopping"
        bare.tell(kind="end", row={**done("a", "tiny · stopped by you"), "state": "stopped"}, size=4)
    assert len(bare.sent("stop")) == 2
    assert bare.log.get_by_text("tiny · stopped by you").is_visible()


def test_up_edits_the_last_question_and_escape_leaves_it(page):
    bare = Bare(page)
    bare.answer("so")
    bare.box.focus()
    page.keyboard.press("ArrowUp")
    assert bare.box.input_value() == "why?"
    page.keyboard.press("Escape")
    assert bare.box.input_value() == ""
    page.keyboard.press("ArrowUp")
    bare.type("why not?")
    assert bare.sent("ask") == [{"kind": "ask", "text": "why not?", "instead_of": "q"}]


def test_a_failure_offers_to_try_again(page):
    bare = Bare(page)
    failed = {
        **writing("a", "half"),
        "state": "failed",
        "problem": {"message": "It broke.", "hint": "Ask again."},
    }
    bare.hello(question("q", "why?"), failed)
    assert bare.log.get_by_text("It broke.").is_visible()
    assert bare.log.get_by_text("Ask again.").is_visible()
    bare.log.get_by_role("button", name="Try again").click()
    assert bare.sent("again") == [{"kind": "again", "id": "a"}]


def test_words_that_were_not_taken_come_back(page):
    bare = Bare(page)
    bare.type("what is @anwser?")
    bare.tell(kind="refused", text="what is @anwser?", why="There is no variable `anwser` here.")
    assert bare.box.input_value() == "what is @anwser?"
    assert bare.status.inner_text() == "There is no variable `anwser` here."


def test_an_edit_that_was_not_taken_is_an_edit_still(page):
    bare = Bare(page)
    bare.answer("so")
    bare.box.focus()
    page.keyboard.press("ArrowUp")
    bare.type("why @anwser?")
    bare.tell(kind="refused", text="why @anwser?", why="There is no variable `anwser` here.")
    assert bare.status.inner_text() == "There is no variable `anwser` here."
    bare.type("why @answer?")
    assert [each["instead_of"] for each in bare.sent("ask")] == ["q", "q"]


def test_a_selection_survives_what_is_written_behind_it(page):
    bare = Bare(page)
    bare.hello(question("q", "why?"), writing("a"), live={"id": "a", "phase": "writing"})
    bare.tell(kind="more", id="a", at=0, text="Some words that")
    bare.log.get_by_text("Some words that").wait_for()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('.tw-text p'))")
    at = len("Some words that")
    for piece in (" go on", " **and** on", "\n\nuntil the end."):
        bare.tell(kind="more", id="a", at=at, text=piece)
        at += len(piece)
    bare.log.get_by_text("until the end.").wait_for()
    assert page.evaluate("getSelection().toString()").startswith("Some words that")


def test_it_follows_only_a_reader_at_the_end(page):
    bare = Bare(page)
    bare.hello(question("q", "why?"), writing("a"), live={"id": "a", "phase": "writing"})
    text = "line\n\n" * 60
    bare.tell(kind="more", id="a", at=0, text=text)
    page.wait_for_function("document.querySelectorAll('.tw-text p').length === 60")
    below = "(log => log.scrollHeight - log.scrollTop - log.clientHeight)(document.querySelector('.tw-log'))"
    page.wait_for_function(f"{below} < 2")
    bare.log.evaluate("log => (log.scrollTop = 100)")
    to_end = bare.chat.get_by_role("button", name="To the end")
    to_end.wait_for()
    bare.tell(kind="more", id="a", at=len(text), text="more\n\n" * 20)
    page.wait_for_function("document.querySelectorAll('.tw-text p').length === 80")
    assert bare.log.evaluate("log => log.scrollTop") == 100
    to_end.click()
    page.wait_for_function(f"{below} < 2")


def test_a_piece_that_was_missed_is_asked_for(page):
    bare = Bare(page)
    bare.hello(question("q", "why?"), writing("a", "ab"), live={"id": "a", "phase": "writing"})
    greetings = len(bare.sent("hello"))
    bare.tell(kind="more", id="a", at=4, text="ef")
    assert len(bare.sent("hello")) == greetings + 1
    # One that came twice is taken once.
    bare.tell(kind="more", id="a", at=1, text="bc")
    bare.log.get_by_text("abc").wait_for()


def test_code_scrolls_within_itself_takes_the_focus_and_can_be_copied(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bare = Bare(page, width=320)
    text = bare.answer(RICH)
    pre = text.locator("pre")
    assert pre.evaluate("pre => pre.scrollWidth > pre.clientWidth")
    pre.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('.tw-code pre').scrollLeft > 0")
    text.get_by_role("button", name="Copy").click()
    text.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("def total(prices):\n    return")


@pytest.mark.parametrize("width", [300, 420, 700])
def test_nothing_overflows_at_any_width(page, width):
    bare = Bare(page, width=width)
    wide = "`" + "x" * 200 + "` " + "y" * 200 + "\n\n| " + " | ".join(["column"] * 20) + " |\n|" + " - |" * 20
    bare.answer(f"{RICH}\n\n{wide}\n\n$$\\sum {'+ x ' * 80}$$")
    bare.tell(kind="facts", facts={"name": "long-" * 20, "place": "this machine", "notice": "n" * 300})
    over = bare.chat.evaluate("""root => {
      const edge = root.getBoundingClientRect().right + 0.5;
      return [...root.querySelectorAll('*')].filter(one =>
        !one.closest('.tw-code pre, .tw-table, .tw-formula, .tw-spoken, .tw-modelWords') &&
        one.getBoundingClientRect().right > edge).map(one => one.className);
    }""")
    assert over == []
    assert bare.chat.evaluate("root => root.scrollWidth <= root.clientWidth")


def test_a_screen_reader_hears_what_happens_and_the_whole_answer_once(page):
    bare = Bare(page)
    spoken = bare.chat.get_by_role("status")
    bare.hello(question("q", "why?"), writing("a"), live={"id": "a", "phase": "queued", "position": 2})
    assert bare.log.get_attribute("aria-live") == "off"
    assert spoken.inner_text() == "Waiting, 2nd in line"
    bare.tell(kind="phase", id="a", phase="loading", name="tiny", progress=0.4)
    assert bare.status.inner_text() == "Loading tiny, 40 %"
    bare.tell(kind="phase", id="a", phase="writing")
    bare.tell(kind="more", id="a", at=0, text="One. ")
    bare.tell(kind="more", id="a", at=5, text="Two.")
    assert spoken.inner_text() == "Writing"
    bare.tell(kind="end", row=done("a"), size=9)
    assert spoken.inner_text() == "One. Two."


def test_the_model_is_chosen_by_keyboard(page):
    bare = Bare(page)
    bare.hello(label="local:tiny", name="tiny", place="this machine", chosen={})
    bare.chat.locator(".tw-model").press("Enter")
    assert bare.sent("models")
    row = {"place": "this machine", "active": True, "problem": None}
    models = [{"label": "local:tiny", "name": "tiny", **row}, {"label": "mock:m", "name": "m", **row}]
    bare.tell(kind="models", models=models, presets=["brief"], problem=None)
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert bare.sent("use") == [{"kind": "use", "model": "mock:m", "preset": None}]
    assert page.evaluate("document.activeElement.className").endswith("tw-model")
    bare.tell(kind="facts", facts={"name": "m", "place": "this machine", "chosen": {"model": "mock:m"}})
    assert bare.chat.locator(".tw-model").inner_text().startswith("m · this machine")


def test_a_saved_conversation_reads_without_a_kernel(page):
    saved = [question("q", "why?"), {**done("a"), "text": RICH}]
    bare = Bare(page, saved, kernel=False)
    bare.status.get_by_text("Saved conversation. Run the cell to go on with it.").wait_for()
    assert bare.log.get_by_text("END").is_visible()
    assert bare.log.locator("math").count() == 2
    assert not bare.box.is_visible()
    # A kernel that comes round after all takes it up again.
    bare.hello(question("q", "why?"), label="local:tiny")
    assert bare.box.is_visible()


def test_what_is_typed_outlives_a_view_that_is_drawn_anew(page):
    bare = Bare(page)
    bare.box.fill("half a question")
    page.evaluate("""async () => {
      window.leave();
      const module = await import('/chat.js');
      document.getElementById('here').replaceChildren();
      window.leave = module.default.render({model: window.model, el: document.getElementById('here')});
    }""")
    assert bare.box.input_value() == "half a question"


def test_two_views_stay_in_step(page):
    bare = Bare(page)
    page.evaluate("""async () => {
      const module = await import('/chat.js');
      const el = document.body.appendChild(document.createElement('div'));
      module.default.render({model: window.model, el});
    }""")
    bare.hello(question("q", "why?"), writing("a"), live={"id": "a", "phase": "writing"})
    bare.tell(kind="more", id="a", at=0, text="so it is")
    for log in page.get_by_role("log").all():
        log.get_by_text("so it is").wait_for()
    # Only the view that knocked is let in.
    bare.tell(kind="end", row=done("a"), size=8)
    first, second = page.locator(".tether-widget textarea").all()
    first.fill("mine")
    first.press("Enter")
    second.fill("yours")
    bare.tell(kind="here", view=bare.sent("knock")[-1]["view"])
    assert [message["text"] for message in bare.sent("ask")] == ["mine"]
    assert second.input_value() == "yours"


def test_motion_is_left_out_for_who_asks_for_that(page):
    page.emulate_media(reduced_motion="reduce")
    bare = Bare(page)
    bare.hello(question("q", "why?"), writing("a"), live={"id": "a", "phase": "writing"})
    name = "node => getComputedStyle(node, '::before').animationName"
    assert bare.status.evaluate(name) == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert bare.status.evaluate(name) == "tw-breathe"
