"""What a file is, by what is in it. Its name and what its sender says of it open no door."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from tether_jupyter.core.attached import IMAGES
from tether_jupyter.errors import InvalidRequest

NOTEBOOK, CSV, TSV, PDF = (
    "application/x-ipynb+json",
    "text/csv",
    "text/tab-separated-values",
    "application/pdf",
)
ALLOWED = "Text, code, Markdown, CSV, JSON, notebooks, PDF, and PNG, JPEG, GIF and WebP images can be sent."
MAGIC: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"%PDF-\d"), PDF),
    (re.compile(rb"\x89PNG\r\n\x1a\n....IHDR", re.DOTALL), "image/png"),
    (re.compile(rb"\xff\xd8\xff[\xc0-\xfe]"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBPVP8[ LX]", re.DOTALL), "image/webp"),
)
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SUFFIXES = {
    ".csv": CSV,
    ".tsv": TSV,
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".json": "application/json",
    ".geojson": "application/json",
}
PIECE = 1 << 20
EDGE = 1 << 16
# What no text in the code page holds: control characters, but for spaces, escape and the end of a page, and
# what the code page leaves open.
NO_TEXT = bytes([*range(9), 14, 15, *range(16, 27), *range(28, 32), 127, 0x81, 0x8D, 0x8F, 0x90, 0x9D])
HIGH = bytes(range(128, 256))
MOST_HIGH = 0.3
"""The part of letters outside ASCII that a text in the code page may have; more is something else."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is: its media type, and for text the codec that reads all of it."""

    media_type: str
    encoding: str | None = None

    @property
    def is_image(self) -> bool:
        return self.media_type in IMAGES


def kind_of(file: IO[bytes], name: str) -> Kind:
    """Return what a file is. Reads all of a text.

    Parameters
    ----------
    file:
        At its beginning; where it is left says nothing.
    name:
        Chooses among kinds of text, which are all served and read alike, and says nothing else.

    Raises
    ------
    InvalidRequest
        It is none of the kinds that are taken.
    """
    head = file.read(EDGE)
    for pattern, media_type in MAGIC:
        if pattern.match(head):
            return Kind(media_type)
    encoding = encoding_of(file, head)
    if encoding is None:
        raise InvalidRequest(f"`{name}` is of a kind that cannot be read here. {ALLOWED}")
    return Kind(text_type(file, head, encoding, name), encoding)


def encoding_of(file: IO[bytes], head: bytes) -> str | None:
    """Return the codec that a whole file is text in; `None` for what is no text."""
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return encoding if reads(file, encoding) else None
    if reads(file, "utf-8"):
        return "utf-8"
    return "cp1252" if in_code_page(file) else None


def reads(file: IO[bytes], encoding: str) -> bool:
    """Return whether a whole file is in an encoding, and holds no NUL."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    file.seek(0)
    try:
        while piece := file.read(PIECE):
            if "\0" in decoder.decode(piece):
                return False
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def in_code_page(file: IO[bytes]) -> bool:
    """Return whether a file can be text in Windows' western code page, of which latin-1 is nearly a part."""
    file.seek(0)
    size = high = 0
    while piece := file.read(PIECE):
        if len(piece.translate(None, NO_TEXT)) != len(piece):
            return False
        size += len(piece)
        high += len(piece) - len(piece.translate(None, HIGH))
    return high <= size * MOST_HIGH


def text_type(file: IO[bytes], head: bytes, encoding: str, name: str) -> str:
    """Return the media type of a text."""
    file.seek(0, 2)
    file.seek(max(0, file.tell() - EDGE))
    if encoding != "utf-16" and head.lstrip(codecs.BOM_UTF8 + b" \t\r\n").startswith(b"{"):
        # Jupyter writes the mark last, others first. Whether it is a notebook is seen when it is read.
        marked = b'"nbformat"' in head or b'"nbformat"' in file.read()
        if marked:
            return NOTEBOOK
    return SUFFIXES.get(PurePosixPath(name).suffix.lower(), "text/plain")
