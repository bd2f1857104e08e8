"""The tokens of one step."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np


class Batch:
    """Tokens of any slots, in arrays of our own that llama.cpp reads in place.

    Parameters
    ----------
    size:
        The most tokens of a step: more would end the process.
    slots:
        How many slots there are.
    """

    def __init__(self, llama: Any, size: int, slots: int) -> None:
        self.size = size
        self.count = 0
        self.tokens = np.zeros(size, np.int32)
        self.positions = np.zeros(size, np.int32)
        self.counts = np.ones(size, np.int32)
        self.wanted = np.zeros(size, np.int8)
        self.slots = np.arange(slots, dtype=np.int32)
        self.places = self.slots.ctypes.data + 4 * np.arange(slots, dtype=np.uintp)
        self.sequences = np.zeros(size, np.uintp)
        self._native = llama.llama_batch(
            n_tokens=0,
            token=pointer(self.tokens, llama.llama_token),
            embd=None,
            pos=pointer(self.positions, llama.llama_pos),
            n_seq_id=pointer(self.counts, ctypes.c_int32),
            seq_id=pointer(self.sequences, ctypes.POINTER(llama.llama_seq_id)),
            logits=pointer(self.wanted, ctypes.c_int8),
        )

    @property
    def room(self) -> int:
        """How many tokens still go in."""
        return self.size - self.count

    def clear(self) -> None:
        """Take everything out."""
        self.count = 0

    def add(self, slot: int, tokens: Sequence[int] | np.ndarray[Any, Any], position: int, wanted: int) -> int:
        """Add the next tokens of a slot, and return the row of the first one.

        Parameters
        ----------
        position:
            How many tokens the slot holds already.
        wanted:
            Of how many of the last tokens the logits are needed; asking for others ends the process.
        """
        first, end = self.count, self.count + len(tokens)
        if not first < end <= self.size:
            raise ValueError(f"{len(tokens)} tokens do not go into the batch: {self.room} are free")
        if len(tokens) == 1 and wanted == 1:  # Nearly every step of an answer: no arrays for one number.
            self.tokens[first], self.positions[first] = tokens[0], position
            self.sequences[first], self.wanted[first] = self.places[slot], 1
            self.count = end
            return first
        self.tokens[first:end] = tokens
        self.positions[first:end] = np.arange(position, position + end - first)
        self.sequences[first:end] = self.places[slot]
        self.wanted[first : end - wanted] = 0
        self.wanted[end - wanted : end] = 1
        self.count = end
        return first

    def native(self) -> Any:
        """Return llama.cpp's view."""
        self._native.n_tokens = self.count
        return self._native


def pointer(array: np.ndarray[Any, Any], kind: Any) -> Any:
    """Return a native pointer to an array, which must outlive it."""
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))
