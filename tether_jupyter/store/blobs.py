"""Files by what is in them: each is kept once, under its SHA-256, in a local folder or at an fsspec address.

Everything here blocks: call it in a thread. A file arrives under a name of its own, and gets its final name
when it is whole and on the disk, so whatever has a final name can be read.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

from tether_jupyter.errors import InvalidRequest, NotFound, TetherError
from tether_jupyter.store.arriving import UNREACHABLE, Arriving, make_folder, saying
from tether_jupyter.store.failures import StoreFailed

log = logging.getLogger("tether.store")

DIGEST = re.compile(r"[0-9a-f]{64}")
MARKS, OTHERS = "databases", "others"
"""Where the marks of who keeps files here are, and the one of somebody unknown: see `store/place.py`."""
MARK = re.compile(rf"[dp]_[0-9a-f]{{32}}|{OTHERS}")
PIECE = 1 << 18
WHOLE_AT_ONCE = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss"})
"""Protocols where a file that is being written is not there until it is whole."""
Result = TypeVar("Result")


class Blobs:
    """What local and remote stores share: where files arrive, and where they wait before they are gone.

    Parameters
    ----------
    folder:
        A folder of this machine, on a disk with room for what arrives. Made when it is first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._arriving = folder / "arriving"
        self._aside = folder / "aside"

    def receive(self) -> Arriving:
        """Return a new file to write into. Nothing is made before the first byte."""
        return Arriving(self._arriving)

    def put(self, source: Path, digest: str) -> None:
        """Keep a copy of a file under its digest; one that is there already stays."""
        raise NotImplementedError

    def has(self, digest: str, size: int) -> bool:
        """Return whether a file is there, and whole."""
        raise NotImplementedError

    def open(self, digest: str) -> IO[bytes]:
        """Return a kept file to read. Raises `NotFound` where there is none."""
        raise NotImplementedError

    def read(self, digest: str) -> bytes:
        """Return all of a kept file. Raises `NotFound` where there is none."""
        with self.open(digest) as file, saying():
            return file.read()

    def digests(self) -> Iterator[str]:
        """Yield what is there."""
        raise NotImplementedError

    def mark(self, name: str, text: str) -> None:
        """Leave a mark where the files are, with a text for people."""
        raise NotImplementedError

    def marks(self) -> set[str]:
        """Return the names of the marks that were left."""
        raise NotImplementedError

    # A file that nobody refers to is not deleted at once, for somebody may refer to it the next moment:
    # it is set aside, its owner looks once more, and then it is let go or put back.

    def set_aside(self, digest: str) -> Path | None:
        """Take a file away, and return where it waits; `None` where there was none."""
        raise NotImplementedError

    def put_back(self, aside: Path) -> None:
        """Undo `set_aside`. It does not matter who else has done so, or does so at the same time."""
        if not aside.exists():
            return
        try:
            self.put(aside, digest_of(aside))
        except (FileNotFoundError, StoreFailed):
            if aside.exists():
                raise
        aside.unlink(missing_ok=True)

    def let_go(self, aside: Path) -> None:
        """Delete what was set aside."""
        aside.unlink(missing_ok=True)

    def waiting(self) -> Iterator[tuple[Path, str]]:
        """Yield what was set aside by somebody who did not come back to it, with its digest."""
        if self._aside.is_dir():
            for path in sorted(self._aside.iterdir()):
                if DIGEST.fullmatch(digest_of(path)):
                    yield path, digest_of(path)

    def sweep(self, age: float) -> int:
        """Remove what began to arrive more than so many seconds ago; return how many there were."""
        count = 0
        if self._arriving.is_dir():
            for path in self._arriving.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > age:
                        path.unlink()
                        count += 1
        return count

    def _new_aside(self, digest: str) -> Path:
        make_folder(self._aside)
        return self._aside / f"{digest}-{secrets.token_hex(8)}"


class LocalBlobs(Blobs):
    """Files in a folder that only this user can read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._kept = folder / "kept"

    def _path(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise NotFound
        return self._kept / digest[:2] / digest

    def put(self, source: Path, digest: str) -> None:
        with saying():
            if self.has(digest, source.stat().st_size):
                return
            path = self._path(digest)
            make_folder(path.parent)
            whole = source.with_name(f"{secrets.token_hex(16)}.whole")
            try:
                try:
                    os.link(source, whole)
                except OSError:  # A file system without links.
                    copy(source, whole)
                whole.replace(path)
            finally:
                whole.unlink(missing_ok=True)
            flush_folder(path.parent)

    def has(self, digest: str, size: int) -> bool:
        with saying():
            try:
                return self._path(digest).stat().st_size == size
            except FileNotFoundError:
                return False

    def open(self, digest: str) -> IO[bytes]:
        with saying():
            try:
                return self._path(digest).open("rb")
            except FileNotFoundError:
                raise gone() from None

    def digests(self) -> Iterator[str]:
        if self._kept.is_dir():
            for folder in sorted(self._kept.iterdir()):
                if folder.is_dir():
                    names = sorted(path.name for path in folder.iterdir())
                    yield from (name for name in names if DIGEST.fullmatch(name))

    def mark(self, name: str, text: str) -> None:
        with saying():
            make_folder(self._kept / MARKS)
            (self._kept / MARKS / name).write_text(text, encoding="utf-8")
            (self._kept / MARKS / name).chmod(0o600)

    def marks(self) -> set[str]:
        with saying():
            try:
                return {path.name for path in (self._kept / MARKS).iterdir() if MARK.fullmatch(path.name)}
            except FileNotFoundError:
                return set()

    def set_aside(self, digest: str) -> Path | None:
        with saying():
            aside = self._new_aside(digest)
            try:
                self._path(digest).replace(aside)
            except FileNotFoundError:
                return None
            return aside


class RemoteBlobs(Blobs):
    """Files at an fsspec address: S3, Google Cloud Storage and whatever else fsspec knows.

    Credentials come from the environment, as fsspec takes them, and never from the address.

    Raises
    ------
    InvalidRequest
        The address cannot be used as it is; the message does not repeat it.
    """

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(folder)
        check_address(url)
        self._url = url
        self._opened: tuple[Any, str] | None = None

    def _place(self) -> tuple[Any, str]:
        """Return the file system and the prefix. fsspec is imported here, the first time."""
        if self._opened is None:
            scheme = self._url.partition("://")[0]
            try:
                from fsspec.core import url_to_fs
            except ImportError:
                raise InvalidRequest(
                    "`Tether.uploads_url` needs fsspec: run `pip install 'tether-jupyter[files]'` where the "
                    "server runs."
                ) from None
            try:
                system, root = url_to_fs(self._url, use_listings_cache=False)
            except ImportError:
                raise InvalidRequest(
                    f"fsspec needs one more package for `{scheme}://`, such as `s3fs` for S3 or `gcsfs` for "
                    "Google Cloud Storage. Install it where the server runs."
                ) from None
            except ValueError:
                raise InvalidRequest(
                    f"fsspec knows no `{scheme}://`. Change `Tether.uploads_url`, such as `s3://bucket/prefix`."
                ) from None
            self._opened = system, str(root).rstrip("/")
        return self._opened

    def _do(self, work: Callable[[Any, str], Result]) -> Result:
        """Run work on the file system and its prefix; what the store's own client raises is not shown."""
        try:
            return work(*self._place())
        except (TetherError, FileNotFoundError):
            raise
        except Exception as reason:  # noqa: BLE001 - each protocol has errors of its own
            log.error("the store of the files failed: %s", type(reason).__name__)
            raise StoreFailed(UNREACHABLE) from None

    def _path(self, root: str, digest: str) -> str:
        if not DIGEST.fullmatch(digest):
            raise NotFound
        return f"{root}/{digest[:2]}/{digest}"

    def put(self, source: Path, digest: str) -> None:
        if self.has(digest, source.stat().st_size):
            return

        def write(system: Any, root: str) -> None:
            path = self._path(root, digest)
            if protocols(system) & WHOLE_AT_ONCE:
                system.put_file(str(source), path)
                return
            system.makedirs(path.rpartition("/")[0], exist_ok=True)
            part = f"{path}.{secrets.token_hex(8)}"
            system.put_file(str(source), part)
            system.mv(part, path)

        self._do(write)

    def has(self, digest: str, size: int) -> bool:
        def look(system: Any, root: str) -> bool:
            system.invalidate_cache()
            return bool(system.info(self._path(root, digest))["size"] == size)

        try:
            return self._do(look)
        except FileNotFoundError:
            return False

    def open(self, digest: str) -> IO[bytes]:
        try:
            opened: IO[bytes] = self._do(
                lambda system, root: system.open(self._path(root, digest), "rb", cache_type="readahead")
            )
        except FileNotFoundError:
            raise gone() from None
        return opened

    def read(self, digest: str) -> bytes:
        try:
            return bytes(self._do(lambda system, root: system.cat_file(self._path(root, digest))))
        except FileNotFoundError:
            raise gone() from None

    def digests(self) -> Iterator[str]:
        def every(system: Any, root: str) -> list[str]:
            system.invalidate_cache()
            return [str(path).rpartition("/")[2] for path in system.find(root)]

        try:
            found = self._do(every)
        except FileNotFoundError:
            return
        yield from (name for name in found if DIGEST.fullmatch(name))

    def mark(self, name: str, text: str) -> None:
        def write(system: Any, root: str) -> None:
            if not protocols(system) & WHOLE_AT_ONCE:
                system.makedirs(f"{root}/{MARKS}", exist_ok=True)
            system.pipe_file(f"{root}/{MARKS}/{name}", text.encode())

        self._do(write)

    def marks(self) -> set[str]:
        def every(system: Any, root: str) -> list[str]:
            system.invalidate_cache()
            return [str(path).rpartition("/")[2] for path in system.find(f"{root}/{MARKS}")]

        try:
            return {name for name in self._do(every) if MARK.fullmatch(name)}
        except FileNotFoundError:
            return set()

    def set_aside(self, digest: str) -> Path | None:
        aside = self._new_aside(digest)
        part = aside.with_suffix(".part")

        def fetch(system: Any, root: str) -> None:
            system.get_file(self._path(root, digest), str(part))
            part.chmod(0o600)
            with part.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    # Whatever came of it, it could not be put back: better that it stays.
                    log.error("a kept file does not come back as it was put: it stays where it is")
                    raise FileNotFoundError
            part.replace(aside)
            system.rm_file(self._path(root, digest))

        try:
            self._do(fetch)
        except FileNotFoundError:
            aside.unlink(missing_ok=True)
            return None
        finally:
            part.unlink(missing_ok=True)
        return aside


def open_blobs(url: str, folder: Path) -> Blobs:
    """Return the store at an fsspec address, or the one in a local folder where the address is empty."""
    return RemoteBlobs(url, folder) if url else LocalBlobs(folder)


def check_address(url: str) -> None:
    """Raise `InvalidRequest` for an address that is none, or that holds a secret."""
    try:
        parts = urlsplit(url)
        named = bool(parts.scheme) and "://" in url
        secret = parts.password is not None or (parts.username is not None) or bool(parts.query)
    except ValueError:
        named, secret = False, False
    if not named or "::" in url:
        raise InvalidRequest("`Tether.uploads_url` must be one address, such as `s3://bucket/prefix`.")
    if secret:
        raise InvalidRequest(
            "`Tether.uploads_url` holds a name, a password or a query. Give the credentials as fsspec takes "
            "them, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the server's environment."
        )


def protocols(system: Any) -> set[str]:
    """Return what a file system calls its protocol: one name or several."""
    protocol = system.protocol
    return {protocol} if isinstance(protocol, str) else set(protocol)


def gone() -> NotFound:
    return NotFound("What was uploaded under that id is not where files are kept any more. Upload it again.")


def digest_of(aside: Path) -> str:
    """Return the digest in the name of a file that was set aside."""
    return aside.name.partition("-")[0] if not aside.suffix else ""


def copy(source: Path, target: Path) -> None:
    """Copy a file for this user alone, all of it on the disk."""
    with source.open("rb") as read:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        with os.fdopen(os.open(target, flags, 0o600), "wb") as written:
            shutil.copyfileobj(read, written, PIECE)
            written.flush()
            os.fsync(written.fileno())


def flush_folder(folder: Path) -> None:
    """Put a folder's new names on the disk, where the system knows how."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
