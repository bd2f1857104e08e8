"""A model's answer made safe to render: nothing in it may load anything or become markup.

Markdown is kept. Outside of code, images become text and tags lose their meaning; code stays byte for byte.
Renderers disagree about where code begins and ends, so whatever they may take differently counts as text:
that can look odd, and never loads anything.
"""

from __future__ import annotations

import re

# What a renderer would act on: a tag, a comment or a declaration; an image; TeX that styles or loads.
DANGER = re.compile(r"<(?=[A-Za-z/!?])|!\[|\\(?=(?:style|class|cssId|require|includegraphics)\b)")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
OPENING = re.compile(r"^( *)(`{3,}(?=[^`]*$)|~{3,})")
LANGUAGE = re.compile(r"^( *[`~]+[ \t]*[\w.+#-]*).*$")
MATHS = re.compile(r"(?<!\\)(\$\$?)(?![\s$])([^`$]*?[^\s`$\\])\1")
TICKS = re.compile(r"`+")
MATHS_OPENS = ("$", "\\(", "\\[", "\\\\(", "\\\\[", "\\begin")
# Jupyter takes formulas out first, and lets one begin within code.
MATHS_INSIDE = re.compile(r"\\\\[(\[]|\\begin")
# A bare address, and the target and title of a link, may swallow a backtick.
ADDRESS = re.compile(r"(?:://|www\.|@)\S*$|\]\([^)]*$|\]:")
# Where a block begins behind a list's or a quotation's mark, its end depends on the lines that follow.
# So it does where a formula, once it is taken out, leaves a block's first line.
INNER = re.compile(r"^[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|>)[ \t]*)*(?:`{3,}|~{3,})")


def plain(text: str) -> str:
    """Return text without control characters, so that a terminal obeys nothing in it."""
    return CONTROL.sub("", text.replace("\r\n", "\n"))


def markdown(text: str, *, complete: bool = True) -> str:
    """Return an answer as Markdown that shows and loads nothing but its own text.

    Parameters
    ----------
    text:
        The answer so far.
    complete:
        Close a code block that the answer left open, so that something can follow it.
    """
    text = plain(text)
    if not DANGER.search(text):
        fence = open_fence(text) if complete else None
        return text if fence is None else f"{text.rstrip()}\n{fence}"
    return "\n".join(_Reader(complete).read(text.split("\n")))


def open_fence(text: str) -> str | None:
    """Return the line that would close the code block at the end of a text, if one is open there."""
    fence: tuple[str, str] | None = None
    for line in text.split("\n"):
        if fence is None:
            if opening := OPENING.match(line):
                fence = (opening[1], opening[2])
        elif _closes(line, fence[1]):
            fence = None
    return None if fence is None else "".join(fence)


class _Reader:
    """One pass over an answer's lines, which knows code from text."""

    def __init__(self, complete: bool) -> None:
        self._complete = complete
        self._out: list[str] = []
        self._block: list[str] = []
        self._doubt = False
        self._prose = ""

    def read(self, lines: list[str]) -> list[str]:
        fence: tuple[int, str] | None = None
        code: list[str] = []
        for raw in lines:
            mark = raw.lstrip(" \t")
            line = raw.expandtabs(4) if mark[:3] in ("```", "~~~") else raw
            if fence is not None:
                if _closes(line, fence[1]):
                    self._code(code, fence, closed=True)
                    fence, code = None, []
                else:
                    code.append(line)
            elif opening := OPENING.match(line):
                self._text()
                fence, code = (len(opening[1]), opening[2]), [line]
            elif line.strip(" \t"):
                self._doubt = self._doubt or bool(INNER.match(line))
                self._block.append(line)
            else:
                self._text()
                self._out.append(line)
        if fence is not None:
            self._code(code, fence, closed=False)
        self._text()
        return self._out

    def _text(self) -> None:
        """Take the paragraph so far."""
        block = "\n".join(self._block)
        self._block = []
        if not block:
            return
        self._prose += f"{block}\n"
        self._out.extend(_escape_all(block).split("\n") if self._doubt else _paragraph(block).split("\n"))

    def _open_formulas(self) -> list[str]:
        """Return the signs that would end a formula which the prose so far has left open."""
        signs = ["$$"] if self._prose.count("$$") % 2 else []
        for begin, end in (("\\[", "\\]"), ("\\(", "\\)"), ("\\begin{", "\\end{")):
            if self._prose.count(begin) > self._prose.count(end):
                signs.append(end)
        return signs

    def _code(self, lines: list[str], fence: tuple[int, str], *, closed: bool) -> None:
        """Take a fenced block, laid out so that every renderer sees the same one."""
        indent, ticks = fence
        inside = "\n".join(lines[1:])
        if any(sign in inside for sign in self._open_formulas()):
            # A formula that began before may end in here and take the block's first line with it.
            self._doubt = True
        if self._out and self._out[-1].strip():
            self._out.append("")
        if self._doubt:
            self._out.extend(_escape_all(line) for line in lines)
        else:
            # Of the info string only the language stays: a bar makes a table of it, TeX a formula.
            self._out.append(LANGUAGE.sub(r"\1", lines[0]))
            self._out.extend(_indented(line, indent) for line in lines[1:])
        if closed or self._complete:
            self._out.append(" " * indent + ticks)
            if closed:
                self._out.append("")


def _indented(line: str, indent: int) -> str:
    """Return a line of code so far to the right that it cannot end the list item it stands in."""
    if not line.strip(" \t") or len(line) - len(line.lstrip(" ")) >= indent:
        return line
    return " " * indent + line.lstrip(" ")


def _closes(line: str, ticks: str) -> bool:
    # Some renderers let either mark follow.
    bare = line.strip()
    return bare.startswith(ticks) and not bare.strip("`~")


def _paragraph(block: str) -> str:
    """Return a paragraph with everything but its code spans escaped."""
    out: list[str] = []
    maths = False
    for number, line in enumerate(lines := block.split("\n")):
        done, certain, maths = _line(line, maths)
        out.append(done)
        if not certain:
            return "\n".join([*out, *map(_escape_all, lines[number + 1 :])])
    return "\n".join(out)


def _line(line: str, maths: bool) -> tuple[str, bool, bool]:
    """Return a line escaped, whether its code spans are beyond doubt, and whether a formula may be open."""
    out: list[str] = []
    at = 0
    while run := TICKS.search(line, at):
        before = line[at : run.start()]
        closing = next((r for r in TICKS.finditer(line, run.end()) if len(r[0]) == len(run[0])), None)
        maths = maths or any(sign in before for sign in MATHS_OPENS)
        doubtful = (
            closing is None
            or before.endswith(("\\", "~"))
            or bool(ADDRESS.search(before))
            or "|" in (inside := line[run.end() : closing.start()])
            or (maths and ("$" in inside or "\\" in inside))
            or bool(MATHS_INSIDE.search(inside))
        )
        if doubtful or closing is None:
            return "".join([*out, _escape_all(line[at:])]), False, maths
        out += [_escape(before), line[run.start() : closing.end()]]
        at = closing.end()
    rest = line[at:]
    return "".join([*out, _escape(rest)]), True, maths or any(sign in rest for sign in MATHS_OPENS)


def _escape(text: str) -> str:
    """Return text outside of code, with formulas still readable."""
    out: list[str] = []
    at = 0
    for formula in MATHS.finditer(text):
        out += [_escape_all(text[at : formula.start()]), DANGER.sub(_spaced, formula[0])]
        at = formula.end()
    return "".join([*out, _escape_all(text[at:])])


def _escape_all(text: str) -> str:
    return DANGER.sub(_entity, text)


def _entity(found: re.Match[str]) -> str:
    # Without an end there is no tag, and a formula over several lines stays a formula.
    less = "&lt;" if ">" in found.string[found.end() :] else "< "
    return {"<": less, "![": "!&#91;", "\\": "\\ "}[found[0]]


def _spaced(found: re.Match[str]) -> str:
    # TeX takes no notice of the space, and neither a tag nor an image can begin with one.
    return {"<": "< ", "![": "! [", "\\": "\\ "}[found[0]]
