"""What a model file tells of itself beyond what it takes to load it: quantisation, licence, memory."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tether_jupyter.llm.local import gguf
from tether_jupyter.llm.local.gguf import GGUFError

# llama.cpp's numbers for the way in which most of a file's tensors are stored.
FILE_TYPES: dict[int, str] = {
    **dict(enumerate(("F32", "F16", "Q4_0", "Q4_1"))),
    **dict(enumerate(("Q8_0", "Q5_0", "Q5_1", "Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M"), 7)),
    **dict(enumerate(("Q5_K_S", "Q5_K_M", "Q6_K", "IQ2_XXS", "IQ2_XS", "Q2_K_S", "IQ3_XS", "IQ3_XXS"), 16)),
    **dict(enumerate(("IQ1_S", "IQ4_NL", "IQ3_S", "IQ3_M", "IQ2_S", "IQ2_M", "IQ4_XS", "IQ1_M", "BF16"), 24)),
    **dict(enumerate(("TQ1_0", "TQ2_0", "MXFP4_MOE"), 36)),
}
BUFFERS = 256 * 2**20
"""Bytes that llama.cpp computes in, roughly, whatever the model; small models need less."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model file.

    Parameters
    ----------
    header:
        What a loader needs to know; `None` for a later file of a split model, which has none.
    quantization:
        How most weights are stored, such as `Q4_K_M`, or `None`.
    license:
        What the file says of its licence, or `None`.
    split:
        Which file of how many this is, the first being `(0, N)`; `None` for a model in one file.
    """

    header: gguf.Header | None
    quantization: str | None
    license: str | None
    split: tuple[int, int] | None

    def memory(self, size: int, context_length: int) -> int:
        """Return about how many bytes the model takes once loaded.

        Parameters
        ----------
        size:
            Bytes of all its files.
        context_length:
            Tokens of context; 0 for all that the model was made for.
        """
        if self.header is None:
            return size
        tokens = min(context_length or self.header.context_length, self.header.context_length)
        return size + self.header.kv_bytes * tokens + min(BUFFERS, size // 2)


def read(path: str | Path) -> Facts:
    """Read and check a file's head, in bounded memory.

    Raises
    ------
    GGUFError
        The file cannot be a model, or a piece of one.
    OSError
        The file cannot be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb", buffering=1 << 16) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise GGUFError("it is not a regular file")
        reader = Inspector(file, status.st_size)
        header = reader.inspect()
    return Facts(
        header=header,
        quantization=reader.quantization() if header else None,
        license=clean(header.licence) if header else None,
        split=reader.split(),
    )


class Inspector(gguf.Reader):
    """A walk through a header that keeps its entries for a second look."""

    values: dict[str, tuple[int, Any]]

    def inspect(self) -> gguf.Header | None:
        """Return the header; `None` for a later file of a split model."""
        return self.header()

    def summary(self, values: dict[str, tuple[int, Any]]) -> gguf.Header:
        """Keep the entries. Only the first file of a split model says what the model is."""
        self.values = values
        split = self.split()
        if split and split[0]:
            return None  # type: ignore[return-value]  # `inspect` says so
        return super().summary(values)

    def number_at(self, key: str) -> int | None:
        """Return an entry that is a whole number, or `None`."""
        value = self.values.get(key, (0, None))[1]
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

    def quantization(self) -> str | None:
        """Return llama.cpp's name for the way in which most weights are stored."""
        number = self.number_at("general.file_type")
        return None if number is None else FILE_TYPES.get(number)

    def split(self) -> tuple[int, int] | None:
        """Return which file of how many this is."""
        count = self.number_at("split.count") or 0
        number = self.number_at("split.no")
        return (number, count) if count > 1 and number is not None and number < count else None


def clean(text: str) -> str | None:
    """Return a file's own words where they are short and can be shown, else `None`."""
    return text if 0 < len(text) <= 100 and text.isprintable() else None
