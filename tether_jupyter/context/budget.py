"""What fits: pieces are chosen by rank, whole, in the model's own tokens, and what stays out is listed."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tether_jupyter.context.piece import Piece

Count = Callable[[Sequence[str]], Sequence[int]]
"""Texts in, their tokens out, in order: the model's own tokenizer."""

TAGS = 16
"""Tokens that the tags around a piece cost, besides its name."""
CHARACTERS_PER_TOKEN = 16
"""No text but blanks has so many for one token on average: fewer tokens it cannot be."""
BATCH = 64
MOST_KNOWN = 4_096
LEAST_PART = 48
"""Tokens below which a shortened piece says too little."""
LEAST_OF_A_LINE = 64
"""Characters of a line that is too long, below which they say too little."""

OVER = "It does not fit beside what matters more."
ALONE = "It alone is larger than all the room there is."


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was chosen.

    Parameters
    ----------
    kept:
        In the order in which they were given.
    left_out:
        What was not, or only in part: `{"kind", "name", "tokens", "why"}`. `tokens` is a lower bound where a
        piece was too long to be worth counting.
    tokens:
        Of what is kept, with the tags.
    """

    kept: list[Piece] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0


class Counted:
    """Counts texts in few calls, and no text twice.

    Parameters
    ----------
    count:
        The model's tokenizer. One of these serves one model.
    """

    def __init__(self, count: Count) -> None:
        self._count = count
        self._known: OrderedDict[bytes, int] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> list[int]:
        keys = [
            hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts
        ]
        with self._lock:
            known = {key: self._known[key] for key in keys if key in self._known}
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            known.update(zip(new, self._count(list(new.values())), strict=True))
            with self._lock:
                for key in new:
                    self._known[key] = known[key]
                while len(self._known) > MOST_KNOWN:
                    self._known.popitem(last=False)
        return [known[key] for key in keys]


def fit(pieces: Sequence[Piece], budget: int, count: Count, *, shorten: Collection[str] = ()) -> Fitted:
    """Choose pieces by rank until the budget is spent; a smaller one may still go where a larger one did not.

    Parameters
    ----------
    pieces:
        In the order in which a model reads them.
    budget:
        Tokens that all of them may have together, with their tags.
    count:
        The model's tokenizer, at best a `Counted` that lives as long as the model.
    shorten:
        Kinds of pieces whose head may go with a note where the whole is larger than the room that is left.
    """
    order = sorted(range(len(pieces)), key=lambda at: -pieces[at].rank)
    room = max(0, budget)
    kept: dict[int, Piece] = {}
    left: dict[int, dict[str, Any]] = {}
    while order:
        batch, order = split(pieces, order, room)
        sizes = dict(zip(batch, measured([pieces[at] for at in batch], budget, count), strict=True))
        for at in batch:
            piece, tokens = pieces[at], sizes[at]
            if tokens <= room:
                kept[at] = piece
                room -= tokens
                continue
            left[at] = absent(piece, tokens, ALONE if tokens > budget else OVER)
            if piece.kind in shorten and room >= LEAST_PART + TAGS:
                part = shortened(piece, room, count)
                if part is not None:
                    kept[at], used, note = part
                    left[at]["why"] = note
                    room -= used
    return Fitted([kept[at] for at in sorted(kept)], [left[at] for at in sorted(left)], max(0, budget) - room)


def split(pieces: Sequence[Piece], order: list[int], room: int) -> tuple[list[int], list[int]]:
    """Return the next pieces worth counting together: about what may fit, so that the rest is not counted."""
    least = 0
    for number, at in enumerate(order):
        least += lower_bound(pieces[at])
        if number + 1 >= BATCH or (least > 2 * room and number >= 7):
            return order[: number + 1], order[number + 1 :]
    return order, []


def lower_bound(piece: Piece) -> int:
    """Return how many tokens a piece has at the very least."""
    return TAGS + len(piece.text) // CHARACTERS_PER_TOKEN


def measured(pieces: Sequence[Piece], budget: int, count: Count) -> list[int]:
    """Return how many tokens each piece has with its tags; the lower bound where that is over the budget."""
    least = [lower_bound(piece) for piece in pieces]
    small = [at for at, tokens in enumerate(least) if tokens <= budget]
    if small:
        texts = [f"{pieces[at].name}\n{pieces[at].text}" for at in small]
        for at, tokens in zip(small, count(texts), strict=True):
            least[at] = max(tokens, 0) + TAGS
    return least


def shortened(piece: Piece, room: int, count: Count) -> tuple[Piece, int, str] | None:
    """Return a piece's beginning with a note, what it costs, and why; `None` where nothing fits.

    It ends with a line, unless not even the first one fits.
    """
    lines = piece.text[: room * CHARACTERS_PER_TOKEN].split("\n")
    total = piece.text.count("\n") + 1
    least, most = 0, min(len(lines), total - 1)
    best: tuple[Piece, int, str] | None = None
    while least < most:
        # Four places at once: a call costs more than what it counts.
        tries = sorted({least + (most - least) * part // 4 for part in (1, 2, 3, 4)} - {least})
        parts = [headed(piece, lines[:number], number, total) for number in tries]
        sizes = measured([part for part, _ in parts], room, count)
        for number, (part, note), tokens in zip(tries, parts, sizes, strict=True):
            if tokens <= room and number > least:
                least, best = number, (part, tokens, note)
            elif tokens > room:
                most = min(most, number - 1)
    return best or within_line(piece, room, count)


def within_line(piece: Piece, room: int, count: Count) -> tuple[Piece, int, str] | None:
    """Return the beginning of a piece whose first line is too long, as `shortened` does."""
    whole = piece.text
    length = min(len(whole), room * CHARACTERS_PER_TOKEN)
    while length >= LEAST_OF_A_LINE:
        note = f"Only the first {length:,} of {len(whole):,} characters are here."
        part = replace(piece, text=f"{whole[:length]}\n[{note}]")
        [tokens] = measured([part], room, count)
        if tokens <= room:
            return part, tokens, note
        # A little less than what the last count promises: a few counts are enough.
        length = min(length - 1, length * room * 9 // (tokens * 10))
    return None


def headed(piece: Piece, lines: list[str], number: int, total: int) -> tuple[Piece, str]:
    note = f"Only the first {number:,} of {total:,} lines are here."
    return replace(piece, text="\n".join([*lines, f"[{note}]"])), note


def absent(piece: Piece, tokens: int, why: str) -> dict[str, Any]:
    return {"kind": piece.kind, "name": piece.name, "tokens": tokens, "why": why}
