"""What a model's conversations take in memory, by what its file says of its layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

MOST = 1 << 24
"""No figure of a layer is larger."""
EVERY_FOURTH = ("qwen3next", "qwen35")
"""Hybrids of which every fourth layer has attention, where the file does not say so."""
NUMBER, STATE = 2, 4
"""Bytes of a number in the cache of attention, and in a recurrent layer's state."""


class Footprint:
    """What one token and one conversation take, over all layers of a model.

    Layers need not be alike: some look at all tokens, some at the last ones, with heads of other widths, and
    some keep a state of one size instead of keys and values.

    Parameters
    ----------
    values:
        The file's entries: to each name a type and a value.
    architecture:
        What most names begin with.
    """

    def __init__(self, values: Mapping[str, tuple[int, Any]], architecture: str) -> None:
        self._values, self._architecture = values, architecture
        self.layers = self._number("block_count")
        self.recurrent = any(name.startswith(f"{architecture}.ssm.") for name in values)
        self.convolution = self._number("shortconv.l_cache")

    @property
    def token(self) -> int:
        """Bytes that a token takes in the cache of attention; 0 where the file does not tell."""
        if self._value("attention.causal") is False:
            return 0  # It reads a text at once and keeps nothing.
        kept = self._kept()
        if rank := self._number("attention.kv_lora_rank"):
            return NUMBER * (rank + self._number("rope.dimension_count")) * sum(map(bool, kept))
        return NUMBER * sum(heads * width for heads, width in zip(kept, self._widths(), strict=True))

    @property
    def conversation(self) -> int:
        """Bytes that a conversation takes besides, however long it is: the state of its recurrent layers."""
        if not (self.recurrent or self.convolution):
            return 0
        if self.convolution:
            numbers = self._number("embedding_length") * (self.convolution - 1)
        else:
            inner, size = self._number("ssm.inner_size"), self._number("ssm.state_size")
            rows = max(0, self._number("ssm.conv_kernel") - 1)
            numbers = rows * (inner + 2 * self._number("ssm.group_count") * size) + inner * size
        return STATE * numbers * self._recurrent_layers()

    def _kept(self) -> list[int]:
        """Return how many heads of each layer have their keys and values kept."""
        heads = self._each("attention.head_count")
        kept = self._each("attention.head_count_kv") if self._value("attention.head_count_kv") else heads
        if not any(heads):
            return [0] * self.layers
        kept = [0 if recurs else each for each, recurs in zip(kept, self._instead(), strict=True)]
        # The last layers of some models look at what an earlier one keeps.
        own = self.layers - self._number("attention.shared_kv_layers")
        return [each if layer < own else 0 for layer, each in enumerate(kept)]

    def _widths(self) -> list[int]:
        """Return the numbers of a key and a value of one head, for each layer."""
        embedding = self._number("embedding_length")
        usual = [embedding // max(1, heads) for heads in self._each("attention.head_count")]
        key, value = self._number("attention.key_length"), self._number("attention.value_length")
        near_key = self._number("attention.key_length_swa") or key
        near_value = self._number("attention.value_length_swa") or value
        return [
            (near_key or width) + (near_value or width) if near else (key or width) + (value or width)
            for width, near in zip(usual, self._near(), strict=True)
        ]

    def _near(self) -> list[bool]:
        """Return which layers look at the last tokens only."""
        pattern = self._value("attention.sliding_window_pattern")
        if isinstance(pattern, tuple):
            return [bool(each) for each in padded(pattern, self.layers)]
        every = self._number("attention.sliding_window_pattern")
        return [bool(every) and layer % every != 0 for layer in range(1, self.layers + 1)]

    def _recurrent_layers(self) -> int:
        """Return how many layers have a state."""
        if any(instead := self._instead()):
            return sum(instead)
        kept = self._value("attention.head_count_kv")
        # Where all layers have the same, all have both.
        return self._each("attention.head_count_kv").count(0) if isinstance(kept, tuple) else self.layers

    def _instead(self) -> list[bool]:
        """Return which layers of a hybrid have a state instead of attention, where its file tells that."""
        told = self._value("attention.recurrent_layers")
        if isinstance(told, tuple):
            return [bool(each) for each in padded(told, self.layers)]
        usual = 4 if self.recurrent and self._architecture.startswith(EVERY_FOURTH) else 0
        interval = self._number("full_attention_interval") or usual
        return [bool(interval) and layer % interval != 0 for layer in range(1, self.layers + 1)]

    def _each(self, name: str) -> list[int]:
        """Return a figure for each layer."""
        value = self._value(name)
        if isinstance(value, tuple):
            return [within(each) for each in padded(value, self.layers)]
        return [self._number(name)] * self.layers

    def _number(self, name: str) -> int:
        return within(self._value(name))

    def _value(self, name: str) -> Any:
        return self._values.get(f"{self._architecture}.{name}", (0, None))[1]


def within(value: Any) -> int:
    """Return a whole number of a possible size; 0 for anything else."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 < value < MOST else 0


def padded(values: Iterable[Any], count: int) -> list[Any]:
    """Return as many values as there are layers."""
    return [*values, *[0] * count][:count]
