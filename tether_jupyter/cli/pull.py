"""`tether pull`."""

from __future__ import annotations

import asyncio
import shutil
import sys
from typing import TextIO

from tether_jupyter.cli import INTERRUPTED, configuration
from tether_jupyter.core.sizes import duration, human
from tether_jupyter.llm.models.library import Library
from tether_jupyter.llm.models.progress import Progress

STEP = 10
"""Percent between two lines where nobody watches."""


def run(name: str) -> int:
    """Pull a model and tell how far it has come."""
    library = Library.from_settings(configuration.read())
    line = Line(sys.stderr)
    try:
        pulled = asyncio.run(library.pull(name, line.show))
    except KeyboardInterrupt:
        line.end()
        kept = f" {human(line.bytes)} are kept:" if line.bytes else ""
        print(f"Stopped.{kept} `tether pull {name}` goes on from there.", file=sys.stderr)
        return INTERRUPTED
    finally:
        line.end()
    if pulled.already:
        print(f"{pulled.name} is here already: {pulled.path}")
    else:
        print(f"{pulled.name} is here, whole and checked ({human(pulled.size)}): {pulled.path}")
    print("For Jupyter to answer with it, set TETHER_MODEL_PATH to that file before it starts.")
    return 0


class Line:
    """How far a pull has come: one line that changes in a terminal, plain lines anywhere else.

    Parameters
    ----------
    out:
        Where to write.
    """

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.live = out.isatty()
        self.bytes = 0
        self._open = False
        self._next = 0.0

    def show(self, progress: Progress) -> None:
        """Show how far it has come."""
        self.bytes = progress.bytes
        share = 100 * progress.bytes / progress.total
        if not self.live:
            if share >= self._next:
                self._next = share - share % STEP + STEP
                print(text(progress), file=self.out, flush=True)
            return
        width = shutil.get_terminal_size().columns - 1
        self.out.write(f"\r{text(progress)[:width].ljust(width)}")
        self.out.flush()
        self._open = True

    def end(self) -> None:
        """Leave the line as it is and go on to the next."""
        if self._open:
            self.out.write("\n")
            self.out.flush()
            self._open = False


def text(progress: Progress) -> str:
    """Return one line: file, bytes, share, rate and time left."""
    parts = [
        progress.file,
        f"{human(progress.bytes)} of {human(progress.total)}",
        f"{100 * progress.bytes // progress.total} %",
    ]
    if progress.rate:
        parts.append(f"{human(progress.rate)}/s")
    if progress.eta is not None and progress.bytes < progress.total:
        parts.append(f"{duration(progress.eta)} left")
    return "  ".join(parts)
