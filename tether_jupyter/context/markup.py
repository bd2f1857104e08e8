"""HTML as text: no tags, scripts or styles. It only has to be read, so broken markup is no error."""

from __future__ import annotations

import html
import re

MOST_HTML = 48_000
"""Characters of a text in HTML that are looked at."""

TOKEN = re.compile(
    r"<(?P<close>/?)(?P<tag>[a-zA-Z][\w:-]{0,40})(?P<more>[^<>]{0,20000}+)>|<[!?][^>]{0,20000}+>"
)
OPAQUE = ("script", "style", "svg", "head", "template", "iframe", "math")
BLOCKS = frozenset({
    "p", "div", "br", "tr", "table", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "pre",
    "section", "article", "header", "footer", "hr", "dl", "dt", "dd", "summary", "details",
})  # fmt: skip


def closed(source: str) -> str:
    """Return HTML without comments and without elements whose content is not for reading."""
    source = cut(source, "<!--", "-->")
    for tag in OPAQUE:
        source = cut(source, f"<{tag}", f"</{tag}")
    return source


def cut(source: str, opening: str, closing: str) -> str:
    """Return a text without what stands from each opening to its closing; without a closing, to the end."""
    lower = source.lower()
    if opening not in lower or len(lower) != len(source):
        return source
    parts = []
    at = 0
    while (start := lower.find(opening, at)) >= 0:
        after = lower[start + len(opening) : start + len(opening) + 1]
        parts.append(source[at:start])
        if opening[1].isalpha() and after not in (">", " ", "\n", "\t", "/", "\r"):
            parts.append(source[start : start + len(opening)])
            at = start + len(opening)
            continue
        end = lower.find(closing, start + len(opening))
        if end < 0:
            return "".join(parts)
        at = end + len(closing)
        if not closing.endswith(">"):
            mark = source.find(">", at)
            at = mark + 1 if mark >= 0 else len(source)
    parts.append(source[at:])
    return "".join(parts)


def text_of(source: str) -> str:
    """Return the text of HTML, a line a block."""
    source = closed(source[:MOST_HTML])

    def signs(match: re.Match[str]) -> str:
        tag = (match["tag"] or "").lower()
        return "\n" if tag in BLOCKS else " " if tag in ("td", "th") else ""

    text = html.unescape(TOKEN.sub(signs, source))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
