"""Read what stands at the head of a GGUF file, in Python, bounded, before a native loader sees the file.

Every count is checked against the file's size and every length against a cap, so a hostile file costs
milliseconds and no memory to speak of. Tensor data is never read. The file is not mapped: somebody may cut
it short meanwhile, and a mapping would then take the server down.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tether_jupyter.llm.local.footprint import Footprint

MAX_KEYS = 1 << 16
MAX_TENSORS = 1 << 16
MAX_KEY_BYTES = (1 << 16) - 1
MAX_NAME_BYTES = 63
"""Of a tensor's name: llama.cpp knows no longer ones."""
MAX_KEYS_BYTES = 1 << 24
MAX_CONTEXT = (1 << 31) - 1
"""Tokens: llama.cpp counts them in 32 bits with a sign, and takes what is negative for endless."""
MAX_TEXT_BYTES = 1 << 20
MAX_SKIPPED_TEXT_BYTES = 1 << 26
MAX_TEXTS = 1 << 21
MAX_LAYERS = 1 << 14
MAX_NUMBERS = 1 << 18
MAX_ALIGNMENT = 1 << 20
MAX_DIMENSIONS = 4
MAX_ELEMENTS = (1 << 63) - 1

TEXTS = frozenset(
    {
        *("general.architecture", "general.name", "general.license"),
        *("tokenizer.chat_template", "tether.unsure_start"),
    }
)
"""The entries whose text is read; every other text is skipped, for many of them would fill the memory."""
LAYERS = (
    *(".attention.head_count", ".attention.head_count_kv"),
    *(".attention.sliding_window_pattern", ".attention.recurrent_layers"),
)
"""How the entries are called that may have a number for each layer; every other array is skipped."""

SCALARS = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
UINT16, UINT32, BOOL, STRING, ARRAY = 2, 4, 7, 8, 9
U32 = SCALARS[UINT32]
U64 = SCALARS[10]

WIDTHS = {
    1: {0: 4, 1: 2, 24: 1, 25: 2, 26: 4, 27: 8, 28: 8, 30: 2},
    32: {2: 18, 3: 20, 6: 22, 7: 24, 8: 34, 9: 40, 20: 18, 39: 17},
    256: {10: 84, 11: 110, 12: 144, 13: 176, 14: 210, 15: 292, 16: 66, 17: 74, 18: 98, 19: 50}
    | {21: 110, 22: 82, 23: 136, 29: 56, 34: 54, 35: 66},
}
BLOCKS = {kind: (block, width) for block, widths in WIDTHS.items() for kind, width in widths.items()}
"""Elements and bytes of one block, by ggml's number for a tensor's type."""


class GGUFError(ValueError):
    """The file is not a GGUF file that can be loaded; the message says in which way."""


@dataclass(frozen=True, slots=True)
class Header:
    """What Tether needs to know of a model before it is loaded.

    Parameters
    ----------
    architecture:
        llama.cpp's name for the kind of network, such as `llama`.
    name:
        The model's own name, or an empty text.
    block_count:
        Layers that can be put on a GPU.
    context_length:
        Tokens that the model was made for.
    chat_template:
        The Jinja template that the file carries, or `None`.
    demo:
        Whether this is Tether's demo model (`tether.demo`).
    max_tokens:
        A ceiling on the length of an answer (`tether.max_tokens`), or `None`.
    unsure_below:
        The share in percent under which the first token is not to be trusted (`tether.unsure_below`).
    unsure_start:
        How an answer begins that says so (`tether.unsure_start`).
    size:
        The file's size in bytes.
    kv_bytes:
        What one token takes in the context's memory at 16 bits a number; 0 where the file does not tell.
    state_bytes:
        What a conversation takes there besides, however long it is: the state of layers that are recurrent.
    licence:
        What the file says of its licence, or an empty text.
    """

    architecture: str
    name: str
    block_count: int
    context_length: int
    chat_template: str | None
    demo: bool
    max_tokens: int | None
    unsure_below: int
    unsure_start: str
    size: int
    kv_bytes: int = 0
    state_bytes: int = 0
    licence: str = ""


def read_header(path: str | Path) -> Header:
    """Read and check a file's head.

    Raises
    ------
    GGUFError
        The file cannot be a model; its data, if any, was not looked at.
    OSError
        The file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb", buffering=1 << 16) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise GGUFError("it is not a regular file")
        return Reader(file, status.st_size).header()


class Reader:
    """A walk through one header, which never goes beyond the file's end."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size
        self.texts = self.numbers = 0

    def header(self) -> Header:
        """Return what the header says."""
        if self.take(4) != b"GGUF":
            raise GGUFError("it does not begin with `GGUF`, so it is no model file of llama.cpp")
        version = self.number(U32)
        if version not in (2, 3):
            raise GGUFError(f"its GGUF version is {version}; versions 2 and 3 can be read")
        tensors, keys = self.number(U64), self.number(U64)
        if tensors > MAX_TENSORS or tensors * 24 > self.size:
            raise GGUFError(f"it claims to hold {tensors} tensors")
        if not 0 < keys <= MAX_KEYS or keys * 13 > self.size:
            raise GGUFError(f"it claims to hold {keys} entries")
        values: dict[str, tuple[int, Any]] = {}
        length = 0
        for _ in range(keys):
            key = self.text(MAX_KEY_BYTES, "a key")
            length += len(key)
            if length > MAX_KEYS_BYTES:
                raise GGUFError(f"its keys are longer than {MAX_KEYS_BYTES} characters together")
            if key in values:
                raise GGUFError(f"the entry {key[:80]!r} stands there twice")
            values[key] = self.value(key)
        # The first file of a split model may hold nothing but this head.
        if not tensors and typed(values, "split.count", UINT16) in (None, 0, 1):
            raise GGUFError("it claims to hold 0 tensors")
        self.check_tensors(tensors, self.alignment(values))
        return self.summary(values)

    def summary(self, values: dict[str, tuple[int, Any]]) -> Header:
        """Return the entries that matter, checked."""
        architecture = typed(values, "general.architecture", STRING)
        if not architecture or not re.fullmatch(r"[a-z0-9_.-]{1,64}", architecture):
            raise GGUFError("it does not say which architecture it has")
        template = typed(values, "tokenizer.chat_template", STRING)
        footprint = Footprint(values, architecture)
        return Header(
            architecture=architecture,
            name=typed(values, "general.name", STRING) or "",
            block_count=counted(values, f"{architecture}.block_count", MAX_LAYERS),
            context_length=counted(values, f"{architecture}.context_length", MAX_CONTEXT),
            chat_template=template,
            demo=bool(typed(values, "tether.demo", BOOL)),
            max_tokens=typed(values, "tether.max_tokens", UINT32) or None,
            unsure_below=typed(values, "tether.unsure_below", UINT32) or 0,
            unsure_start=typed(values, "tether.unsure_start", STRING) or "",
            size=self.size,
            kv_bytes=footprint.token,
            state_bytes=footprint.conversation,
            licence=typed(values, "general.license", STRING) or "",
        )

    def alignment(self, values: dict[str, tuple[int, Any]]) -> int:
        """Return what every tensor's place must be a multiple of."""
        alignment = typed(values, "general.alignment", UINT32)
        if alignment is None:
            return 32
        if not 8 <= alignment <= MAX_ALIGNMENT or alignment & (alignment - 1):
            raise GGUFError(f"its alignment is {alignment}, which is no power of two from 8 on")
        return int(alignment)

    def check_tensors(self, count: int, alignment: int) -> None:
        """Walk the tensors' descriptions and see that their data lies inside the file."""
        names: set[str] = set()
        ends = 0
        for _ in range(count):
            name = self.text(MAX_NAME_BYTES, "a tensor's name")
            if name in names:
                raise GGUFError(f"the tensor {name[:80]!r} stands there twice")
            names.add(name)
            dimensions = self.number(U32)
            if not 0 < dimensions <= MAX_DIMENSIONS:
                raise GGUFError(f"the tensor {name[:80]!r} claims {dimensions} dimensions")
            shape = [self.number(U64) for _ in range(dimensions)]
            elements = 1
            for length in shape:
                elements *= length
            if not 0 < elements <= MAX_ELEMENTS:
                raise GGUFError(f"the tensor {name[:80]!r} claims an impossible shape")
            kind, offset = self.number(U32), self.number(U64)
            if offset % alignment:
                raise GGUFError(f"the tensor {name[:80]!r} does not begin at a multiple of {alignment}")
            block, width = BLOCKS.get(kind, (elements, 1))
            if shape[0] % block and kind in BLOCKS:
                raise GGUFError(f"the tensor {name[:80]!r} has rows that its type cannot have")
            ends = max(ends, offset + elements // block * width)
        start = -(-self.file.tell() // alignment) * alignment
        if start + ends > self.size:
            missing = start + ends - self.size
            raise GGUFError(f"{missing:,} bytes are missing at its end; fetch the file again")

    def value(self, key: str) -> tuple[int, Any]:
        """Return an entry's type and value; `None` for what is skipped: most arrays and most texts."""
        kind = self.number(U32)
        if kind in SCALARS:
            return kind, self.number(SCALARS[kind])
        if kind == STRING:
            if key in TEXTS:
                return kind, self.text(MAX_TEXT_BYTES, f"the entry {key[:80]!r}")
            self.skip_text()
            return kind, None
        if kind == ARRAY:
            return kind, self.array(key)
        raise GGUFError(f"the entry {key[:80]!r} has the unknown type {kind}")

    def array(self, key: str) -> tuple[Any, ...] | None:
        """Return the numbers of the layers; go past any other array."""
        kind, count = self.number(U32), self.number(U64)
        if kind in SCALARS and key.endswith(LAYERS) and count <= min(MAX_LAYERS, MAX_NUMBERS - self.numbers):
            self.numbers += count
            form = SCALARS[kind]
            return tuple(number for (number,) in form.iter_unpack(self.take(count * form.size)))
        if kind in SCALARS:
            self.skip(count * SCALARS[kind].size)
        elif kind == STRING:
            self.texts += count
            if self.texts > MAX_TEXTS or count * 8 > self.size:
                raise GGUFError(f"the entry {key[:80]!r} claims {count} texts")
            for _ in range(count):
                self.skip_text()
        else:
            raise GGUFError(f"the entry {key[:80]!r} is an array of the unknown type {kind}")
        return None

    def text(self, cap: int, what: str) -> str:
        """Return a text of at most `cap` bytes."""
        length = self.number(U64)
        if length > cap:
            raise GGUFError(f"{what} claims {length} bytes; the most is {cap}")
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as reason:
            raise GGUFError(f"{what} is not valid UTF-8") from reason

    def skip_text(self) -> None:
        """Go past a text."""
        length = self.number(U64)
        if length > MAX_SKIPPED_TEXT_BYTES:
            raise GGUFError(f"a text claims {length} bytes")
        if length < 4096:
            self.take(length)  # A seek throws the buffer away; a short read does not.
        else:
            self.skip(length)

    def skip(self, length: int) -> None:
        """Go past some bytes."""
        if self.file.tell() + length > self.size:
            raise GGUFError("it ends in the middle of its header")
        self.file.seek(length, os.SEEK_CUR)

    def take(self, length: int) -> bytes:
        """Return the next bytes."""
        data = self.file.read(length)
        if len(data) != length:
            raise GGUFError("it ends in the middle of its header")
        return data

    def number(self, form: struct.Struct) -> Any:
        """Return the next number."""
        return form.unpack(self.take(form.size))[0]


def typed(values: dict[str, tuple[int, Any]], key: str, kind: int) -> Any:
    """Return an entry's value, or `None` where there is none; refuse one of another type."""
    found, value = values.get(key, (kind, None))
    if found != kind:
        raise GGUFError(f"the entry {key!r} has the type {found} instead of {kind}")
    return value


def counted(values: dict[str, tuple[int, Any]], key: str, most: int) -> int:
    """Return an entry that must be a positive whole number."""
    found, value = values.get(key, (UINT32, None))
    if found not in (UINT32, 10) or not isinstance(value, int) or not 0 < value <= most:
        raise GGUFError(f"the entry {key!r} is missing or impossible")
    return value
