"""Model files that are damaged, each in another way, from one that is sound."""

from __future__ import annotations

import random
import struct

HEAD = 24
NUMBERS = (0, 1, 3, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def flipped(data: bytes, number: int) -> bytes:
    """Return a file with a few bytes of its head changed."""
    luck, found = random.Random(number), bytearray(data)  # noqa: S311 - damage, no secret
    for _ in range(1 + number % 8):
        found[luck.randrange(HEAD, head_size(data))] = luck.randrange(256)
    return bytes(found)


def cut(data: bytes, number: int) -> bytes:
    """Return the beginning of a file, and for every second one its old length in zeros."""
    length = random.Random(number).randrange(len(data))  # noqa: S311
    return data[:length] + (bytes(len(data) - length) if number % 2 else b"")


def exaggerated(data: bytes, number: int) -> bytes:
    """Return a file in which one of the numbers that describe the network is another one."""
    keys = [key for key in (b"llama.", b"tokenizer.ggml.") for key in places(data, key)]
    at = keys[number % len(keys)]
    value = NUMBERS[number // len(keys) % len(NUMBERS)]
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


def noisy(data: bytes, number: int) -> bytes:
    """Return a file whose weights are noise: not a number, infinite, or merely wrong."""
    start = head_size(data)
    return data[:start] + random.Random(number).randbytes(len(data) - start)  # noqa: S311


def head_size(data: bytes) -> int:
    """Return about where the tensors begin."""
    return data.rfind(b"ffn_down.weight") + 64


def places(data: bytes, prefix: bytes) -> list[int]:
    """Return where the values of whole-number entries stand whose keys begin so."""
    found, at = [], data.find(prefix)
    while 0 <= at < head_size(data):
        (length,) = struct.unpack_from("<Q", data, at - 8)
        end = at + length
        if length < 64 and struct.unpack_from("<I", data, end)[0] == 4:
            found.append(end + 4)
        at = data.find(prefix, at + 1)
    return found


DAMAGES = {f.__name__: f for f in (flipped, cut, exaggerated, noisy)}
"""What damages a file, by name; each takes the file and a number that chooses among its ways."""
