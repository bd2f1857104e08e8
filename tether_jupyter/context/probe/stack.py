"""Frames as people mean them: their own cells and files, with what libraries do between them in one line."""

from __future__ import annotations

import linecache
import os
import sys
import sysconfig
from types import CodeType, FrameType
from typing import Any

AROUND = 2
LINE = 200
FILE = 1_000_000
# What stands between the shell and the user's cell, and below it in a debugger.
MACHINERY = ("IPython", "ipykernel", "tornado", "asyncio", "traitlets", "zmq", "runpy", "threading")
# What `%%time` calls the rest of its cell.
TIMED = ("<timed exec>", "<timed eval>")
LIBRARY_FOLDERS = ("site-packages", "dist-packages")


class Place:
    """A line of code that was reached.

    Parameters
    ----------
    code:
        Whose line.
    line:
        Its number.
    frame:
        The frame, if its variables are to be looked at.
    """

    def __init__(self, code: CodeType, line: int, frame: FrameType | None = None) -> None:
        self.code = code
        self.line = line
        self.frame = frame

    @property
    def file(self) -> str:
        return self.code.co_filename


def cell_name(filename: str, shell: Any) -> str | None:
    """Return `cell [3]` for code that was a cell's, else `None`."""
    if filename in TIMED:
        return "cell under %%time"
    compiler = getattr(shell, "compile", None)
    numbers = getattr(compiler, "_filename_map", None)
    if type(numbers) is dict and filename in numbers:
        return f"cell [{numbers[filename]}]"
    base = os.path.basename(filename)  # noqa: PTH119 - a name, no file
    kernel = f"ipykernel_{os.getpid()}{os.sep}" in filename
    return "cell" if kernel or base.startswith("<ipython-input-") else None


def library_of(filename: str) -> str | None:
    """Return the package that a file belongs to, if it is no file of the user's."""
    if filename.startswith("<"):
        return "python" if filename.startswith("<frozen") else None
    parts = filename.replace("\\", "/").split("/")
    for folder in LIBRARY_FOLDERS:
        if folder in parts:
            return parts[len(parts) - parts[::-1].index(folder)].partition(".")[0]
    for path in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")):
        if path and filename.startswith(path + os.sep):
            return filename[len(path) + 1 :].replace("\\", "/").partition("/")[0].partition(".")[0]
    return None


def source(filename: str, shell: Any = None) -> list[str]:
    """Return the lines of a cell or a file, or none. Of files only small ones of the user's are read."""
    kept = linecache.cache.get(filename)
    if kept is not None and len(kept) == 4 and type(kept[2]) is list:
        return kept[2]
    if cell_name(filename, shell) or library_of(filename) or not filename.endswith(".py"):
        return []
    try:
        if os.path.isfile(filename) and os.path.getsize(filename) <= FILE:  # noqa: PTH113, PTH202
            with open(filename, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                return file.readlines()
    except OSError:
        return []
    return []


def around(lines: list[str], line: int, reach: int = AROUND) -> list[str]:
    """Return a line with its neighbours, numbered, marked by `→`."""
    first, last = max(1, line - reach), min(len(lines), line + reach)
    width = len(str(last))
    return [
        f"{'→' if number == line else ' '} {number:>{width}}  {lines[number - 1].rstrip()[:LINE]}"
        for number in range(first, last + 1)
    ]


def short_file(filename: str) -> str:
    """Return the last parts of a file's name."""
    try:
        relative = os.path.relpath(filename)
    except (ValueError, OSError):
        relative = filename
    if not relative.startswith(".."):
        return relative
    return "/".join(filename.replace("\\", "/").split("/")[-2:])


def summary(places: list[Place], shell: Any) -> list[tuple[Place | None, str]]:
    """Return the user's own places, and one line for each run of a library's between them.

    What the shell does before the user's first line is left out.
    """
    told: list[tuple[Place | None, str]] = []
    libraries: dict[str, int] = {}

    def close() -> None:
        if libraries:
            count = sum(libraries.values())
            told.append((None, f"… {count} frame{'s' if count > 1 else ''} in {', '.join(libraries)}"))
            libraries.clear()

    for place in places:
        cell = cell_name(place.file, shell)
        library = None if cell else library_of(place.file)
        if cell is None and library is None and place.file.startswith("<"):
            library = place.file.strip("<>")
        if library is None:
            close()
            told.append((place, cell or short_file(place.file)))
        elif told or library not in MACHINERY:
            libraries[library] = libraries.get(library, 0) + 1
    close()
    return told


def from_cell(places: list[Place], shell: Any) -> list[Place]:
    """Return the places from the first line of a cell downwards; none if no cell is among them."""
    for number, place in enumerate(places):
        if cell_name(place.file, shell):
            return places[number:]
    return []


def own_name(code: CodeType) -> str:
    """Return a function's name, with its class where Python knows it."""
    return str(getattr(code, "co_qualname", code.co_name))


def variables_of(frame: FrameType) -> dict[str, Any]:
    """Return a frame's variables: of a cell those that its code names, of a function its own."""
    kept = frame.f_locals
    if type(kept) is not dict and frame.f_code.co_flags & 0x1 == 0:
        return {}  # a class body's, which may be anything
    if frame.f_code.co_flags & 0x1:
        return dict(kept)
    return {name: kept[name] for name in frame.f_code.co_names if name in kept}


def main_stack() -> list[Place]:
    """Return where the main thread is, the innermost place last."""
    import threading

    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    places: list[Place] = []
    while frame is not None and len(places) < 500:
        places.append(Place(frame.f_code, frame.f_lineno or 0, frame))
        frame = frame.f_back
    return places[::-1]
