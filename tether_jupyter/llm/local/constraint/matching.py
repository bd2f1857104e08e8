"""Answers that are kept to a form while they are written, token by token. All of it runs in the worker."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.constraint import forms, guidance
from tether_jupyter.llm.local.constraint.forms import Form
from tether_jupyter.llm.local.constraint.places import Place, Tree
from tether_jupyter.llm.local.constraint.tokens import Tokens, Vocabulary

if TYPE_CHECKING:
    import numpy as np
    from llguidance import LLMatcher
    from numpy.typing import NDArray

KEPT = 16
"""Grammars that are kept ready for further answers."""
MAX_DEPTH = 32
"""Objects and arrays inside each other, from which on the shortest way out is taken: no reader of JSON takes
any depth."""
LONGEST_WAY = 2000
MOST_STEPS = 2500
MAX_HINTS = 200
HINTS = [b"0", b"1", b'""', b"null", b"true", b"false", b"[", b"{"]
SEARCH = 200
"""States that are looked at to find a name or an item which was not there yet."""
TRIES = 3
FEW = 6


@dataclass(frozen=True)
class Prepared:
    """A form, ready to begin answers with."""

    tokens: Tokens
    beginning: LLMatcher
    tree: Tree | None
    hints: tuple[tuple[int, ...], ...] = ()
    endings: tuple[tuple[int, ...], ...] = ()
    """Tokens of pieces of JSON, and ends of texts in it, by which an end may be reached."""


class Constraints:
    """The constraints of one loaded model.

    Parameters
    ----------
    vocabulary:
        The model's. It is read when the first constraint is needed: about a second for 150,000 tokens.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.lock = Lock()
        self.ready: dict[Form, Prepared] = {}

    @cached_property
    def tokens(self) -> Tokens:
        """The model's tokens."""
        return Tokens(self.vocabulary)

    def compile(self, response_format: dict[str, Any] | None) -> Constraint | None:
        """Return the constraint for one answer; `None` where any text will do.

        Raises
        ------
        InvalidRequest
            It asks for what cannot be kept; the message names the keyword.
        ModelNotReady
            The library that keeps answers to a form is not installed.
        """
        with self.lock:
            form = forms.read(response_format)
            if form is None:
                return None
            prepared = self.ready.pop(form, None)
            if prepared is None:
                prepared = prepare(self.tokens, form)
            self.ready[form] = prepared
            while len(self.ready) > KEPT:
                self.ready.pop(next(iter(self.ready)))
            found = Constraint(prepared, prepared.beginning.deep_copy(), Place() if prepared.tree else None)
        if not found.mask().any():
            raise InvalidRequest("This model has no tokens for what `response_format` asks for.")
        return found


def prepare(tokens: Tokens, form: Form) -> Prepared:
    """Return a form, ready for a model's tokens."""
    beginning = guidance.matcher(tokens.tokenizer, form.grammar)
    if form.writer is None:
        return Prepared(tokens, beginning, None)
    layout = form.writer.layout
    tree = Tree(layout)
    texts = {text.encode() for text in itertools.islice(layout.literals(), MAX_HINTS)}
    endings = {f'{text}"'.encode() for text in itertools.islice(layout.endings(), MAX_HINTS)}
    hints = (*HINTS, *sorted(texts, key=len))
    simple = Prepared(
        tokens, beginning, tree, tokens.spellings(hints), tokens.spellings(sorted(endings, key=len))
    )
    found = []
    for node in itertools.islice(layout.contained(), MAX_HINTS):
        alone = guidance.matcher(tokens.tokenizer, form.writer.beginning(node))
        way = Constraint(simple, alone, Place()).closing(LONGEST_WAY)
        if way:
            found.append(tuple(way[:-1]))
    return replace(simple, hints=(*found, *simple.hints))


class Constraint:
    """What may come next in one answer. For one thread at a time."""

    def __init__(self, prepared: Prepared, matcher: LLMatcher, place: Place | None) -> None:
        self.prepared, self.matcher, self.place = prepared, matcher, place
        self.tokens = prepared.tokens
        self.following: tuple[int, Place | None] = (-1, None)
        self.way: list[int] = []

    @property
    def finished(self) -> bool:
        """Whether nothing but the end may come."""
        return self.matcher.is_stopped()

    def copy(self) -> Constraint:
        """Return a constraint at the same place that goes on by itself."""
        found = Constraint(self.prepared, self.matcher.deep_copy(), self.place)
        found.way = list(self.way)
        return found

    def allows(self, token: int) -> bool:
        """Return whether a token may come now."""
        if token in self.tokens.ends:
            return self.matcher.is_accepting()
        if not 0 <= token < self.tokens.size or not self.tokens.pieces[token]:
            return False
        if self.matcher.validate_tokens([token]) != 1:
            return False
        if (only := self.only()) is not None:
            return token == only
        return self.place is None or self.fits(token) is not None

    def accept(self, token: int) -> None:
        """Go on past a token that is allowed.

        Raises
        ------
        InvalidRequest
            It leads to where the form is too complex to go on.
        ValueError
            It is not allowed.
        """
        if token in self.tokens.ends and self.matcher.is_accepting():
            return
        place = self.fits(token) if self.place is not None else None
        if (self.place is not None and place is None) or self.matcher.try_consume_tokens([token]) != 1:
            if self.matcher.is_error():
                raise guidance.too_complex()
            raise ValueError("this token is not allowed here")
        self.place = place
        self.following = (-1, None)
        self.way = self.way[1:] if self.way[:1] == [token] else []

    def mask(self) -> NDArray[np.bool_]:
        """Return for each token whether it may come now, ends included: an array of the vocabulary's size.

        Raises
        ------
        InvalidRequest
            The form is too complex to go on.
        """
        found = self.plain_mask()
        only = self.only()
        if only is not None:
            found[:] = False
            found[only] = True
            return found
        for token in self.doubtful(found):
            if self.fits(token) is None:
                found[token] = False
        return found

    def forced(self, limit: int) -> list[int]:
        """Return tokens that spell what must come next in any case, at most `limit`; often none."""
        data = self.matcher.compute_ff_bytes()
        if not data:
            return []
        ahead, found = self.copy(), []
        for token in self.tokens.spell(data)[:limit]:
            if not ahead.allows(token):
                break
            ahead.accept(token)
            found.append(token)
        return found

    def closing(self, limit: int) -> list[int] | None:
        """Return a way of at most `limit` tokens that ends with an end token; `None` if none is found."""
        fuel = [MOST_STEPS]
        for attempt in range(TRIES):
            way = self.copy().walk(min(limit, LONGEST_WAY), attempt, fuel)
            if way:
                return way
            if way is None and limit < LONGEST_WAY:
                break  # What looked shortest is too long; luck helps where there seemed to be no way at all.
        return None

    def ends_with(self, tokens: list[int]) -> bool:
        """Return whether some tokens, the last of which is an end, surely end the answer: one quick look.

        It may be `False` where they do, if it must be looked up whether names or items have run out.
        """
        place, tree = self.place, self.prepared.tree
        if tokens[-1] not in self.tokens.ends or (tree is not None and tree.careful):
            return False
        if self.matcher.validate_tokens(tokens) != len(tokens):
            return False
        data = b"".join(self.tokens.pieces[token] for token in tokens[:-1])
        return place is None or tree is None or place.after(data, tree) is not None

    def plain_mask(self) -> NDArray[np.bool_]:
        """Return which tokens the grammar takes."""
        import numpy as np

        bits = np.frombuffer(self.matcher.compute_bitmask(), np.uint8)
        if self.matcher.is_error():
            raise guidance.too_complex()
        found = np.unpackbits(bits, count=self.tokens.size, bitorder="little").view(np.bool_)
        found &= self.tokens.usable
        return found

    def fits(self, token: int) -> Place | None:
        """Return the place after a token that the grammar takes; `None` where something would come twice.

        So does a token after which all that can come was there already.
        """
        place, tree = self.place, self.prepared.tree
        if place is None or tree is None:
            return None
        if self.following[0] != token:
            after = place.after(self.tokens.pieces[token], tree)
            if after is not None and tree.may_run_out(after):
                ahead = self.matcher.deep_copy()
                if ahead.try_consume_tokens([token]) != 1 or not self.goes_on(ahead, after, tree, [SEARCH]):
                    after = None
            self.following = (token, after)
        return self.following[1]

    def goes_on(self, matcher: LLMatcher, place: Place, tree: Tree, fuel: list[int]) -> bool:
        """Return whether something may come after a place that was not there already."""
        if matcher.is_accepting():
            return True
        fuel[0] -= 1
        if fuel[0] < 0:
            return False
        risky = []
        found = Constraint(self.prepared, matcher, place).plain_mask().nonzero()[0]
        for some in (found[:SEARCH], found[SEARCH:]):
            for token in some.tolist():
                following = place.after(self.tokens.pieces[token], tree)
                if following is not None and not following.at_risk:
                    return True
                if following is not None:
                    risky.append((token, following))
        for token, following in risky:
            further = matcher.deep_copy()
            if further.try_consume_tokens([token]) == 1 and self.goes_on(further, following, tree, fuel):
                return True
        return False

    def doubtful(self, mask: NDArray[np.bool_]) -> list[int]:
        """Return those tokens of a mask after which a name or an item might have come twice."""
        place, tree, tokens = self.place, self.prepared.tree, self.tokens
        if place is None or tree is None:
            return []
        unique = bool(place.frames) and place.frames[-1].unique
        if tree.careful and not place.in_text and unique:
            return list(mask.nonzero()[0].tolist())
        if tree.careful and not place.in_text:
            few = tokens.with_mark
        elif unique or place.at_risk:
            few = tokens.with_quote
        else:
            few = tokens.with_more if tree.careful else tokens.with_quotes
        found: list[int] = few[mask[few]].tolist()
        return found + self.repeating(mask, place) if tree.careful and place.at_risk else found

    def repeating(self, mask: NDArray[np.bool_], place: Place) -> list[int]:
        """Return those tokens of a mask that go on as something which was there already."""
        found = set()
        for known in place.frames[-1].seen:
            rest = known[len(place.part) :] if known.startswith(place.part) else b""
            for length in range(1, min(len(rest), self.tokens.longest) + 1):
                token = self.tokens.spelling.get(rest[:length])
                if token is not None and mask[token]:
                    found.add(token)
        return sorted(found)

    def only(self) -> int | None:
        """Return the one token that may come, where the answer is so deep that it must find its way out."""
        if self.place is None or self.place.depth <= MAX_DEPTH:
            return None
        if not self.way:
            self.way = self.closing(LONGEST_WAY) or []
        return self.way[0] if self.way else None

    def walk(self, limit: int, attempt: int, fuel: list[int]) -> list[int] | None:
        """Go to the end by whatever looks shortest, and return the tokens.

        There are none where nothing seems to lead on; it is `None` where the way is too long.
        """
        used: defaultdict[object, float] = defaultdict(float)
        luck = random.Random(attempt)
        found: list[int] = []
        while not self.matcher.is_accepting():
            steps = self.tokens.spell(self.matcher.compute_ff_bytes())
            if not steps or not self.takes(steps[0]):
                steps = self.step(used, luck, attempt)
            fuel[0] -= 1
            if not steps:
                return []
            if len(found) + len(steps) >= limit or fuel[0] < 0:
                return None
            for token in steps:
                if not self.takes(token):
                    break
                self.accept(token)
                found.append(token)
        return [*found, self.tokens.ends[0]] if self.tokens.ends else found

    def takes(self, token: int) -> bool:
        """Return whether a token may come now, however deep that leads."""
        return self.matcher.validate_tokens([token]) == 1 and (
            self.place is None or self.fits(token) is not None
        )

    def step(self, used: defaultdict[object, float], luck: random.Random, attempt: int) -> list[int]:
        """Return tokens that lead on; none where none do. What came less often before is taken first."""
        inside = self.place is not None and self.place.in_text
        closers = self.tokens.closers[inside] if self.place is not None else []
        if not inside or not attempt or luck.random() < 0.5:
            for token in closers:
                if self.takes(token):
                    return [token]
        mask = self.plain_mask()
        hints = [each for each in (self.prepared.endings if inside else self.prepared.hints) if mask[each[0]]]
        for hint in sorted(hints, key=lambda hint: used[hint])[:FEW]:
            if self.matcher.validate_tokens(list(hint)) == len(hint) and self.takes(hint[0]):
                used[hint] += 1
                return list(hint)
            used[hint] += 0.01
        single: list[int] = self.tokens.single[mask[self.tokens.single]].tolist()
        if attempt:
            luck.shuffle(single)
        for token in itertools.chain(sorted(single, key=lambda token: used[token]), self.short(mask)):
            if self.takes(token):
                used[token] += 1
                return [token]
        return []

    def short(self, mask: NDArray[np.bool_]) -> Iterator[int]:
        """Yield tokens of a mask, the shortest first."""
        found = mask.nonzero()[0]
        ordered = found[self.tokens.lengths[found].argsort(kind="stable")][:SEARCH]
        yield from (token for token in ordered.tolist() if token not in self.tokens.ends)
