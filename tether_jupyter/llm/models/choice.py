"""Which file of which repository somebody means: `NAME`, `REPO`, `REPO:QUANT` or `REPO:FILE`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from tether_jupyter.core.sizes import human
from tether_jupyter.errors import InvalidRequest, NotFound
from tether_jupyter.llm.models import catalogue
from tether_jupyter.llm.models.shelf import NAME, SHARD, SUFFIX, printable

DEFAULT = "Q4_K_M"
"""About a third of the size of 16-bit weights, at little loss."""

REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+=@-]*(/[A-Za-z0-9][A-Za-z0-9._+=@-]*){0,8}")
QUANT = re.compile(
    r"(?:^|[-_.])((?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|BF16|FP?16|FP?32|MXFP4(?:_MOE)?))$", re.IGNORECASE
)
PREFIX = re.compile(r"(?:https://)?(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
PAGE = re.compile(r"(?P<repo>[^/]+/[^/]+)/(?:blob|resolve|raw)/[^/]+/(?P<file>.+)", re.DOTALL)
LISTED = 30
"""Choices that a message lists at most."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository: its path there, its size in bytes, and its SHA-256 sum if the hub tells it."""

    path: str
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked for: a repository, a file or quantisation of it, and the name to give it."""

    repo: str
    wanted: str | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One model that a repository offers: a file, or all the files of a split one."""

    stem: str
    quant: str | None
    files: tuple[HubFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)

    @property
    def label(self) -> str:
        """What to type after the colon to get it."""
        return self.quant or self.files[0].path


def parse(text: str) -> Target:
    """Return what somebody means.

    Raises
    ------
    NotFound
        It is a name that the list does not have.
    InvalidRequest
        It is no name and no repository.
    """
    text = text.strip()
    if known := catalogue.find(text):
        return Target(known.repo, known.file, known.name)
    short, given = PREFIX.subn("", text, count=1)
    if given and (page := PAGE.fullmatch(urlsplit(short).path)):
        short = f"{page['repo']}:{unquote(page['file'])}"
    repo, _, wanted = short.rstrip("/").partition(":")
    if REPO.fullmatch(repo) and (not wanted or FILE.fullmatch(wanted)) and ".." not in short:
        return Target(repo, wanted or None)
    if "/" not in text and NAME.fullmatch(text):
        names = ", ".join(known.name for known in catalogue.SUGGESTIONS)
        raise NotFound(
            f"There is no model {text!r} in the list. It has: {names}. "
            "Any other comes by its repository, as OWNER/REPO or OWNER/REPO:FILE."
        )
    raise InvalidRequest(
        f"{printable(text)!r} names no model. Give a name that `tether models` lists, or a repository of the "
        "hub as OWNER/REPO, OWNER/REPO:QUANT or OWNER/REPO:FILE."
    )


def choices(files: Sequence[HubFile]) -> list[Choice]:
    """Return the models among the files of a repository, the smallest first.

    Projectors for images and importance matrices are GGUF files too, and no models.
    """
    groups: dict[tuple[str, int], dict[int, HubFile]] = {}
    for file in files:
        path = PurePosixPath(file.path)
        if path.suffix.lower() != SUFFIX or re.search(r"mmproj|imatrix", path.name, re.IGNORECASE):
            continue
        stem, number, count = str(path.with_suffix("")), 1, 1
        if shard := SHARD.fullmatch(stem):
            stem, number, count = shard["stem"], int(shard["number"]), int(shard["count"])
        groups.setdefault((stem, count), {})[number] = file
    found = []
    for (stem, count), numbered in groups.items():
        if set(numbered) != set(range(1, count + 1)):
            continue  # A set that the repository itself holds only in part.
        quant = QUANT.search(PurePosixPath(stem).name)
        pieces = tuple(numbered[number] for number in sorted(numbered))
        found.append(Choice(stem, quant[1].upper() if quant else None, pieces))
    return sorted(found, key=lambda choice: (choice.size, choice.stem))


def pick(offered: Sequence[Choice], wanted: str | None, repo: str) -> Choice:
    """Return the one model that was asked for.

    Parameters
    ----------
    wanted:
        A file, a quantisation, or `None` for the usual one.

    Raises
    ------
    NotFound
        The repository has no such file; the message lists what it has.
    InvalidRequest
        Several fit; the message lists them.
    """
    if not offered:
        raise NotFound(f"{repo} holds no GGUF model. Look for a repository whose name ends in GGUF.")
    if wanted is None:
        fitting = [choice for choice in offered if choice.quant == DEFAULT]
        if not fitting and len(offered) == 1:
            fitting = list(offered)
    else:
        fitting = [choice for choice in offered if named(choice, wanted)]
        fitting = fitting or [choice for choice in offered if choice.quant == wanted.upper()]
    fitting = whole(fitting)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise InvalidRequest(f"{repo} has several models of that kind. Choose one:\n{listing(fitting, repo)}")
    if wanted is None:
        raise InvalidRequest(f"{repo} has no {DEFAULT}. Choose one:\n{listing(offered, repo)}")
    raise NotFound(f"{repo} has no {printable(wanted)!r}. It has:\n{listing(offered, repo)}")


def named(choice: Choice, wanted: str) -> bool:
    """Return whether a text is the path or the name of one of a model's files, with `.gguf` or without."""
    for file in choice.files:
        for text in (file.path, PurePosixPath(file.path).name):
            if wanted in (text, text.removesuffix(SUFFIX)):
                return True
    return wanted in (choice.stem, PurePosixPath(choice.stem).name)


def whole(fitting: Sequence[Choice]) -> list[Choice]:
    """Leave out what the repository also has in one file."""
    single = {choice.stem for choice in fitting if len(choice.files) == 1}
    return [choice for choice in fitting if len(choice.files) == 1 or choice.stem not in single]


def listing(offered: Sequence[Choice], repo: str) -> str:
    """Return lines that can be typed, with sizes."""
    labels = [choice.label for choice in offered]
    lines = []
    for choice in offered[:LISTED]:
        label = choice.label if labels.count(choice.label) == 1 else choice.files[0].path
        files = f", {len(choice.files)} files" if len(choice.files) > 1 else ""
        lines.append(f"  {repo}:{label}  ({human(choice.size)}{files})")
    if len(offered) > LISTED:
        lines.append(f"  … and {len(offered) - LISTED} more")
    return "\n".join(lines)


def local_name(choice: Choice, target: Target) -> str:
    """Return what the model is called on the shelf.

    Raises
    ------
    InvalidRequest
        The hub's name for the file cannot be a file's name here.
    """
    name = target.name or PurePosixPath(choice.stem).name
    if not NAME.fullmatch(name) or ".." in name:
        raise InvalidRequest(
            f"{target.repo} calls the file {printable(name)!r}, which cannot be a file's name here. "
            "Choose another file."
        )
    return name


def file_names(name: str, choice: Choice) -> list[str]:
    """Return the names of a model's files on the shelf, in order."""
    count = len(choice.files)
    if count == 1:
        return [f"{name}{SUFFIX}"]
    return [f"{name}-{number:05d}-of-{count:05d}{SUFFIX}" for number in range(1, count + 1)]
