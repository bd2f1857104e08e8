"""The folder with the model files of this machine: what stands there, by name, and how it goes.

A name is looked up among the files that are there and never becomes a path by itself, so that no name leads
out of the folder. Reading makes nothing, not even the folder.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tether_jupyter.errors import Conflict, Forbidden, Internal, ModelNotReady, NotFound
from tether_jupyter.llm.local import gguf
from tether_jupyter.llm.models import facts
from tether_jupyter.llm.models.lock import Locked, locked

log = logging.getLogger("tether.models")

SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})", re.DOTALL)
SUFFIX = ".gguf"
PART = ".part"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
MAX_NOTE = 1 << 20
"""Bytes of a note beside a model that are read: one sum for each file of a split model, and little more."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model came from, kept in a note beside it: `NAME.json`."""

    repo: str
    commit: str
    files: dict[str, str]
    license: str | None = None

    @property
    def sums(self) -> list[str]:
        """The SHA-256 sums of its files, in order."""
        return [self.files[name] for name in sorted(self.files)]


@dataclass(frozen=True, slots=True)
class Entry:
    """A model of this machine.

    Parameters
    ----------
    name:
        What it is called: its file's name without `.gguf`, and without the number of a split model's file.
    path:
        The file to load; of a split model the first.
    size:
        Bytes of all its files.
    header:
        What a loader needs to know, or `None` where the file is bad.
    problem:
        Why it cannot be loaded, or `None`.
    """

    name: str
    path: Path
    size: int
    files: tuple[Path, ...]
    header: gguf.Header | None = None
    facts: facts.Facts | None = None
    origin: Origin | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """A pull that was broken off: its bytes so far, and what it was of, where that is known."""

    name: str
    size: int
    repo: str | None
    files: tuple[Path, ...]


@dataclass
class Found:
    """The files of one name: finished ones by their number, and parts."""

    count: int = 1
    files: dict[int, Path] = field(default_factory=dict)
    parts: list[Path] = field(default_factory=list)


class Shelf:
    """The models folder.

    Parameters
    ----------
    folder:
        Where it is; empty for `tether/models` in Jupyter's data folder.
    """

    def __init__(self, folder: str | Path = "") -> None:
        self.folder = Path(folder).expanduser().absolute() if str(folder) else default_folder()
        self._known: dict[Path, tuple[tuple[int, int], facts.Facts | str]] = {}
        self._left_out: set[str] = set()

    # -- what is there

    def list(self) -> list[Entry]:
        """Return the models, by name. Heads are read once for each change of a file; call it off the loop."""
        found = {name: files for name, files in self._scan().items() if files.files}
        return [self._entry(name, found[name]) for name in sorted(found, key=str.lower)]

    def partial(self) -> Sequence[Partial]:
        """Return the pulls that were broken off, by name."""
        rows = []
        for name, found in sorted(self._scan().items()):
            if found.parts:
                notes = [read_note(part.with_name(f"{part.name}.json")) for part in found.parts]
                repo = next((str(note["repo"]) for note in notes if "repo" in note), None)
                parts = tuple(sorted(found.parts))
                rows.append(Partial(name, sum(size_of(part) for part in parts), repo, parts))
        return rows

    def path(self, name: str) -> Path:
        """Return the file to load for a name.

        Raises
        ------
        NotFound
            There is none of that name here, or it lies elsewhere.
        ModelNotReady
            Files of it are missing.
        """
        files = self._found(name)
        missing = files.count - len(files.files)
        if missing:
            raise ModelNotReady(
                f"{missing} of the {files.count} files of {name!r} are missing. "
                "Pull it again: what is there stays."
            )
        for file in files.files.values():
            self._check_inside(file, name)
        return files.files[min(files.files)]

    def origin(self, name: str) -> Origin | None:
        """Return where a model came from, or `None` where nothing tells."""
        note = read_note(self.folder / f"{name}.json")
        try:
            return Origin(
                repo=str(note["repo"]),
                commit=str(note["commit"]),
                files={str(file): str(total) for file, total in note["files"].items()},
                license=note.get("license"),
            )
        except (KeyError, AttributeError):
            return None

    def same(self, sums: Sequence[str]) -> str | None:
        """Return the name of a model that has exactly these SHA-256 sums, by its note, if one is here."""
        for name, found in self._scan().items():
            origin = self.origin(name)
            if origin and origin.sums == list(sums) and len(found.files) == found.count:
                return name
        return None

    # -- what changes it

    def remove(self, name: str) -> None:
        """Remove a model, parts and notes included.

        Raises
        ------
        NotFound
            There is none of that name.
        Conflict
            It is being pulled.
        Forbidden, Internal
            The disk does not let it go.
        """
        found = self._found(name, parts=True)
        with removing(name, self.folder), self.lock(name):
            for part in found.parts:
                part.unlink(missing_ok=True)
                part.with_name(f"{part.name}.json").unlink(missing_ok=True)
            for file in found.files.values():
                file.unlink(missing_ok=True)
            (self.folder / f"{name}.json").unlink(missing_ok=True)

    def write_origin(self, name: str, origin: Origin) -> None:
        """Write the note beside a model."""
        write_note(self.folder / f"{name}.json", asdict(origin))

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Keep other processes and tasks from pulling or removing a model meanwhile.

        Raises
        ------
        Conflict
            Somebody does so already.
        """
        place = self.folder / ".locks"
        place.mkdir(parents=True, exist_ok=True)
        try:
            with locked(place / f"{name}.lock"):
                yield
        except Locked:
            raise Conflict(f"{name!r} is being pulled or removed already. Wait for that to end.") from None

    # -- looking

    def _scan(self) -> dict[str, Found]:
        """Return the files by name, without opening any."""
        found: dict[str, Found] = {}
        try:
            entries = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return found
        except OSError as reason:
            raise Internal(
                f"The models folder {self.folder} cannot be read: {os.strerror(reason.errno or 0)}. "
                "Correct `LocalLLM.models_dir` (TETHER_MODELS_DIR)."
            ) from reason
        for entry in entries:
            if entry.name.startswith(".") or not self._is_text(entry.name):
                continue
            if entry.name.endswith(SUFFIX + PART):
                name, _, count = spelled(entry.name.removesuffix(PART))
                found.setdefault(name, Found(count)).parts.append(entry)
            elif entry.name.endswith(SUFFIX):
                name, number, count = spelled(entry.name)
                files = found.setdefault(name, Found(count))
                if files.count != count:
                    # A whole file and a split one share a name: the whole one, which comes last, stays.
                    files.count, files.files = count, {}
                files.files[number] = entry
        return found

    def _is_text(self, name: str) -> bool:
        """Return whether a file's name is UTF-8: no other can be sent or printed, and it is told once."""
        try:
            name.encode()
        except UnicodeEncodeError:
            if name not in self._left_out:
                self._left_out.add(name)
                shown = os.fsencode(name).decode("utf-8", "backslashreplace")
                text = "%s in %s is left out: its name is not UTF-8. Rename it."
                log.warning(text, printable(shown), self.folder)
            return False
        return True

    def _found(self, name: str, *, parts: bool = False) -> Found:
        """Return the files of a name, which is compared and never joined to a path."""
        there = self._scan()
        found = there.get(name)
        if found is None or not (found.files or (parts and found.parts)):
            names = [known for known, files in there.items() if files.files]
            here = f"There are: {', '.join(names[:12])}." if names else "There is none yet."
            raise NotFound(
                f"There is no model {printable(name)!r} in the models folder. {here} "
                "`tether models` lists what can be pulled."
            )
        return found

    def _check_inside(self, file: Path, name: str) -> None:
        if not file.resolve().is_relative_to(self.folder.resolve()):
            raise NotFound(
                f"{name!r} is a link to a file outside the models folder, which is not followed. "
                "Copy the file there, or set `LocalLLM.model_path` to it."
            )

    def _entry(self, name: str, found: Found) -> Entry:
        files = tuple(found.files[number] for number in sorted(found.files))
        size = sum(size_of(file) for file in files)
        problem: str | None = None
        known: facts.Facts | None = None
        try:
            path = self.path(name)
            known = self._facts(path)
        except (NotFound, ModelNotReady) as reason:
            path, problem = files[0], reason.message
        except gguf.GGUFError as reason:
            problem = f"It is no model that can be loaded: {reason}."
        except OSError as reason:
            problem = f"It cannot be read: {os.strerror(reason.errno or 0)}."
        header = known.header if known else None
        return Entry(name, path, size, files, header, known, self.origin(name), problem)

    def _facts(self, path: Path) -> facts.Facts:
        """Return what a file tells of itself, read anew when the file has changed."""
        status = path.stat()
        stamp = (status.st_mtime_ns, status.st_size)
        if path not in self._known or self._known[path][0] != stamp:
            try:
                self._known[path] = (stamp, facts.read(path))
            except gguf.GGUFError as reason:
                self._known[path] = (stamp, str(reason))
        known = self._known[path][1]
        if isinstance(known, str):
            raise gguf.GGUFError(known)
        return known


@contextmanager
def removing(name: str, folder: Path) -> Iterator[None]:
    """Turn a disk's refusal to let a model go into words.

    Raises
    ------
    Forbidden
        It belongs to somebody else.
    Internal
        It cannot be for another reason.
    """
    try:
        yield
    except OSError as reason:
        refused = f"{printable(name)!r} cannot be removed: {os.strerror(reason.errno or 0)}."
        if reason.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise Internal(f"{refused} Look at what is in {folder}.") from reason
        path = Path(reason.filename or folder)
        # To make or remove a file is its folder's matter, unless each may only remove what is theirs there.
        blamed = path if os.access(path.parent, os.W_OK) and os.access(path, os.F_OK) else path.parent
        raise Forbidden(
            f"{refused} {blamed} belongs to {owner_of(blamed)}: ask there, or ask whoever runs this machine."
        ) from reason


def owner_of(path: Path) -> str:
    """Return whom a file belongs to, as well as this system tells."""
    try:
        return path.owner()
    except (OSError, KeyError, NotImplementedError):
        return "another account"


def default_folder() -> Path:
    """Return the models folder in the user's own data folder of Jupyter."""
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "tether" / "models"


def spelled(file_name: str) -> tuple[str, int, int]:
    """Return the model's name, the file's number and the count of files that a file's name tells."""
    stem = file_name.removesuffix(SUFFIX)
    if (shard := SHARD.fullmatch(stem)) and 0 < int(shard["number"]) <= int(shard["count"]):
        return shard["stem"], int(shard["number"]), int(shard["count"])
    return stem, 1, 1


def printable(name: str) -> str:
    """Return a caller's name in a form that is safe in a message."""
    return "".join(c if c.isprintable() else "?" for c in name[:80])


def size_of(path: Path) -> int:
    """Return a file's size, or 0 where it is gone or leads nowhere."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def read_note(path: Path) -> dict[str, Any]:
    """Return the JSON object in a note; an empty one where there is none that can be read."""
    try:
        with path.open("rb") as file:
            note = json.loads(file.read(MAX_NOTE))
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def write_note(path: Path, content: dict[str, Any]) -> None:
    """Write a note whole or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)
