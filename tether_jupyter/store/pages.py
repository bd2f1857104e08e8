"""A SQLite file read page by page, without SQLite: what a damaged one still holds.

SQLite finds a table through its root page, and gives up at the first page that is not as it should be. Every
leaf of a table can be read for itself, though, whether or not a way leads to it. The form of the file is
described at https://www.sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"SQLite format 3\0"
USUAL_SIZE = 4096
LEAF, INTERIOR = 0x0D, 0x05
WAL_MAGIC = (0x377F0682, 0x377F0683)
INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
FURTHEST = 2**31
"""A record longer than this is none: SQLite's own limit is half of it."""

Value = int | float | str | bytes | None


class NotReadable(Exception):
    """A page or a cell is not what it should be."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its number, its values as far as they could be read, and whether all of it was there."""

    rowid: int
    values: Sequence[Value]
    whole: bool


class Pages:
    """The pages of a file, with those of its write-ahead log over them.

    Parameters
    ----------
    data:
        The file's bytes.
    log:
        Those of its `-wal`; frames count up to the last commit that is whole, as they do for SQLite.
    """

    def __init__(self, data: bytes, log: bytes = b"") -> None:
        self._data = data
        # Page 1 may lie in the log alone, or be gone: then the size is the one that SQLite uses by itself.
        self.size = page_size(data) or logged_page_size(log) or USUAL_SIZE
        self._logged = logged(log, self.size)
        first = self._page(1)
        self.usable = self.size - (first[20] if page_size(first) else 0)
        self.count = max(-(-len(data) // self.size), *self._logged, 1)

    @classmethod
    def of(cls, file: Path, *, with_log: bool = True) -> Pages:
        """Read a file, and its log if there is one."""
        log = file.with_name(file.name + "-wal")
        there = with_log and log.is_file()
        return cls(file.read_bytes(), log.read_bytes() if there else b"")

    def _page(self, number: int) -> bytes:
        """Return a page, or as much as is left of the last one."""
        if number in self._logged:
            return self._logged[number]
        return self._data[(number - 1) * self.size : number * self.size]

    def tables(self) -> dict[str, int]:
        """Return the root pages of the tables that the schema names, as far as it can be read."""
        found: dict[str, int] = {}
        for page in self.leaves(1):
            for record in self.records(page):
                kind, name, _, root, *_ = [*record.values, None, None, None, None, None]
                if kind == "table" and isinstance(name, str) and isinstance(root, int) and root > 0:
                    found[name] = root
        return found

    def leaves(self, root: int) -> list[int]:
        """Return the leaf pages of a table that can still be reached from its root, in order."""
        found: list[int] = []
        seen: set[int] = set()
        todo = [root]
        while todo:
            number = todo.pop()
            if number in seen or not 1 <= number <= self.count:
                continue
            seen.add(number)
            try:
                kind, starts, page = self._cells(number)
            except NotReadable:
                continue
            if kind == LEAF:
                found.append(number)
            else:
                right = struct.unpack_from(">I", page, 8 + (100 if number == 1 else 0))[0]
                below = [struct.unpack_from(">I", page, at)[0] for at in starts if at + 4 <= len(page)]
                todo.extend(reversed([*below, right]))
        return found

    def loose_leaves(self, reached: set[int]) -> Iterator[int]:
        """Yield the leaf pages that no root leads to any more, but for those that were given back."""
        passed = reached | self.free()
        for number in range(2, self.count + 1):
            if number not in passed:
                try:
                    kind, *_ = self._cells(number)
                except NotReadable:
                    continue
                if kind == LEAF:
                    yield number

    def free(self) -> set[int]:
        """Return the pages that belong to nothing: what was deleted must not come back with the rest."""
        found: set[int] = set()
        first = self._page(1)
        if page_size(first) is None:
            return found
        trunk: int = struct.unpack_from(">I", first, 32)[0]
        while 1 < trunk <= self.count and trunk not in found:
            found.add(trunk)
            page = self._page(trunk)
            if len(page) < 8:
                break
            trunk, count = struct.unpack_from(">II", page)
            count = min(count, self.usable // 4 - 2, len(page) // 4 - 2)
            found.update(struct.unpack_from(f">{count}I", page, 8))
        return found

    def records(self, number: int) -> Iterator[Record]:
        """Yield the rows of a leaf that can be read."""
        try:
            kind, starts, page = self._cells(number)
        except NotReadable:
            return
        if kind != LEAF:
            return
        for start in starts:
            try:
                yield self._record(page, start)
            except (NotReadable, IndexError, struct.error):
                continue

    def _cells(self, number: int) -> tuple[int, list[int], bytes]:
        """Return a table page's kind, where its cells start, and the page itself."""
        page = self._page(number)
        head = 100 if number == 1 else 0
        if len(page) < head + 8:
            raise NotReadable
        kind = page[head]
        if kind not in (LEAF, INTERIOR):
            raise NotReadable
        count = struct.unpack_from(">H", page, head + 3)[0]
        first = head + (8 if kind == LEAF else 12)
        if first + 2 * count > self.usable:
            # The count is wrong: as many as there is room for are tried, and those that are none fall out.
            count = (self.usable - first) // 2
        count = min(count, (len(page) - first) // 2)
        starts = struct.unpack_from(f">{max(count, 0)}H", page, first)
        return kind, [at for at in dict.fromkeys(starts) if first <= at < len(page)], page

    def _record(self, page: bytes, start: int) -> Record:
        """Read the row that a cell holds."""
        length, at = varint(page, start)
        rowid, at = varint(page, at)
        if not 0 < length < FURTHEST:
            raise NotReadable
        room = self.usable - 35
        here = length
        if length > room:
            least = (self.usable - 12) * 32 // 255 - 23
            here = least + (length - least) % (self.usable - 4)
            here = here if here <= room else least
        body = page[at : at + here]
        if length > here and len(page) >= at + here + 4:
            body += self._overflow(struct.unpack_from(">I", page, at + here)[0], length - here)
        values, whole = decoded(body, length)
        return Record(rowid - 2**64 if rowid >= 2**63 else rowid, values, whole)

    def _overflow(self, number: int, wanted: int) -> bytes:
        """Return what follows on other pages, up to where the chain breaks."""
        parts = []
        seen: set[int] = set()
        while wanted > 0 and 1 < number <= self.count and number not in seen:
            seen.add(number)
            page = self._page(number)
            if len(page) < 4:
                break
            part = page[4 : 4 + min(wanted, self.usable - 4)]
            parts.append(part)
            wanted -= len(part)
            number = struct.unpack_from(">I", page)[0]
        return b"".join(parts)


def page_size(data: bytes) -> int | None:
    """Return the size that a file's header gives, if there is a header."""
    if data[:16] != MAGIC or len(data) < 100:
        return None
    size: int = struct.unpack_from(">H", data, 16)[0]
    size = 65536 if size == 1 else size
    return size if size >= 512 and size & (size - 1) == 0 else None


def logged_page_size(log: bytes) -> int | None:
    """Return the page size that a write-ahead log was written with."""
    if len(log) < 32 or struct.unpack_from(">I", log)[0] not in WAL_MAGIC:
        return None
    size: int = struct.unpack_from(">I", log, 8)[0]
    return size if 512 <= size <= 65536 and size & (size - 1) == 0 else None


def logged(log: bytes, size: int) -> dict[int, bytes]:
    """Return the pages that a write-ahead log holds, each as its last whole commit left it."""
    if logged_page_size(log) != size:
        return {}
    order = ">" if struct.unpack_from(">I", log)[0] & 1 else "<"
    salt = log[16:24]
    total = checksum(order, log[:24], (0, 0))
    if total != struct.unpack_from(">II", log, 24):
        return {}
    kept: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for at in range(32, len(log) - size - 23, size + 24):
        head, page = log[at : at + 24], log[at + 24 : at + 24 + size]
        total = checksum(order, page, checksum(order, head[:8], total))
        if head[8:16] != salt or total != struct.unpack_from(">II", head, 16):
            break
        number, commit = struct.unpack_from(">II", head)
        pending[number] = page
        if commit:
            kept.update(pending)
            pending.clear()
    return kept


def checksum(order: str, data: bytes, start: tuple[int, int]) -> tuple[int, int]:
    """Return SQLite's sum over some bytes, going on from one before."""
    one, two = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & 0xFFFFFFFF
        two = (two + odd + one) & 0xFFFFFFFF
    return one, two


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of variable length, and where it ends."""
    value = 0
    for step in range(8):
        byte = data[at + step]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    return value << 8 | data[at + 8], at + 9


def decoded(body: bytes, length: int) -> tuple[list[Value], bool]:
    """Return a record's values. One that is cut off keeps what is there of it; those after it are missing."""
    size, at = varint(body, 0)
    if not 0 < size <= min(length, len(body)):
        raise NotReadable
    kinds = []
    while at < size:
        kind, at = varint(body, at)
        kinds.append(kind)
    if at != size or size + sum(map(width, kinds)) != length:
        raise NotReadable
    values: list[Value] = []
    for kind in kinds:
        wide = width(kind)
        piece = body[at : at + wide]
        at += wide
        if len(piece) == wide or (piece and kind >= 13 and kind % 2):
            values.append(value_of(kind, piece))
        if len(piece) < wide:
            return values, False
    return values, True


def width(kind: int) -> int:
    """Return how many bytes a value of a kind takes."""
    if kind >= 12:
        return (kind - 12) // 2
    if kind in (10, 11):
        raise NotReadable
    return INTEGERS.get(kind, 8 if kind == 7 else 0)


def value_of(kind: int, piece: bytes) -> Value:
    """Return a value. Text that is none any more keeps what can be read of it."""
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        number: float = struct.unpack(">d", piece)[0]
        return number
    if kind < 7:
        return int.from_bytes(piece, "big", signed=True)
    return piece.decode("utf-8", "replace") if kind % 2 else piece
