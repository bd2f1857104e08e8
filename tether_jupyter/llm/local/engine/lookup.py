"""Guess the next tokens from what was said: an answer that edits a cell repeats most of it."""

from __future__ import annotations

from collections.abc import Iterable

SHORTEST, LONGEST = 3, 6
"""How many tokens must have been said before in this order, at best and after bad guesses."""
FIRST_DRAFT, LONGEST_DRAFT = 8, 32
ENOUGH = 4
"""Tokens that must come true for a draft to have been worth its time, about."""
LONGEST_PAUSE = 64


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
        self.length = FIRST_DRAFT
        self.misses = self.pause = 0
        """Bad guesses in a row, and for how many tokens nothing is guessed because of them."""
        self.source: int | None = None
        """Where the last draft goes on, as long as it comes true."""
        self.extend(tokens)

    def extend(self, tokens: Iterable[int]) -> None:
        """Note tokens that were said."""
        for token in tokens:
            self.tokens.append(token)
            end = len(self.tokens) - 1
            if end >= SHORTEST:
                # The place after the tokens before this one: what follows them is this one.
                self.places[tuple(self.tokens[end - SHORTEST : end])] = end

    def draft(self, most: int) -> list[int]:
        """Return up to `most` tokens that may come next."""
        if self.pause:
            self.pause -= 1
            return []
        length = min(self.length, most)
        if length <= 0:
            return []
        place = self.source
        if place is None:
            place = self.places.get(tuple(self.tokens[-SHORTEST:]))
            if place is None or not self.proven(place):
                return []
        self.source = place
        return self.tokens[place : place + length]

    def proven(self, place: int) -> bool:
        """Return whether enough tokens before a place are those that were said last."""
        end = len(self.tokens)
        evidence = self.evidence
        return (
            place >= evidence and self.tokens[place - evidence : place] == self.tokens[end - evidence : end]
        )

    def learn(self, offered: int, taken: int) -> None:
        """Take in how many tokens of the last draft came true."""
        if taken == offered:
            self.length = min(self.length * 2, LONGEST_DRAFT)
            self.evidence, self.misses = SHORTEST, 0
            if self.source is not None:
                # One token more was chosen than was guessed: the source goes on only if it has that one, too.
                self.source += taken + 1
                end = len(self.tokens)
                if self.source >= end or self.tokens[self.source - 1] != self.tokens[end - 1]:
                    self.source = None
            return
        self.source = None
        self.length = FIRST_DRAFT
        if taken >= ENOUGH:  # An edit in a copy: what comes after it is likely to be the copy again.
            self.length, self.evidence, self.misses = max(FIRST_DRAFT, taken), SHORTEST, 0
            return
        self.misses += 1
        self.evidence = min(self.evidence + 1, LONGEST)
        self.pause = min(1 << self.misses, LONGEST_PAUSE)
