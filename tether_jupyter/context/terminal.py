"""What a terminal shows in the end of what was written to it: moved bars, no colours, not too many lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tether_jupyter.context import gaps

MOST_READ = 64_000
"""Characters at either end of a long output that are looked at."""
HEAD_LINES, TAIL_LINES = 30, 15
LONGEST_LINE = 500
FARTHEST = 200
"""Columns that a cursor may be moved to the right of a line's end."""

CONTROL = re.compile(r"[\r\b\x1b\x9b\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# An unclosed title or link ends with its line.
STEP = re.compile(
    r"(?P<text>[^\r\n\b\x1b\x9b\x00-\x08\x0b\x0c\x0e-\x1f\x7f]++)"
    r"|(?P<line>\r*\n)|(?P<home>\r+)|(?P<back>\x08+)"
    r"|\x1b\][^\x07\x1b\n]{0,4000}(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b\n]{0,4000}(?:\x1b\\)?"
    r"|(?:\x1b\[|\x9b)(?P<figures>[0-?]{0,40})[ -/]{0,10}(?P<order>[@-~]?)"
    r"|\x1b[ -/]{0,10}[0-~]?|.",
    re.DOTALL,
)


def plain(text: str) -> str:
    """Return a text without colours and other orders to a terminal; nothing is overwritten."""
    if not CONTROL.search(text):
        return text
    return "".join(step["text"] or ("\n" if step["line"] else "") for step in STEP.finditer(text))


def shown(text: str) -> str:
    """Return what stands on the screen after a text: `\\r`, `\\b`, erasing and moving up are followed."""
    if not CONTROL.search(text.replace("\r\n", "\n")):
        return text.replace("\r\n", "\n")
    lines: list[list[str]] = [[]]
    row = column = 0
    for step in STEP.finditer(text):
        line = lines[row]
        if written := step["text"]:
            if column > len(line):
                line.extend(" " * (column - len(line)))
            line[column : column + len(written)] = written
            column += len(written)
        elif step["line"]:
            row, column = row + 1, 0
            if row == len(lines):
                lines.append([])
        elif step["home"]:
            column = 0
        elif step["back"]:
            column = max(0, column - len(step["back"]))
        elif order := step["order"]:
            row, column = obey(order, step["figures"], lines, row, column)
    return "\n".join("".join(line).rstrip() if line else "" for line in lines)


def obey(order: str, figures: str, lines: list[list[str]], row: int, column: int) -> tuple[int, int]:
    """Do what a control sequence orders; return where the cursor stands then."""
    first = figures.split(";")[0]
    count = min(int(first), 10_000) if first.isascii() and first.isdigit() else 0
    if order == "A":
        row = max(0, row - max(1, count))
    elif order == "B":
        row = min(len(lines) - 1, row + max(1, count))
    elif order == "C":
        column = min(column + max(1, count), max(column, len(lines[row]) + FARTHEST))
    elif order == "D":
        column = max(0, column - max(1, count))
    elif order == "G":
        column = min(max(0, count - 1), len(lines[row]) + FARTHEST)
    elif order == "K":
        if count == 0:
            del lines[row][column:]
        elif count == 2:
            lines[row].clear()
    return row, column


def reduced(text: str, head: int = HEAD_LINES, tail: int = TAIL_LINES) -> str:
    """Return what a stream shows: its first and last lines, and how many were left out between them."""
    return shortened([text], head, tail)


def shortened(
    texts: Sequence[str],
    head: int = HEAD_LINES,
    tail: int = TAIL_LINES,
    clean: Callable[[str], str] | None = None,
) -> str:
    """Return what streams show one after the other, as `reduced` does: of a bar that moved, its last place.

    Parameters
    ----------
    clean:
        What is done to each part that is looked at, before long lines lose their middle.
    """
    if clean is None:
        clean = str
    lines: list[str] = []
    skipped = at = 0
    about = ""
    for text in texts:
        if gone := gaps.lines_in(text):
            about = "about "
        if len(text) > 2 * MOST_READ:
            skipped += gone
            first, last = cut_at_line(text[:MOST_READ]), cut_at_line(text[-MOST_READ:], end=True)
            skipped += max(0, text.count("\n") - first.count("\n") - last.count("\n") - 1)
            begun = shown(clean(first)).split("\n")
            skipped += max(0, len(begun) - head)
            lines += begun[:head]
            at = len(lines)
            text = last
        lines += shown(clean(text)).rstrip("\n").split("\n")
    lines, gone = last_of_bars(lines)
    at = max(0, min(at - gone, head)) if skipped else head
    if len(lines) > head + tail + 2:
        at = at or head
        skipped += len(lines) - at - tail + gaps.lines_in("\n".join(lines[at:-tail]))
        lines = [*lines[:at], *lines[-tail:]]
    lines = [short_line(line) for line in lines]
    if skipped:
        lines.insert(at, f"[… {about}{skipped:,} lines left out …]")
    return "\n".join(lines)


def last_of_bars(lines: list[str]) -> tuple[list[str], int]:
    """Return lines with the last state of each progress bar, and how many of others went."""
    bars = {number: bar[1] for number, line in enumerate(lines) if "%" in line and (bar := BAR.match(line))}
    last = {label: number for number, label in bars.items()}
    kept = [line for number, line in enumerate(lines) if number not in bars or last[bars[number]] == number]
    return kept, len(lines) - len(kept)


BAR = re.compile(r"(.{0,80}?)\s*\d{1,3}%\s?\|")


def cut_at_line(text: str, *, end: bool = False) -> str:
    """Return a text without the broken line at its end, or at its beginning for the end of one."""
    at = text.find("\n") if end else text.rfind("\n")
    if at < 0:
        return text
    return text[at + 1 :] if end else text[:at]


def short_line(line: str, most: int = LONGEST_LINE) -> str:
    """Return a line, without its middle where it is too long."""
    if len(line) <= most:
        return line
    return f"{line[: most * 3 // 4]} [… {len(line) - most:,} characters left out …] {line[-most // 4 :]}"
