"""GGUF files as bytes, made by hand: whole models, pieces of split ones, and such as are none."""

from __future__ import annotations

import struct
from typing import Any

ALIGNMENT = 32


def model(
    *, floats: int = 1000, seed: int = 0, split: tuple[int, int] | None = None, **entries: Any
) -> bytes:
    """Return a file whose head is that of a small model, with one tensor.

    Parameters
    ----------
    floats:
        Numbers in the tensor, of four bytes each.
    split:
        Which piece of how many this is; the first alone says what the model is.
    entries:
        Further metadata; two underscores stand for a dot.
    """
    head: dict[str, Any] = {}
    if split is None or split[0] == 0:
        head = {
            "general.architecture": "llama",
            "general.name": "small",
            "general.file_type": 15,
            "general.license": "apache-2.0",
            "llama.block_count": 2,
            "llama.context_length": 2048,
            "llama.embedding_length": 64,
            "llama.attention.head_count": 4,
            "llama.attention.head_count_kv": 2,
        }
    if split is not None:
        head |= {"split.no": split[0], "split.count": split[1]}
    head |= {name.replace("__", "."): value for name, value in entries.items()}
    out = b"GGUF" + struct.pack("<IQQ", 3, 1, len(head))
    for key, value in head.items():
        out += text(key)
        out += struct.pack("<I", 8) + text(value) if isinstance(value, str) else struct.pack("<II", 4, value)
    out += text("weight") + struct.pack("<IQIQ", 1, floats, 0, 0)
    out += b"\0" * (-len(out) % ALIGNMENT)
    return out + bytes((seed + n * n) % 251 for n in range(1000)) * (floats * 4 // 1000 + 1)


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()
