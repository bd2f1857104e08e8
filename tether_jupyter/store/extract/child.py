"""The process that reads one file: standard input in, one JSON object out, and nothing else.

Arguments: MiB of memory, seconds of computing, media type, codec (empty for what is no text).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import IO

from tether_jupyter.core.bounded import confine
from tether_jupyter.store.extract import Extract, kinds

Reader = Callable[[IO[bytes], str], Extract]
RETURN = re.compile(r"\r\n?")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def reader(media_type: str) -> Reader:
    """Return the function for a kind of file. Imports what that one needs."""
    if media_type == kinds.PDF:
        from tether_jupyter.store.extract import pdf

        return pdf.read
    if media_type == kinds.NOTEBOOK:
        from tether_jupyter.store.extract import notebook

        return notebook.read
    if media_type in (kinds.CSV, kinds.TSV):
        from tether_jupyter.store.extract import table

        return table.read
    from tether_jupyter.store.extract import text

    return text.read


def clean(text: str) -> str:
    """Return text that a database takes: no control characters, no half code points, one kind of line end."""
    text = CONTROL.sub("", ESCAPES.sub("", RETURN.sub("\n", text)))
    return text.encode("utf-8", "replace").decode("utf-8")


def read(media_type: str, encoding: str, file: IO[bytes]) -> Extract:
    """Return what can be read; what the file does to its reader becomes a problem in words."""
    try:
        return reader(media_type)(file, encoding)
    except MemoryError:
        why = "it takes too much memory"
    except RecursionError:
        why = "it is nested too deeply"
    except Exception as reason:  # noqa: BLE001 - whatever a library makes of a hostile file
        why = f"it is broken ({type(reason).__name__})"
    return Extract(problem=f"Its text cannot be read: {why}.")


def main() -> None:
    """Read standard input within bounds."""
    memory, cpu, media_type, encoding = sys.argv[1:]
    confine(int(memory), int(cpu))
    sys.stdin.buffer.seek(0)
    found = read(media_type, encoding, sys.stdin.buffer)
    answer = {
        "text": clean(found.text) if found.text else None,
        "problem": clean(found.problem) if found.problem else None,
        "facts": found.facts,
    }
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode("utf-8"))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
