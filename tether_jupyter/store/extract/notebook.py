"""Notebooks: each cell with the text of its outputs. Pictures and HTML are left out."""

from __future__ import annotations

import sys
from typing import IO, Any

from tether_jupyter.store.extract import MAX_TEXT, Extract
from tether_jupyter.store.extract import text as plain

MAX_OUTPUT = 4_000
"""Characters of one cell's outputs."""
BROKEN = "It looks like a notebook and cannot be read as one: what follows is its JSON."


def read(file: IO[bytes], encoding: str) -> Extract:
    """Return a notebook's cells as text."""
    # An optional part of jsonschema that compiles a grammar for seconds, and checks what no notebook holds.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    import nbformat

    try:
        notebook = nbformat.reads(file.read().decode(encoding), as_version=4)  # type: ignore[no-untyped-call]
        parts = [cell_text(number, cell) for number, cell in enumerate(notebook.cells, 1)]
    except (MemoryError, RecursionError):
        raise
    except Exception:  # noqa: BLE001 - it only looked like one, or its cells are of no known form
        file.seek(0)
        found = plain.read(file, encoding)
        return Extract(found.text, " ".join(filter(None, [BROKEN, found.problem])))
    whole = "\n\n".join(parts)
    facts = {"cells": len(parts)}
    if not whole.strip():
        return Extract(problem="The notebook is empty.", facts=facts)
    if len(whole) > MAX_TEXT:
        missing = f"Only the first {MAX_TEXT:,} of its {len(whole):,} characters are read."
        return Extract(whole[:MAX_TEXT], missing, facts)
    return Extract(whole, facts=facts)


def cell_text(number: int, cell: Any) -> str:
    """Return one cell with its outputs."""
    lines = [f"[cell {number}, {cell.cell_type}]", joined(cell.source)]
    if cell.cell_type == "code":
        said = "\n".join(filter(None, (output_text(output) for output in cell.get("outputs", ())))).rstrip()
        if said:
            cut = len(said) - MAX_OUTPUT
            said = said[:MAX_OUTPUT] + (f"\n[{cut:,} more characters are left out]" if cut > 0 else "")
            lines += [f"[output of cell {number}]", said]
    return "\n".join(lines)


def output_text(output: Any) -> str:
    """Return the text of an output; a picture has none."""
    if output.output_type == "stream":
        return joined(output.text)
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    data = output.get("data", {})
    if "text/plain" in data:
        return joined(data["text/plain"])
    return f"[{', '.join(data)}]" if data else ""


def joined(text: Any) -> str:
    """Return a text that a notebook may hold as a list of lines."""
    return text if isinstance(text, str) else "".join(map(str, text))
