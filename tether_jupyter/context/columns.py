"""Secrets in the columns of tables that a text shows: printed frames, CSV, Markdown, boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tether_jupyter.context.assigned import kind_of
from tether_jupyter.context.secret_names import Strength, is_secret, strength
from tether_jupyter.core.secret_shapes import Span

MOST_ROWS = 2_000
MOST_INSIDE = 8
"""Headings that may stand in the rows of another, so that no line is read again and again."""
LONGEST_LINE = 20_000
SIGNS = ("|│┆", "\t", ",", ";")
NAME = re.compile(r"[\"']?[A-Za-z_][\w .-]{0,60}[\"']?")
WORD = re.compile(r"\S+")
PLAIN = re.compile(r"[\w.\\-]+")
FOOTER = re.compile(r"[ \t]*(?:Freq: \S{1,40}, )?Name: (?P<name>.{1,100}?), (?:Length: \d+, )?dtype: ")
RULE = re.compile(r"[\s|+:=│┆╞╪╡├┼┤─═┌┬┐└┴┘-]*$")
OTHER = re.compile(
    r"str|object|string|[iuf]\d{1,2}|bool|---|date|cat|category|-?\d{1,3}|-?\d*\.\d+(?:e[+-]?\d+)?|NaN|NaT|<NA>|None|null"
)
"""What stands in such a column and is no secret: a small number, a type, nothing."""

Cell = tuple[int, int]
Column = tuple[int, str, Strength]
"""A number of a column, its name, and what the name says."""


def found(text: str, words: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Yield the cells below a heading such as `password`, down to the next blank line.

    Parameters
    ----------
    words:
        The places of suspicious words in the text.
    """
    done = read = inside = above = 0
    for begin, stop in words:
        if begin < done:
            continue
        start = max(text.rfind("\n", done, begin) + 1, done)
        end = done = line_end(text, stop)
        if (footer := FOOTER.match(text, start, end)) is not None:
            yield from series(text, above, start, footer["name"])
            above = end
        if end == len(text) or end - start > LONGEST_LINE:
            continue
        inside = inside + 1 if start < read else 0
        if inside > MOST_INSIDE:
            continue
        rows = Rows(text, end)
        for span in below(text[start:end], rows):
            yield span
            done = max(done, span.end)
        read = max(read, rows.at)


def series(text: str, least: int, footer: int, name: str) -> Iterator[Span]:
    """Yield the values of a printed Series, up to a blank line from the one that has its name.

    Parameters
    ----------
    least:
        Where to stop at the latest.
    """
    power = strength(name)
    for _ in range(MOST_ROWS if power else 0):
        end = footer - 1
        footer = text.rfind("\n", least, max(least, end)) + 1 or least
        line = text[footer:end]
        if end <= least or len(line) > LONGEST_LINE or not (shown := line.rstrip()):
            return
        # A label, at least four blanks, the value; in place of rows that are left out, dots.
        begin = shown.rfind("    ") + 4
        if shown[:begin].strip():
            yield from cell(line, footer, (begin, len(shown)), name, power)
        elif shown.strip(" ."):
            return


class Rows:
    """The lines below a heading, up to a blank one.

    Parameters
    ----------
    at:
        Where the last one that was taken ends.
    """

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Yield where each line begins, and the line."""
        for _ in range(MOST_ROWS):
            if self.at >= len(self.text):
                return
            start, end = self.at + 1, line_end(self.text, self.at + 1)
            if end - start > LONGEST_LINE or not (line := self.text[start:end]).strip():
                return
            self.at = end
            yield start, line


def line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def below(heading: str, rows: Rows) -> Iterator[Span]:
    """Yield the secret cells below a line that may be a heading."""
    for signs in SIGNS:
        if any(sign in heading for sign in signs):
            cells = divided(heading, signs)
            names = [heading[a:b] for a, b in cells if a < b]
            # One column is headed by its name behind an index without one: ` | password`, `,password`.
            wide = len(names) >= 2 or (len(names) == 1 and cells[0][0] == cells[0][1])
            if wide and all(NAME.fullmatch(name) for name in names):
                yield from by_signs(heading, cells, signs, rows)
            return
    words = [match.span() for match in WORD.finditer(heading)]
    spaced = heading[:1] == " " or "  " in heading.strip()
    if spaced and all(PLAIN.fullmatch(heading, *word) for word in words):
        yield from by_width(heading, words, rows)


def suspects(heading: str, cells: list[Cell]) -> list[Column]:
    names = [(number, heading[a:b].strip(" \"'")) for number, (a, b) in enumerate(cells)]
    return [(number, name, strength(name)) for number, name in names if strength(name)]


def by_signs(heading: str, cells: list[Cell], signs: str, rows: Rows) -> Iterator[Span]:
    """Yield cells of a table whose columns are divided by signs."""
    columns = suspects(heading, cells)
    # Code begins its lines with such signs too; a row of one column has a label there.
    labelled = len(cells) == 2 and cells[0][0] == cells[0][1]
    for start, line in rows if columns else ():
        parts = divided(line, signs)
        if RULE.match(line):
            continue
        if len(parts) != len(cells) or (labelled and parts[0][0] == parts[0][1]):
            return
        for number, name, power in columns:
            yield from cell(line, start, parts[number], name, power)


def by_width(heading: str, words: list[Cell], rows: Rows) -> Iterator[Span]:
    """Yield cells of a table whose columns are divided by blanks: those that reach under the heading."""
    columns = suspects(heading, words)
    for start, line in rows if columns else ():
        if RULE.match(line):
            continue
        parts = [match.span() for match in WORD.finditer(line)]
        for number, name, power in columns:
            left, right = words[number - 1][1] if number else 0, words[number][1]
            if number == 0 and not heading.startswith(" "):
                left = words[0][0]
            reach = [p for p in parts if p[1] > left and p[0] < right]
            if reach and not (
                number == 0
                and heading.startswith(" ")
                and len(reach) < len(parts)
                and len(parts) == len(words)
            ):
                # The first word of a line is the row's label where the heading leaves room for one.
                if reach[0] == parts[0] and heading.startswith(" ") and len(parts) > len(words):
                    reach = reach[1:]
                if reach:
                    yield from cell(line, start, (reach[0][0], reach[-1][1]), name, power)


def divided(line: str, signs: str) -> list[Cell]:
    """Return where the cells of a line are, without the blanks and quotes around them."""
    cells = []
    start = 0
    quoted = False
    for at, sign in enumerate([*line, signs[0]]):
        if sign == '"' and signs not in (SIGNS[0], SIGNS[1]):
            quoted = not quoted
        if (sign in signs and not quoted) or at == len(line):
            a, b = start, at
            while a < b and line[a] in " \"'":
                a += 1
            while a < b and line[b - 1] in " \"'\r":
                b -= 1
            cells.append((a, b))
            start = at + 1
    return cells


def cell(line: str, start: int, place: Cell, name: str, power: Strength) -> Iterator[Span]:
    """Yield a cell if it is a secret; a number or a type is none."""
    value = line[slice(*place)]
    if value and not OTHER.fullmatch(value) and is_secret(value, name, power):
        yield Span(start + place[0], start + place[1], kind_of(name))
