"""Reading a notebook's file: quickly, its pictures and long texts left where they are, and never twice."""

from __future__ import annotations

import json
import os
import re
import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tether_jupyter.context import gaps, large_file

LARGEST = 256 * 1024 * 1024
"""Bytes of a file beyond which a notebook is not read."""
MOST_KEPT = 8
LARGEST_KEPT = 16 * 1024 * 1024
"""Bytes of a notebook, without its pictures, that is kept for the next question."""
LARGEST_WHOLE = 3 * 1024 * 1024
"""Bytes, without pictures and middles, from which on each cell is parsed when it is asked for."""
SHORTEST_PICTURE = 2_048
BEFORE = 128
"""Bytes before a picture's line in which its key may stand."""
HEAD, JPEG_HEAD = 192, 8_192
"""Characters of a picture that stay: its size stands there."""

VALUE = re.compile(rb'image/(?:png|jpeg|gif|webp|bmp|tiff)"[ \t\r\n]*:[ \t\r\n]*"')
REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
"""What is left of a text, to its end."""
OPENING = re.compile(rb'\{\n( {1,8})"cells": \[\n {2,16}\{')
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


class Cells:
    """The cells of a large notebook, each parsed when it is asked for.

    Parameters
    ----------
    raw:
        The notebook's JSON: cells are cut out of it one by one, as copying all takes longer than the rest.
    ends:
        Where each cell ends, in order: at its closing brace.
    start, between:
        Where the first begins, behind its opening brace, and how many bytes lie between two cells' insides.
    """

    def __init__(self, raw: bytes, ends: list[int], start: int, between: int) -> None:
        self._raw = raw
        self._ends = ends
        self._start = start
        self._between = between

    def __len__(self) -> int:
        return len(self._ends)

    def size(self, at: int) -> int:
        """Return the bytes of a cell."""
        return self._ends[at] - self._begin(at)

    def parsed(self, at: int) -> Any:
        """Return a cell; `None` where it is no JSON."""
        try:
            return json.loads(b"{%s}" % self._raw[self._begin(at) : self._ends[at]])
        except (ValueError, RecursionError):
            return None

    def whole(self) -> Any:
        """Return all cells, parsed together; `None` where they are no JSON."""
        try:
            return json.loads(self._raw)["cells"]
        except (ValueError, RecursionError):
            return None

    def _begin(self, at: int) -> int:
        return self._ends[at - 1] + self._between if at else self._start

    def place(self, cell_id: str | int | None) -> int:
        """Return the index of a cell by its id or its index; behind the last one where there is none."""
        if isinstance(cell_id, int) and not isinstance(cell_id, bool) and 0 <= cell_id < len(self):
            return cell_id
        if not isinstance(cell_id, str):
            return len(self)
        # In a text the quotation marks would have backslashes before them; what an output shows has none.
        sought = f'"id": {json.dumps(cell_id)}'.encode()
        found = self._raw.find(sought, self._start, self._ends[-1])
        while found >= 0:
            at = bisect_left(self._ends, found)
            cell = self.parsed(at)
            # One that is no JSON is no cell: who looks at it finds out.
            if not isinstance(cell, dict) or own_id(cell) == cell_id:
                return at
            found = self._raw.find(sought, self._ends[at], self._ends[-1])
        return len(self)


def own_id(cell: dict[str, Any]) -> str | None:
    """Return a cell's id, wherever its format has it."""
    own = cell.get("id")
    if not isinstance(own, str):
        metadata = cell.get("metadata")
        own = metadata.get("id") if isinstance(metadata, dict) else None
    return own if isinstance(own, str) else None


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
            # Some mounted drives do not know how long their files are.
            raw = large_file.read(file, about.st_size) if about.st_size else file.read(LARGEST + 1)
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
    short = raw if raw[:4].count(0) or raw[:2] in (b"\xff\xfe", b"\xfe\xff") else shortened(raw)
    if len(short) > LARGEST_WHOLE and (cells := apart(short)) is not None:
        return Notebook({"cells": cells}), len(short)
    try:
        try:
            content = json.loads(short)
        except ValueError:
            if short is raw:
                raise
            # Laid out so that a line break is not what it is in Jupyter's files, or broken: as a whole, then.
            short = raw
            content = json.loads(raw)
    except RecursionError:
        return Notebook(problem="The notebook is nested too deeply to be read."), 0
    except ValueError:
        return Notebook(problem="The notebook is no valid JSON: save it again, and ask once more."), 0
    if not isinstance(content, dict):
        return Notebook(problem="The file is no notebook: it has no cells."), 0
    return Notebook(content), len(short)


def apart(raw: bytes) -> Cells | None:
    """Return the cells of a notebook that is laid out as Jupyter does it, unparsed; `None` for any other."""
    opening = OPENING.match(raw)
    if opening is None:
        return None
    step = opening[1]
    end = raw.rfind(b"\n%s}\n%s]" % (step * 2, step), opening.end())
    if end < 0:
        return None
    try:
        # What stands behind the cells has to be the rest of a notebook.
        json.loads(b"{" + raw[raw.index(b"]", end) + 1 :].lstrip(b", \n"))
    except (ValueError, RecursionError):
        return None
    between = b"\n%s},\n%s{" % (step * 2, step * 2)
    ends: list[int] = []
    while (at := raw.find(between, ends[-1] + 1 if ends else opening.end(), end)) >= 0:
        ends.append(at)
    return Cells(raw, [*ends, end], opening.end(), len(between))


def shortened(raw: bytes) -> bytes:
    """Return JSON without what need not be parsed: middles of long texts, and pictures but their heads."""
    parts = []
    at = done = 0
    for middle in [*gaps.found(raw), (len(raw), len(raw), b"")]:
        for start, end, instead in pictures(raw, at, middle[0]):
            parts += [raw[done:start], instead]
            done = end
        parts += [raw[done : middle[0]], middle[2]]
        at = done = middle[1]
    return b"".join(parts) if len(parts) > 2 else raw


def pictures(raw: bytes, at: int, stop: int) -> Iterator[gaps.Cut]:
    """Yield the longer base64 of `image/…` keys, each with its place in the file and its head instead.

    `"image/png"` without a backslash before it can only begin a key or a value in legal JSON, as the sign
    that closes a text is never followed by a letter; so with a colon and a quotation mark it is a key with
    its text.
    """
    for begin, end in long_lines(raw, at, stop):
        for picture in pictures_in(raw, max(at, begin), end):
            yield picture
            at = picture[1]


def long_lines(raw: bytes, at: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield where the lines lie that may hold a picture, each with a little of what stands before it.

    A text in JSON has no line break, and to look for lines is several times faster than to look for keys.
    """
    while stop - at >= SHORTEST_PICTURE:
        newline = raw.rfind(b"\n", at, at + SHORTEST_PICTURE)
        if newline < 0:
            newline = raw.find(b"\n", at + SHORTEST_PICTURE, stop)
            newline = stop if newline < 0 else newline
            # The key may stand in the line before.
            yield at - BEFORE, newline
        at = newline + 1


def pictures_in(raw: bytes, at: int, stop: int) -> Iterator[gaps.Cut]:
    """Yield what `pictures` does, of a part in which each begins and ends."""
    found = raw.find(b'"image/', at, stop)
    while found >= 0:
        key = VALUE.match(raw, found + 1)
        following = found + 8
        if key is not None and raw[found - 1 : found] != b"\\":
            start = key.end()
            end = closing(raw, start)
            if end < 0:
                return
            following = end
            if end - start >= SHORTEST_PICTURE:
                kept = JPEG_HEAD if raw.startswith(b"image/jpeg", found + 1) else HEAD
                head = raw[start : min(start + kept, end)].replace(b"\\n", b"").translate(None, OTHERS)
                yield start, end, b"tether-image %d %d " % (start, end) + head
        found = raw.find(b'"image/', following, stop)


def closing(raw: bytes, start: int) -> int:
    """Return where the text that begins at `start` ends; -1 if it does not."""
    end = raw.find(b'"', start)
    if end < 0 or raw[end - 1] != 0x5C:
        return end
    rest = REST.match(raw, start)
    return rest.end() - 1 if rest is not None else -1
