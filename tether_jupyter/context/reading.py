"""Reading a notebook's file: quickly, with its pictures left in the file, and never twice the same."""

from __future__ import annotations

import json
import os
import re
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

LARGEST = 256 * 1024 * 1024
"""Bytes of a file beyond which a notebook is not read."""
MOST_KEPT = 8
LARGEST_KEPT = 16 * 1024 * 1024
"""Bytes of a notebook, without its pictures, that is kept for the next question."""
SHORTEST_PICTURE = 2_048
HEAD, JPEG_HEAD = 192, 8_192
"""Characters of a picture that stay: its size stands there."""

VALUE = re.compile(rb'image/(?:png|jpeg|gif|webp|bmp|tiff)"[ \t\r\n]*:[ \t\r\n]*"')
PLACE = re.compile(r"tether-image (\d{1,12}) (\d{1,12}) ")
BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
OTHERS = bytes(set(range(256)) - set(BASE64))


class Notebook(dict[str, Any]):
    """A notebook as it stands in its file, whose larger pictures are only heads.

    Parameters
    ----------
    problem:
        Why nothing of it can be read, in a sentence; `None` where it can.
    """

    def __init__(self, content: Any = None, problem: str | None = None) -> None:
        super().__init__(content if isinstance(content, dict) else {})
        self.problem = problem
        self._source: Path | bytes | None = None
        self._stamp: tuple[int, int] | None = None

    def payload(self, text: str) -> str:
        """Return a picture's base64, whole; nothing where the file has changed in the meantime."""
        place = PLACE.match(text)
        if place is None:
            return text
        start, end = int(place[1]), int(place[2])
        if self._source is None or not 0 <= end - start <= LARGEST:
            return ""
        if isinstance(self._source, bytes):
            raw = self._source[start:end]
        else:
            try:
                with self._source.open("rb") as file:
                    if stamp(os.fstat(file.fileno())) != self._stamp:
                        return ""
                    file.seek(start)
                    raw = file.read(end - start)
            except OSError:
                # The file is gone: the picture's line stays, and only the picture is missing.
                return ""
        body = raw.replace(b"\\n", b"").replace(b"\\/", b"/")
        return "" if body.translate(None, BASE64) else body.decode("ascii")


def stamp(about: os.stat_result) -> tuple[int, int]:
    return about.st_mtime_ns, about.st_size


class Shelf:
    """The notebooks that were read last, by path, change time and size."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, Notebook] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path, found: tuple[int, int]) -> Notebook | None:
        with self._lock:
            notebook = self._kept.get(path)
            if notebook is None or notebook._stamp != found:
                return None
            self._kept.move_to_end(path)
            return notebook

    def put(self, path: Path, notebook: Notebook) -> None:
        with self._lock:
            self._kept[path] = notebook
            self._kept.move_to_end(path)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


SHELF = Shelf()


def read(source: str | os.PathLike[str] | bytes) -> Notebook:
    """Return a notebook, which nobody may change: the next one who asks gets the same.

    It blocks for as long as the file takes to read. What cannot be read is empty and says why.

    Parameters
    ----------
    source:
        A path, or the file's bytes.
    """
    if isinstance(source, bytes):
        notebook, _ = parsed(source)
        notebook._source = source
        return notebook
    path = Path(source)
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            found = stamp(about)
            if about.st_size > LARGEST:
                return Notebook(problem=f"`{path.name}` is larger than {LARGEST >> 20} MiB: it is not read.")
            kept = SHELF.get(path, found)
            if kept is not None:
                return kept
            raw = file.read(LARGEST + 1)
    except OSError as error:
        return Notebook(problem=f"`{path.name}` cannot be read: {error.strerror or 'the file is not there'}.")
    notebook, size = parsed(raw)
    if notebook.problem:
        notebook.problem = f"`{path.name}`: {notebook.problem}"
    notebook._source, notebook._stamp = path, found
    if size <= LARGEST_KEPT:
        SHELF.put(path, notebook)
    return notebook


def parsed(raw: bytes) -> tuple[Notebook, int]:
    """Return the notebook that bytes hold, and how many of them were left without the pictures."""
    if len(raw) > LARGEST:
        return Notebook(problem=f"The notebook is larger than {LARGEST >> 20} MiB: it is not read."), 0
    # In UTF-16 and UTF-32, which JSON may be in too, no search for bytes fits.
    short = raw if raw[:4].count(0) or raw[:2] in (b"\xff\xfe", b"\xfe\xff") else without_pictures(raw)
    try:
        content = json.loads(short)
    except RecursionError:
        return Notebook(problem="The notebook is nested too deeply to be read."), 0
    except ValueError:
        return Notebook(problem="The notebook is no valid JSON: save it again, and ask once more."), 0
    if not isinstance(content, dict):
        return Notebook(problem="The file is no notebook: it has no cells."), 0
    return Notebook(content), len(short)


def without_pictures(raw: bytes) -> bytes:
    """Return JSON in which each longer base64 of an `image/…` key is its place in the file, and its head.

    `"image/png"` without a backslash before it can only begin a key or a value in legal JSON, as the sign
    that closes a text is never followed by a letter; so with a colon and a quotation mark it is a key with
    its text.
    """
    parts = []
    at = 0
    found = raw.find(b'"image/')
    while found >= 0:
        key = VALUE.match(raw, found + 1)
        following = found + 8
        if key is not None and raw[found - 1 : found] != b"\\":
            start = key.end()
            end = closing(raw, start)
            if end < 0:
                break
            following = end
            if end - start >= SHORTEST_PICTURE:
                kept = JPEG_HEAD if raw.startswith(b"image/jpeg", found + 1) else HEAD
                head = raw[start : min(start + kept, end)].replace(b"\\n", b"").translate(None, OTHERS)
                parts.append(raw[at:start])
                parts.append(b"tether-image %d %d " % (start, end))
                parts.append(head)
                at = end
        found = raw.find(b'"image/', following)
    if not parts:
        return raw
    parts.append(raw[at:])
    return b"".join(parts)


def closing(raw: bytes, start: int) -> int:
    """Return where the text that begins at `start` ends; -1 if it does not."""
    end = raw.find(b'"', start)
    while end >= 0:
        slashes = end
        while slashes > start and raw[slashes - 1] == 0x5C:
            slashes -= 1
        if (end - slashes) % 2 == 0:
            return end
        end = raw.find(b'"', end + 1)
    return -1
