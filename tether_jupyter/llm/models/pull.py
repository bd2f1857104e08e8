"""A model from a hub to the shelf: find it, make sure that it fits, fetch it, check it, put it there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tether_jupyter.core.sizes import human
from tether_jupyter.errors import Conflict, InvalidRequest, TooLarge, UpstreamError
from tether_jupyter.llm.local.gguf import GGUFError
from tether_jupyter.llm.models import facts
from tether_jupyter.llm.models.choice import Choice, Target, choices, file_names, local_name, parse, pick
from tether_jupyter.llm.models.download import TRIES, Download, disk, in_thread, is_whole
from tether_jupyter.llm.models.hub import Connection, Hub, Listing
from tether_jupyter.llm.models.progress import Meter, Report
from tether_jupyter.llm.models.retry import Interrupted, Patience, Timing
from tether_jupyter.llm.models.shelf import PART, Origin, Shelf, size_of

FIRST_TRIES = 3
"""Tries for the list of files: whoever waits for it has seen nothing yet."""

SPARE = 64 * 2**20
"""Bytes that a disk must have left after a pull."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model that is on the shelf now; `already` where it was there before."""

    name: str
    path: Path
    size: int
    already: bool = False

    def event(self) -> dict[str, Any]:
        """Return the event that ends a pull on the wire."""
        return {"done": True, "name": self.name, "size": self.size, "already": self.already}


class Pull:
    """One pull.

    Parameters
    ----------
    shelf, hub:
        Where to, and where from.
    report:
        Told how far it has come, at most four times a second.
    """

    def __init__(self, shelf: Shelf, hub: Hub, report: Report, timing: Timing) -> None:
        self.shelf = shelf
        self.hub = hub
        self.report = report
        self.timing = timing

    async def run(self, text: str) -> Pulled:
        """Pull what a text names. To cancel it keeps what has come.

        Raises
        ------
        NotFound, InvalidRequest
            There is no such model, or several fit; the message lists them.
        Conflict
            It is being pulled already, or another model has that name.
        TooLarge
            The disk has no room for it.
        UpstreamError, RateLimited
            The hub does not hand it out, or hands out other bytes than it lists.
        """
        target = parse(text)
        async with self.hub.connect() as connection:
            listing = await self._listing(connection, target.repo)
            choice = pick(choices(listing.files), target.wanted, target.repo)
            name = local_name(choice, target)
            check_known(choice, target, self.hub)
            with disk(self.shelf.folder / name):
                # Where somebody else's folder has it, there is nothing to write, and so nothing to lock.
                if there := await in_thread(lambda: self._there(name, choice)):
                    return there
                with self.shelf.lock(name):
                    there = await in_thread(lambda: self._there(name, choice))
                    return there or await self._fetch(connection, listing, choice, name)

    async def _listing(self, connection: Connection, repo: str) -> Listing:
        patience = Patience(self.timing, FIRST_TRIES)
        while True:
            try:
                return await connection.listing(repo)
            except Interrupted as reason:
                await patience.bear(reason)

    def _there(self, name: str, choice: Choice) -> Pulled | None:
        """Return the model if it is here already, whatever it is called.

        Raises
        ------
        Conflict
            Another one has its name.
        """
        sums = [str(file.sha256) for file in choice.files]
        same = self.shelf.same(sums)
        if same is not None:
            return Pulled(same, self.shelf.path(same), choice.size, already=True)
        origin = self.shelf.origin(name)
        if origin is not None and origin.sums == sums:
            return None  # Files of this very model are missing.
        if any((self.shelf.folder / file).exists() for file in file_names(name, choice)):
            raise another(name)
        return None

    async def _fetch(self, connection: Connection, listing: Listing, choice: Choice, name: str) -> Pulled:
        paths = [self.shelf.folder / file for file in file_names(name, choice)]
        self._check_room(choice, paths)
        meter = Meter(name, choice.size, self.report, self.timing)
        patience = Patience(self.timing, TRIES)
        kept = [path for path in paths if path.exists()]
        for file, path in zip(choice.files, paths, strict=True):
            if path in kept and not await is_whole(path, file, meter):
                raise another(name)
        parts = []
        for file, path in zip(choice.files, paths, strict=True):
            if path in kept:
                parts.append(path)
                continue
            meter.begin(path.name)
            address = connection.address(listing.repo, listing.commit, file.path)
            download = Download(connection, address, file, path, listing.repo, meter)
            parts.append(await download.run(patience))
        meter.tell(now=True)
        await in_thread(lambda: check_heads(parts, listing.repo))
        sums = {path.name: str(file.sha256) for path, file in zip(paths, choice.files, strict=True)}
        origin = Origin(listing.repo, listing.commit, sums, listing.license)
        await in_thread(lambda: self._settle(name, parts, paths, origin))
        return Pulled(name, paths[0], choice.size)

    def _check_room(self, choice: Choice, paths: Sequence[Path]) -> None:
        """Refuse what cannot fit before the first byte of it comes."""
        here = sum(size_of(path) or size_of(path.with_name(path.name + PART)) for path in paths)
        missing = choice.size - here
        free = shutil.disk_usage(self.shelf.folder).free
        if missing + SPARE > free:
            raise TooLarge(
                f"{human(missing)} are still to come, and the disk with {self.shelf.folder} has "
                f"{human(free)} left. Make room, or set `LocalLLM.models_dir` (TETHER_MODELS_DIR) elsewhere."
            )

    def _settle(self, name: str, parts: Sequence[Path], paths: Sequence[Path], origin: Origin) -> None:
        """Give the files their names. The first of a split model comes last: with it the model is there.

        One that was here before has its name already, and takes it again.
        """
        self.shelf.write_origin(name, origin)
        for part, path in reversed(list(zip(parts, paths, strict=True))):
            part.replace(path)
            part.with_name(f"{part.name}.json").unlink(missing_ok=True)
        sync_folder(self.shelf.folder)


def another(name: str) -> Conflict:
    """Return the error for a name that other bytes have."""
    return Conflict(
        f"There is another model called {name!r} in the models folder. "
        f"Rename its file, or remove it with `tether rm {name}`, and pull again."
    )


def check_known(choice: Choice, target: Target, hub: Hub) -> None:
    """Refuse a file that could not be checked.

    Raises
    ------
    UpstreamError
        The hub tells no size or no sum of it.
    """
    for file in choice.files:
        if not file.sha256 or not file.size:
            raise UpstreamError(
                f"{hub.host} tells no SHA-256 sum of {file.path} in {target.repo}, so it could not be "
                "checked. Choose another file, or another HF_ENDPOINT."
            )


def check_heads(parts: Sequence[Path], repo: str) -> None:
    """See that the files are a model that can be loaded, and remove them where they are not.

    Raises
    ------
    InvalidRequest
        They are none.
    """
    count = len(parts)
    for number, part in enumerate(parts):
        problem: str | None = None
        try:
            found = facts.read(part)
        except GGUFError as reason:
            problem = str(reason)
        else:
            if (found.split or (0, 1)) != (number, count):
                problem = "it is a piece of another split model than its name says"
        if problem:
            for each in parts:
                remove(each)
            raise InvalidRequest(
                f"{part.name.removesuffix(PART)} of {repo} is no model that can be loaded: {problem}. "
                "Nothing of it was kept. Choose another."
            )


def remove(part: Path) -> None:
    """Remove a part and its note."""
    part.unlink(missing_ok=True)
    part.with_name(f"{part.name}.json").unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """See that names are on the disk, where folders can be opened."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
