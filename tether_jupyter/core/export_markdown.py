"""Markdown for files that anything may open: beyond what `core.inert` does, no link leads into a script."""

from __future__ import annotations

import html
import re

from tether_jupyter.core import inert

ANSI = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\|$)"  # What a terminal would take as its title, or as a link.
    r"|\x1b[PX^_].*?(?:\x1b\\|$)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?",
    re.DOTALL,
)
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Signs that make code look other than it is."""
SURROGATE = re.compile("[\ud800-\udfff]")
# The target is only looked at: another link may begin in it.
LINK = re.compile(r"\](?=[(:]([ \t]*\n?[ \t>]*<?[^\s)>]*))")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*(?=:)")
HARMLESS = frozenset({"http", "https", "mailto", "ftp", "doi"})
RUNNING = frozenset(
    {"javascript", "vbscript", "livescript", "data", "blob", "file", "command", "vscode", "jar"}
)
SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$-])")
FENCE = re.compile(r"^[ >]*(`{3,}|~{3,})")


def bare(text: str) -> str:
    """Return text without what a terminal or a screen obeys, and without what UTF-8 cannot write."""
    text = ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return SURROGATE.sub("\ufffd", inert.plain(text))


def code(text: str) -> str:
    """Return code for a cell: byte for byte, but for signs that no program needs."""
    return TURNING.sub("", bare(text))


def markdown(text: str) -> str:
    """Return Markdown that shows and loads nothing but its own text, and whose links lead to pages only."""
    return unlinked(inert.markdown(bare(text)))


def quotation(text: str) -> str:
    """Return text as a quotation in Markdown."""
    lines = markdown(text).strip("\n").split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines) if text.strip() else ""


def line(text: str) -> str:
    """Return text as one line of Markdown that shows it as it is."""
    text = TURNING.sub("", " ".join(bare(text).split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return SPECIAL.sub(r"\\\1", text)


def unlinked(text: str) -> str:
    """Return Markdown in which no link has a target that runs or reads something.

    A link whose target is not known to be harmless gets a space, which makes text of it. Inside of blocks,
    where code looks like that at times, only what would run gets one: so it does not matter here whether a
    renderer sees the same blocks.
    """
    if "](" not in text and "]:" not in text:
        return text
    inside = fenced(text)

    def apart(found: re.Match[str]) -> str:
        scheme = scheme_of(found[1])
        if scheme is None or scheme in HARMLESS:
            return found[0]
        if inside[found.start()] and scheme not in RUNNING:
            return found[0]
        return "] "

    return LINK.sub(apart, text)


def scheme_of(target: str) -> str | None:
    """Return the scheme of a link's target as a browser reads it, or `None` where it has none."""
    decoded = html.unescape(html.unescape(target)).replace("\\", "")
    decoded = re.sub(
        r"[\x00-\x20<>\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u00ad]", "", decoded
    )
    found = SCHEME.match(decoded.lower())
    return found[0] if found else None


def fenced(text: str) -> bytearray:
    """Return for each character whether it stands in a fenced block."""
    out = bytearray(len(text) + 1)
    at, mark = 0, ""
    for row in text.split("\n"):
        opening = FENCE.match(row)
        if mark:
            out[at : at + len(row)] = b"\x01" * len(row)
            bare_row = row.strip(" >")
            if bare_row.startswith(mark) and not bare_row.strip(mark[0]):
                mark = ""
        elif opening:
            mark = opening[1]
        at += len(row) + 1
    return out
