"""A file on its way in: on the disk under a name of its own, until it is whole and gets its final one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tether_jupyter.store.failures import NUMBERS, Cause, StoreFailed

log = logging.getLogger("tether.store")

WORDS: dict[Cause, str] = {
    "full": "The disk is full, and files cannot be kept. Make room on it, and send the file again.",
    "readonly": "The folder of the files cannot be written. Check whose it is, and send the file again.",
}
UNREACHABLE = "The place where files are kept does not answer. Try again, or ask whoever runs the server."


class Arriving:
    """A file that is being received: written to disk as it comes, measured and hashed on the way.

    `discard` must be called in the end, whatever became of it.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / secrets.token_hex(16)
        self.size = 0
        self._hash = hashlib.sha256()
        self._file: IO[bytes] | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of what has come so far, in hexadecimal."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        with saying():
            if self._file is None:
                make_folder(self.path.parent)
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
                self._file = os.fdopen(os.open(self.path, flags, 0o600), "wb")
            self._file.write(data)
        self._hash.update(data)
        self.size += len(data)

    def close(self) -> None:
        """Put all of it on the disk."""
        if self._file is not None and not self._file.closed:
            with saying():
                self._file.flush()
                os.fsync(self._file.fileno())
                self._file.close()

    def open(self) -> IO[bytes]:
        """Return the file to read."""
        self.close()
        with saying():
            return self.path.open("rb")

    def discard(self) -> None:
        """Remove the file; what was kept of it stays."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self.path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and what it lies in, for nobody else to read."""
    for path in reversed([folder, *folder.parents]):
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)


@contextlib.contextmanager
def saying() -> Iterator[None]:
    """Turn what the disk refuses into words for people."""
    try:
        yield
    except OSError as reason:
        log.error("the folder of the files cannot be used: %s", errno.errorcode.get(reason.errno or 0, "?"))
        cause = NUMBERS.get(reason.errno, "unreachable")
        raise StoreFailed(WORDS.get(cause, UNREACHABLE), cause=cause) from None
