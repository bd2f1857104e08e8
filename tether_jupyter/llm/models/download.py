"""One file from a hub to a disk: it resumes, it is checked, and it stands there whole or not at all.

The bytes go to `FILE.part`, beside it a note that says what they are of. A cut goes on where it stopped; a
note that does not fit, a server that knows no ranges and a tag that has changed begin anew.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from tether_jupyter.core.sizes import human
from tether_jupyter.errors import Internal, InvalidRequest, TetherError, TooLarge, UpstreamError
from tether_jupyter.llm.models.choice import HubFile
from tether_jupyter.llm.models.progress import Meter
from tether_jupyter.llm.models.retry import Interrupted, Patience
from tether_jupyter.llm.models.shelf import PART, read_note, write_note

if TYPE_CHECKING:
    import aiohttp

    from tether_jupyter.llm.models.hub import Connection

T = TypeVar("T")

PIECE = 2**20
"""Bytes that are written and summed at once."""

TRIES = 6
"""Tries after a cut that bring less than `STEP` bytes between them."""

STEP = 2**18
RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
MAGIC = b"GGUF"


class Download:
    """One file on its way.

    Parameters
    ----------
    connection:
        Where it comes from.
    address:
        Its own address there.
    file:
        What the hub says of it. Its sum must be known.
    path:
        Where it will stand; the part lies beside it.
    repo:
        The repository, for messages and the note.
    """

    def __init__(
        self, connection: Connection, address: str, file: HubFile, path: Path, repo: str, meter: Meter
    ) -> None:
        self.connection = connection
        self.address = address
        self.file = file
        self.part = path.with_name(path.name + PART)
        self.note = path.with_name(f"{self.part.name}.json")
        self.repo = repo
        self.meter = meter
        self.sum = hashlib.sha256()
        self.bytes = 0
        self.tag: str | None = None

    async def run(self, patience: Patience) -> Path:
        """Fetch what is missing and return the part, which then is the whole file, checked and on the disk.

        Raises
        ------
        UpstreamError
            The bytes are wrong, and gone again; or the connection broke too often, and the part stays.
        InvalidRequest
            It is no GGUF file.
        TooLarge
            The disk is full. The part stays.
        """
        with disk(self.part), await in_thread(self._open) as out:
            await self._take_up(out)
            while self.bytes < self.file.size:
                before = self.bytes
                try:
                    await self._fetch(out)
                except Interrupted as reason:
                    if self.bytes - before >= STEP:
                        patience.renew()
                    await self._bear(patience, reason)
            if self.sum.hexdigest() != self.file.sha256:
                self._discard()
                raise self._wrong("their SHA-256 sum differs")
            await in_thread(lambda: sync(out))
        return self.part

    # -- what is here

    def _open(self) -> IO[bytes]:
        """Open the part: the one that is there where it is of this very file, an empty one otherwise."""
        note = read_note(self.note)
        usable = note.get("sha256") == self.file.sha256 and self.part.exists()
        tag = note.get("tag")
        self.tag = tag if usable and isinstance(tag, str) else None
        out = self.part.open("r+b" if usable else "w+b")
        self._write_note()
        return out

    async def _take_up(self, out: IO[bytes]) -> None:
        """Sum the bytes that are here."""
        while self.bytes < self.file.size:
            data = await in_thread(lambda: out.read(PIECE))
            if not data:
                break
            data = data[: self.file.size - self.bytes]
            await in_thread(lambda: self.sum.update(data))  # noqa: B023 - it is called at once
            self.bytes += len(data)
            self.meter.found(len(data))
        if out.tell() > self.file.size:
            out.truncate(self.file.size)

    def _write_note(self) -> None:
        write_note(
            self.note,
            {"repo": self.repo, "file": self.file.path, "sha256": self.file.sha256, "tag": self.tag},
        )

    def _discard(self) -> None:
        """Remove what was fetched: no part of it can be trusted."""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    # -- what comes

    async def _fetch(self, out: IO[bytes]) -> None:
        """Ask for what is missing and take in what comes."""
        headers = {}
        if self.bytes:
            headers["Range"] = f"bytes={self.bytes}-"
            if self.tag:
                headers["If-Range"] = self.tag
        async with self.connection.open(
            self.address, f"{self.file.path} of {self.repo}", headers
        ) as response:
            if not self._continues(response):
                await self._restart(out)
            if response.status == 416:
                raise Interrupted(self._wrong("it has no such range"))
            self._check_length(response)
            tag = response.headers.get("ETag", "")
            if tag != (self.tag or "") and not tag.startswith("W/") and len(tag) < 500:
                self.tag = tag or None
                await in_thread(self._write_note)
            gathered = bytearray()
            try:
                async for chunk in response.content.iter_any():
                    gathered += chunk
                    if self.bytes + len(gathered) > self.file.size:
                        self._discard()
                        raise self._wrong("there are more of them")
                    if len(gathered) >= PIECE:
                        data, gathered = bytes(gathered), bytearray()
                        await self._take(out, data)
            finally:
                # What came before a cut or a cancel is good as well.
                if gathered and self.bytes + len(gathered) <= self.file.size:
                    await self._take(out, bytes(gathered))
        if self.bytes < self.file.size:
            host = self.connection.hub.host
            raise Interrupted(UpstreamError(f"The connection to {host} broke again and again. Try later."))

    def _continues(self, response: aiohttp.ClientResponse) -> bool:
        """Return whether an answer goes on exactly where the part ends."""
        if response.status == 200:
            return not self.bytes
        match = RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return (
            response.status == 206
            and match is not None
            and int(match[1]) == self.bytes
            and match[3] in ("*", str(self.file.size))
        )

    def _check_length(self, response: aiohttp.ClientResponse) -> None:
        """Refuse an answer whose length cannot be right, before its bytes are waited for.

        Raises
        ------
        UpstreamError
            The whole file has another size than the hub said.
        Interrupted
            It is another piece than the one asked for.
        """
        length = response.content_length
        if response.status == 206 and not self._continues(response):
            raise Interrupted(self._wrong("it is another piece"))
        if length is not None and length > self.file.size - self.bytes:
            self._discard()
            raise self._wrong("there are more of them")
        if response.status == 200 and length is not None and length != self.file.size:
            self._discard()
            raise self._wrong("there are fewer of them")

    async def _restart(self, out: IO[bytes]) -> None:
        """Begin anew, with an empty part."""
        self.meter.lost(self.bytes)
        self.sum, self.bytes, self.tag = hashlib.sha256(), 0, None

        def empty() -> None:
            out.seek(0)
            out.truncate()

        await in_thread(empty)

    async def _take(self, out: IO[bytes], data: bytes) -> None:
        """Write and sum the next bytes."""
        if not self.bytes and not data.startswith(MAGIC[: len(data)]):
            self._discard()
            raise InvalidRequest(
                f"{self.file.path} of {self.repo} is no GGUF file, so it is no model of llama.cpp. "
                "Choose another."
            )

        def write() -> None:
            out.write(data)
            self.sum.update(data)

        await in_thread(write)
        self.bytes += len(data)
        self.meter.came(len(data))

    # -- what went wrong

    def _wrong(self, how: str) -> TetherError:
        return UpstreamError(
            f"What came for {self.file.path} of {self.repo} is not what {self.connection.hub.host} lists: "
            f"{how}. Nothing of it was kept. Pull again."
        )

    async def _bear(self, patience: Patience, reason: Interrupted) -> None:
        """Wait before the next try; a failure that is final says what is kept."""
        try:
            await patience.bear(reason)
        except TetherError as final:
            final.hint = f"{human(self.bytes)} of {self.file.path} are kept: pull again to go on from there."
            raise


async def is_whole(path: Path, file: HubFile, meter: Meter) -> bool:
    """Return whether a file that is here has the bytes that the hub lists, and count them as found."""
    if not await in_thread(lambda: path.is_file() and path.stat().st_size == file.size):
        return False
    meter.begin(path.name)
    total = hashlib.sha256()
    with await in_thread(lambda: path.open("rb")) as stream:
        while data := await in_thread(lambda: stream.read(PIECE)):
            await in_thread(lambda: total.update(data))
            meter.found(len(data))
    return total.hexdigest() == file.sha256


def sync(out: IO[bytes]) -> None:
    """See that a file's bytes are on the disk."""
    out.flush()
    os.fsync(out.fileno())


async def in_thread(work: Callable[[], T]) -> T:
    """Run something that blocks in a thread, and let it end even when the wait for it is cancelled.

    A file must not be closed under the thread that writes to it.
    """
    running = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


@contextmanager
def disk(path: Path) -> Iterator[None]:
    """Turn what a disk refuses into words.

    Raises
    ------
    TooLarge
        It is full.
    Internal
        It cannot be written to.
    """
    try:
        yield
    except OSError as reason:
        if reason.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TooLarge(
                f"The disk with {path.parent} is full. What came so far is kept: make room and pull again."
            ) from reason
        said = os.strerror(reason.errno) if reason.errno else type(reason).__name__
        raise Internal(
            f"{path.parent} cannot be written to: {said}. Choose another `LocalLLM.models_dir`."
        ) from reason
