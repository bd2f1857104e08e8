"""What somebody types to search for, and where a text has it.

A word is a run of letters and digits, whatever its case and accents: `df_total` and `pd.read_csv` are words
in a row, which is how the indexes of both databases see them too. Nothing of this is a syntax that can be
wrong.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

MOST_TYPED = 2000
MOST_WORDS = 16
LONGEST_WORD = 500
SHORTEST_BEGINNING = 2
SNIPPET = 160
"""Characters of a snippet, about."""
READ_ON = 1_000_000
"""How far into a text the place to show is looked for."""

CHUNK = re.compile(r'"([^"]*)"?|([^"\s]+)')
WORD = re.compile(r"[^\W_]+")
SPACE = re.compile(r"\s+")


class Folding(dict[int, int]):
    """A table for `str.translate` that takes case and accents off, one character for one."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        base = unicodedata.normalize("NFD", character)[0].lower()
        self[code] = found = ord(base) if len(base) == 1 else code
        return found


FOLDING = Folding()


def folded(text: str) -> str:
    """Return a text without case and accents, as long as it was."""
    if text.isascii():
        return text.lower()
    return text.translate(FOLDING)


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand next to each other. The last one may go on where `beginning` says so."""

    words: tuple[str, ...]
    beginning: bool = False

    @property
    def pattern(self) -> str:
        """A regular expression that finds the term in a folded text."""
        end = "" if self.beginning else r"(?![^\W_])"
        return r"(?<![^\W_])" + r"[\W_]+".join(map(re.escape, self.words)) + end


@dataclass(frozen=True, slots=True)
class Query:
    """All terms that a text must have."""

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, typed: str) -> Query:
        """Return what somebody means; no terms where there is no word in it.

        Text in quotation marks is a phrase. The last word may be half typed: it finds what begins with it,
        unless a space or a quotation mark ends it.
        """
        typed = typed[:MOST_TYPED]
        terms: list[Term] = []
        left = MOST_WORDS
        for chunk in CHUNK.finditer(typed):
            # Composed, for a letter and its accent are one word.
            text = unicodedata.normalize("NFC", chunk[0])
            words = tuple(folded(word)[:LONGEST_WORD] for word in WORD.findall(text))[:left]
            if not words:
                continue
            left -= len(words)
            open_end = chunk[1] is None and chunk.end() == len(typed) and typed[-1].isalnum()
            terms.append(Term(words, open_end and len(words[-1]) >= SHORTEST_BEGINNING))
            if not left:
                break
        return cls(tuple(dict.fromkeys(terms)))

    def fts5(self) -> str:
        """Return the query in the form of SQLite's FTS5: quoted words, which it can only take as words."""
        return " AND ".join(
            f'"{" ".join(term.words)}"{" *" if term.beginning else ""}' for term in self.terms
        )

    def tsquery(self, *, loose: bool = False) -> str:
        """Return the query in the form of PostgreSQL's `to_tsquery`; `loose` for the words in any order."""
        between = " & " if loose else " <-> "
        phrases = []
        for term in self.terms:
            quoted = [f"'{word}'" for word in term.words]
            quoted[-1] += ":*" if term.beginning else ""
            phrases.append(f"({between.join(quoted)})")
        return " & ".join(phrases)

    def pieces(self, text: str, size: int = SNIPPET) -> list[dict[str, object]]:
        """Return the part of a text that shows the query best: `[{"text": str, "hit": bool}, …]`.

        Pieces are bare text in order. Whoever shows them makes elements of them, and so there is no mark-up
        in which a message could hide some of its own.
        """
        look = folded(text[:READ_ON])
        hits = list(self._hits(look))
        begin, end = window(text, hits, size)
        out: list[dict[str, object]] = []

        def add(part: str, hit: bool) -> None:
            part = SPACE.sub(" ", part)
            if part and out and out[-1]["hit"] == hit:
                out[-1]["text"] = f"{out[-1]['text']}{part}"
            elif part:
                out.append({"text": part, "hit": hit})

        if begin > 0:
            add("…", False)
        at = begin
        for start, stop in hits:
            if start >= at and stop <= end:
                add(text[at:start], False)
                add(text[start:stop], True)
                at = stop
        add(text[at:end], False)
        if end < len(text):
            add("…", False)
        return out

    def _hits(self, look: str) -> Iterator[tuple[int, int]]:
        """Yield where the terms stand, in order, up to a snippet's length behind the first place."""
        if not self.terms:
            return
        first: int | None = None
        for found in re.finditer("|".join(term.pattern for term in self.terms), look):
            first = found.start() if first is None else first
            if found.start() > first + SNIPPET:
                return
            yield found.span()


def window(text: str, hits: list[tuple[int, int]], size: int) -> tuple[int, int]:
    """Return the begin and the end of the part to show, which cuts no word in two."""
    if len(text) <= size:
        return 0, len(text)
    first = hits[0][0] if hits else 0
    begin = max(0, min(first - size // 4, len(text) - size))
    if begin > 0 and (space := text.find(" ", begin, first)) != -1:
        begin = space + 1
    end = min(len(text), begin + size)
    if end < len(text) and (space := text.rfind(" ", max(begin, hits[0][1] if hits else 0), end)) > begin:
        end = space
    return begin, end
