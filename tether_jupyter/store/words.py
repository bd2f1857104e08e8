"""What somebody types to search for, and where a text has it.

A word is a run of letters and digits, whatever its case and accents: `df_total` and `pd.read_csv` are words
in a row, which is how the indexes of both databases see them too. What is written without spaces, such as
Chinese, Japanese and Thai, has no words that an index would see: the text itself is looked for. A word of
another script within such a run, as `pandas` in 使用pandas的, is a word here and none in an index. Nothing of
this is a syntax that can be wrong.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

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
UNSPACED_LETTERS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff"  # Han
    "\uf900-\ufaff\U00020000-\U0003ffff"
    "\u3041-\u309f\u30a1-\u30ff\u31f0-\u31ff\uff66-\uff9f\u3105-\u312f\u31a0-\u31bf"  # Kana, Bopomofo
    "\u0e01-\u0e3a\u0e40-\u0eff\u0f40-\u0fbc\u1000-\u109f\u1780-\u17ff"  # Thai to Khmer
    "\u1950-\u19df\u1a20-\u1aaf\ua000-\ua48c\ua9e0-\ua9ff\uaa60-\uaadf"
)
UNSPACED = re.compile(f"[{UNSPACED_LETTERS}]")
"""A letter of a script that is written without spaces between its words."""
LETTER = rf"[^\W_{UNSPACED_LETTERS}]"
"""A letter or a digit that goes on with a word. One of the others begins something else."""


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
    """Words that stand next to each other. The last one may go on where `beginning` says so.

    Parameters
    ----------
    text:
        What is looked for as it is, within words too, whatever its case; empty where the words are.
    like:
        What SQL's LIKE finds the words by, wherever a text has them as they were typed.
    """

    words: tuple[str, ...]
    beginning: bool = False
    text: str = ""
    like: str = field(default="", compare=False)

    @property
    def pattern(self) -> str:
        """A regular expression that finds the term in a folded text."""
        end = "" if self.beginning else f"(?!{LETTER})"
        return f"(?<!{LETTER})" + r"[\W_]+".join(map(re.escape, self.words)) + end


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
            typed_words = [word[:LONGEST_WORD] for word in WORD.findall(text)][:left]
            words = tuple(map(folded, typed_words))
            if not words:
                continue
            left -= len(words)
            if UNSPACED.search(text):
                terms.append(Term(words, text=bare(text)))
                if not left:
                    break
                continue
            open_end = chunk[1] is None and chunk.end() == len(typed) and typed[-1].isalnum()
            beginning = open_end and len(words[-1]) >= SHORTEST_BEGINNING
            terms.append(Term(words, beginning, like=f"%{'%'.join(map(wildcarded, typed_words))}%"))
            if not left:
                break
        return cls(tuple(dict.fromkeys(terms)))

    @property
    def indexed(self) -> tuple[Term, ...]:
        """The terms that an index knows."""
        return tuple(term for term in self.terms if not term.text)

    def likes(self) -> dict[str, str]:
        """Return what SQL's LIKE finds the other terms by, as parameters by name; `!` escapes."""
        texts = [re.sub(r"([!%_])", r"!\1", term.text) for term in self.terms if term.text]
        return {f"text{number}": f"%{text}%" for number, text in enumerate(texts)}

    def likely(self) -> dict[str, str]:
        """Return the same for all terms: of what it finds, `stands_in` says where they are words."""
        return {f"word{number}": term.like for number, term in enumerate(self.indexed)} | self.likes()

    def stands_in(self, text: str) -> bool:
        """Return whether a text with runs has the terms that an index knows, within the runs too."""
        if not UNSPACED.search(text, 0, READ_ON):
            return False
        look = folded(text[:READ_ON])
        return all(re.search(term.pattern, look) for term in self.indexed)

    def fts5(self) -> str:
        """Return the query in the form of SQLite's FTS5: quoted words, which it can only take as words."""
        return " AND ".join(
            f'"{" ".join(term.words)}"{" *" if term.beginning else ""}' for term in self.indexed
        )

    def tsquery(self, *, loose: bool = False) -> str:
        """Return the query in the form of PostgreSQL's `to_tsquery`; `loose` for the words in any order."""
        between = " & " if loose else " <-> "
        phrases = []
        for term in self.indexed:
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
        hits = list(self._hits(text[:READ_ON], look))
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

    def _hits(self, text: str, look: str) -> Iterator[tuple[int, int]]:
        """Yield where the terms stand, in order, up to a snippet's length behind the first place."""
        words = "|".join(term.pattern for term in self.indexed)
        texts = "|".join(re.escape(term.text) for term in self.terms if term.text)
        found = [re.finditer(words, look)] if words else []
        # Without its marks, a letter of these scripts is another one.
        found += [re.finditer(texts, text, re.IGNORECASE)] if texts else []
        first: int | None = None
        for start, stop in heapq.merge(*((each.span() for each in places) for places in found)):
            first = start if first is None else first
            if start > first + SNIPPET:
                return
            yield start, stop


def wildcarded(word: str) -> str:
    """Return a word for LIKE, which may not know the cases of a letter beyond ASCII, and knows no accents."""
    return "".join(c if c.isascii() or c.lower() == c.upper() else "%" for c in word)


def bare(text: str) -> str:
    """Return a text without the signs around it, and without what no database keeps."""
    kept = "".join(c for c in text if c != "\x00" and unicodedata.category(c) != "Cs")
    signs = [unicodedata.category(c)[0] in "PSZC" for c in kept]
    if all(signs):
        return ""
    return kept[signs.index(False) : len(kept) - signs[::-1].index(False)][:LONGEST_WORD]


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
