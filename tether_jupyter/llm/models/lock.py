"""A lock between processes that ends with whoever holds it, however that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Locked(Exception):
    """Somebody else holds the lock."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on a file, which is made if need be and stays: removing it would let two in.

    Raises
    ------
    Locked
        Another process, or another task of this one, holds it.
    """
    # In a folder that several people share, the file that one of them has made is everybody's lock.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            take(descriptor)
        except (BlockingIOError, PermissionError) as reason:
            raise Locked(path.name) from reason
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def take(descriptor: int) -> None:
        """Lock a file's first byte, or raise `OSError`."""
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def take(descriptor: int) -> None:
        """Lock a file for this open descriptor alone, or raise `OSError`."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
