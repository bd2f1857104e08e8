"""Guess the next tokens from what was said: an answer that edits a cell repeats most of it."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST, LONGEST = 3, 7
"""How many tokens must have been said before in this order, at best and after bad guesses."""
DRAFTS = (3, 7, 15, 31, 79)
"""Lengths of drafts.

With the token that is known a step has a multiple of four rows, which processors like. Without a GPU a row
costs a third of a lone one from 8 rows to 48, more up to 63, and less from 64 on.
"""
RESUMED = 7
"""The longest draft where a copy seems to go on behind an edit: that is found by one token."""
TRUST = 1.5
"""By how much a draft may be longer than the copy is expected to go on."""
ENOUGH = 3
"""Tokens that must come true for a draft to have been worth its time, about."""
LONGEST_PAUSE = 64
NEAR = 24
"""How many tokens an edit in a copy may add or take away, for the copy to be found again at once."""


class Lookup:
    """All tokens of a turn, and where in them to look for what comes next.

    A wrong guess costs the time of its tokens, a right one saves as many steps. So drafts grow while they
    come true, and after a bad one more evidence is asked for. Only tokens decide, never the clock: the same
    request must take the same steps.
    """

    def __init__(self, tokens: Iterable[int]) -> None:
        self.tokens: list[int] = []
        self.places: dict[tuple[int, ...], int] = {}
        self.evidence = SHORTEST
        self.misses = self.pause = 0
        """Bad guesses in a row, and for how many tokens nothing is guessed because of them."""
        self.source: int | None = None
        """Where the copy goes on, as long as it comes true."""
        self.edited: int | None = None
        """The first place that the copy did not repeat, while it may go on behind it."""
        self.end = 0
        """How many tokens there were when one of these was noted."""
        self.run = self.previous = 0
        """Tokens of the copy since its last edit, and of the one before that."""
        self.extend(tokens)

    def extend(self, tokens: Iterable[int]) -> None:
        """Note tokens that were said."""
        for token in tokens:
            self.tokens.append(token)
            end = len(self.tokens) - 1
            if end >= SHORTEST:
                # The place after the tokens before this one: what follows them is this one.
                self.places[tuple(self.tokens[end - SHORTEST : end])] = end

    @property
    def ready(self) -> bool:
        """Whether there may be a draft now, at a quick look."""
        if self.pause:
            return False
        return self.edited is not None or tuple(self.tokens[-SHORTEST:]) in self.places

    def draft(self, most: int) -> list[int]:
        """Return up to `most` tokens that may come next."""
        if self.pause:
            self.pause -= 1
            return []
        length = min(self.length(), most)
        if length <= 0:
            return []
        if self.end != len(self.tokens):
            self.source = None
        place = self.source
        if place is None:
            place = self.behind()
        if place is None:
            place = self.before()
        if place is None:
            return []
        self.source = place
        return self.tokens[place : place + length]

    def length(self) -> int:
        """Return how long a draft may be: a copy goes on as far as it has come, or as the last one did."""
        expected = max(self.run, self.previous - self.run)
        longest = min(TRUST * expected, DRAFTS[-1] if self.run else RESUMED)
        return max((length for length in DRAFTS if length <= longest), default=DRAFTS[0])

    def before(self) -> int | None:
        """Return the place of what followed when the last tokens were said before."""
        place = self.places.get(tuple(self.tokens[-SHORTEST:]))
        end, evidence = len(self.tokens), self.evidence
        if place is None or place < evidence:
            return None
        return place if self.tokens[place - evidence : place] == self.tokens[end - evidence :] else None

    def behind(self) -> int | None:
        """Return the place where a copy goes on behind an edit, found by the last token, or the last two."""
        if self.edited is None:
            return None
        said = len(self.tokens) - self.end
        if said > NEAR:
            self.edited = None
            return None
        start = self.edited
        piece = self.tokens[start : min(start + NEAR, self.end)]
        if not self.misses and piece.count(self.tokens[-1]) == 1:
            return start + piece.index(self.tokens[-1]) + 1
        last = self.tokens[-2:]
        found = (start + at + 2 for at in range(len(piece) - 1) if piece[at : at + 2] == last)
        return next(found, None) if said else None

    def learn(self, offered: int, taken: int) -> None:
        """Take in how many tokens of the last draft came true."""
        source, self.source = self.source, None
        end = len(self.tokens)
        if taken == offered or taken >= ENOUGH:
            self.evidence, self.misses = SHORTEST, 0
            self.run += taken
            self.end = end
            if source is None:
                return
            # One token more was chosen than was guessed: the source goes on only if it has that one, too.
            place = source + taken
            if place + 1 < end and self.tokens[place] == self.tokens[end - 1]:
                self.run += 1
                self.source = place + 1
            else:
                self.edited = place
                self.run, self.previous = 0, self.run
            return
        known = self.edited is not None and not self.misses
        self.run = self.previous = 0
        self.misses += 1
        if known:  # It was not behind the edit yet.
            return
        self.edited = None
        self.evidence = min(self.evidence + 2, LONGEST)
        self.pause = min(1 << self.misses, LONGEST_PAUSE)
