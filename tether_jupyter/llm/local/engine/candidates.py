"""The tokens that a chain of llama.cpp's samplers chooses among."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
COLUMNS = 256
"""In how many parts a vocabulary is looked through for its best tokens, at least."""
FEW = 1024
"""Tokens of which no best ones are looked for: a chain sorts them about as fast."""
BARRED = np.float32(1e30)


class Candidates:
    """An array that llama.cpp's samplers sort and cut in place.

    Parameters
    ----------
    size:
        Of the vocabulary.
    """

    def __init__(self, llama: Any, size: int) -> None:
        self.llama = llama
        self.rows = np.zeros(size, CANDIDATE)
        self.data = ctypes.cast(self.rows.ctypes.data, ctypes.POINTER(llama.llama_token_data))
        self.array = llama.llama_token_data_array(data=self.data, size=0, selected=-1, sorted=False)

    def choice(self, chain: Any, tokens: np.ndarray[Any, Any], logits: np.ndarray[Any, Any]) -> int:
        """Return a chain's choice among some tokens. It must not see one that cannot be chosen."""
        array, count = self.array, len(tokens)
        self.rows["id"][:count] = tokens
        self.rows["logit"][:count] = logits[tokens]
        array.data, array.size, array.selected, array.sorted = self.data, count, -1, False
        self.llama.llama_sampler_apply(chain, ctypes.byref(array))
        return int(array.data[max(0, array.selected)].id)


def best(logits: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    """Return the tokens with the largest logits, ascending: at least `count`, and not many more, or all.

    The maxima of some parts of a vocabulary are tokens of it, so its `count` largest logits are no smaller
    than the `count`-th largest of them.
    """
    columns = max(COLUMNS, 8 * count)
    height = len(logits) // columns
    if height < 2:
        return np.arange(len(logits))
    maxima = logits[: height * columns].reshape(height, columns).max(axis=0)
    found = np.flatnonzero(logits >= np.partition(maxima, columns - count)[columns - count])
    if len(found) > count + FEW:  # Many are equal.
        found = np.flatnonzero(logits >= np.partition(logits, len(logits) - count)[len(logits) - count])
    return found if count <= len(found) <= count + FEW else np.arange(len(logits))


def best_allowed(
    logits: np.ndarray[Any, Any], allowed: np.ndarray[Any, Any], count: int
) -> np.ndarray[Any, Any]:
    """Return the same of the tokens that a mask allows; all of those where they are few."""
    if np.count_nonzero(allowed) <= FEW:
        return np.flatnonzero(allowed)
    # Arithmetic is several times faster than choosing by the mask.
    barred = allowed.astype(np.float32)
    barred -= 1
    barred *= BARRED
    barred += logits
    found = best(barred, count)
    kept: np.ndarray[Any, Any] = found[allowed[found]]
    return kept
