"""A model's tokens as constraints need them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from tether_jupyter.llm.local.constraint import guidance

if TYPE_CHECKING:
    import numpy as np
    from llguidance import LLTokenizer
    from numpy.typing import NDArray

SLICES = [r'[^"\\\x00-\x1F\x7F]{1,10}', r'[^"\\\x00-\x1F\x7F]{1,30}', r'[^"\\\x00-\x1F\x7F]+']
"""Sets of tokens that are looked at as one: nearly all of them may come in a text."""

ORDER = sorted(range(0x20, 0x7F), key=lambda code: (chr(code).isalnum(), code))
"""Characters in the order in which they are tried to get to an end: what parts words before letters."""


class Vocabulary(Protocol):
    """What is asked of a model's vocabulary."""

    @property
    def size(self) -> int: ...

    def piece(self, token: int, /) -> bytes: ...

    def ends(self, token: int, /) -> bool: ...


class Tokens:
    """All tokens of a model.

    Parameters
    ----------
    vocabulary:
        The model's; control tokens have no bytes there.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        import numpy as np

        self.size = vocabulary.size
        self.pieces = [vocabulary.piece(token) for token in range(self.size)]
        self.ends = [token for token in range(self.size) if vocabulary.ends(token)]
        ends = set(self.ends)
        self.spelling: dict[bytes, int] = {}
        for token, piece in enumerate(self.pieces):
            if piece and token not in ends:
                self.spelling.setdefault(piece, token)
        single = [self.spelling[bytes([code])] for code in ORDER if bytes([code]) in self.spelling]
        self.single = np.array(single, np.intp)
        closers = {True: b'"', False: b"}]"}
        self.closers = {
            inside: [self.spelling[bytes([code])] for code in codes if bytes([code]) in self.spelling]
            for inside, codes in closers.items()
        }
        """What ends a text, and what ends an object or array."""
        self.longest = max(map(len, self.spelling), default=1)
        quotes = np.array([piece.count(b'"') for piece in self.pieces])
        commas = np.array([b"," in piece for piece in self.pieces])
        self.with_quote = np.flatnonzero(quotes > 0)
        self.with_quotes = np.flatnonzero(quotes > 1)
        self.with_mark = np.flatnonzero((quotes > 0) | commas)
        self.with_more = np.flatnonzero((quotes > 1) | ((quotes > 0) & commas))
        self.usable: NDArray[np.bool_] = np.array([bool(piece) for piece in self.pieces])
        self.usable[self.ends] = True
        self.lengths = np.array([len(piece) or 10**6 for piece in self.pieces])
        self.tokenizer = self.native()

    def spellings(self, texts: Iterable[bytes]) -> tuple[tuple[int, ...], ...]:
        """Return the tokens of those texts that have some."""
        found = [(text, self.spell(text)) for text in texts]
        return tuple(
            tuple(tokens)
            for text, tokens in found
            if tokens and sum(len(self.pieces[token]) for token in tokens) == len(text)
        )

    def spell(self, data: bytes) -> list[int]:
        """Return tokens for some bytes, the longest first; fewer where there is none for what follows."""
        found, at = [], 0
        while at < len(data):
            for length in range(min(self.longest, len(data) - at), 0, -1):
                token = self.spelling.get(data[at : at + length])
                if token is not None:
                    found.append(token)
                    at += length
                    break
            else:
                break
        return found

    def native(self) -> LLTokenizer:
        """Return the tokens in the library's own form: a tree of all pieces."""
        llguidance = guidance.library()
        # Without an end, such as the vocabulary of a broken file has none, an answer ends when it is full.
        ends = self.ends or [self.size]
        pieces = [*self.pieces, *([] if self.ends else [b""])]
        special = [token for token, piece in enumerate(pieces) if not piece or token in set(ends)]
        source = Source(pieces, ends[0], special, self.spell)
        found: LLTokenizer = llguidance.LLTokenizer(
            llguidance.TokenizerWrapper(source), n_vocab=len(pieces), eos_token=ends, slices=SLICES
        )
        return found


class Source:
    """The tokens under the names by which the library asks for them."""

    bos_token_id = None

    def __init__(
        self, tokens: list[bytes], eos_token_id: int, special_token_ids: list[int], spell: Any
    ) -> None:
        self.tokens, self.eos_token_id, self.special_token_ids = tokens, eos_token_id, special_token_ids
        self.spell = spell

    def __call__(self, data: bytes | str) -> list[int]:
        found: list[int] = self.spell(data.encode() if isinstance(data, str) else data)
        return found
