"""`tether models` and `tether rm`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tether_jupyter.cli import configuration
from tether_jupyter.core.sizes import human
from tether_jupyter.errors import TetherError
from tether_jupyter.llm.local import demo
from tether_jupyter.llm.models.library import Library
from tether_jupyter.llm.models.shelf import spelled
from tether_jupyter.settings import Settings


def show(*, as_json: bool) -> int:
    """Print the models that are here, and those worth having that are not."""
    settings = configuration.read()
    library = Library.from_settings(settings)
    rows = library.look()
    name, path = active(settings, library)
    for row in rows:
        row["active"] = row["installed"] and row["name"] == name and path is not None
    if as_json:
        answers = {"backend": settings.tether.backend, "model": name, "path": str(path) if path else None}
        listed = {"folder": str(library.shelf.folder), "answers": answers, "models": rows}
        print(json.dumps(listed, indent=2, ensure_ascii=False))
        return 0
    here = [row for row in rows if row["installed"]]
    parts = [row for row in rows if row["partial"] and not row["installed"]]
    others = [row for row in rows if not row["installed"] and not row["partial"]]
    print(f"In {library.shelf.folder}:" if here else f"No model is in {library.shelf.folder} yet.")
    table([[mark(row), row["name"], size(row), memory(row), about(row)] for row in here])
    if parts:
        print("\nBroken off; `tether pull` goes on with them, `tether rm` removes them:")
        table([["", row["name"], human(row["partial"]), "", row["repo"] or ""] for row in parts])
    if others:
        print("\nWorth having, with `tether pull NAME`:")
        table([["", row["name"], size(row), memory(row), about(row)] for row in others])
    print(f"\n{answering(settings, name, path)}")
    return 0


def remove(names: Sequence[str]) -> int:
    """Remove models; one that cannot be is said, and the others go all the same."""
    settings = configuration.read()
    library = Library.from_settings(settings)
    name, path = active(settings, library)
    failed = 0
    for wanted in names:
        try:
            asyncio.run(library.remove(wanted))
        except TetherError as reason:
            failed = 1
            print(f"tether: {reason.message}", file=sys.stderr)
            continue
        print(f"{wanted} is removed.")
        if wanted == name and path is not None and path != demo.PATH:
            print("LocalLLM.model_path (TETHER_MODEL_PATH) still names it: choose another.", file=sys.stderr)
    return failed


def active(settings: Settings, library: Library) -> tuple[str, Path | None]:
    """Return the name and the file of the model that answers, as the settings say; no file with an API."""
    backend = settings.tether.backend
    if backend != "local":
        return settings.openai.model if backend == "openai" else backend, None
    if not settings.local.model_path:
        return demo.PATH.stem, demo.PATH
    path = Path(settings.local.model_path).expanduser().absolute()
    if path.resolve().parent == library.shelf.folder.resolve():
        return spelled(path.name)[0], path
    return path.stem, path


def answering(settings: Settings, name: str, path: Path | None) -> str:
    """Return a line about what answers, and how to change that."""
    if path == demo.PATH:
        return (
            "The demo model answers. For another set TETHER_MODEL_PATH to its file before Jupyter starts,\n"
            "or load it into a running server with `POST tether/models/load`."
        )
    if path is None:
        return f"The backend {settings.tether.backend} answers, not a model of this machine ({name})."
    gone = "" if path.exists() else " That file is not there."
    return f"* answers: {path}.{gone}"


def mark(row: Mapping[str, Any]) -> str:
    return "*" if row["active"] else ""


def size(row: Mapping[str, Any]) -> str:
    about = "~" if row["approximate"] else ""
    return f"{about}{human(row['size'])}" if row["size"] else ""


def memory(row: Mapping[str, Any]) -> str:
    return f"~{human(row['memory'])} of memory" if row["memory"] else ""


def about(row: Mapping[str, Any]) -> str:
    """Return what a model is good for, or what is wrong with it."""
    if row["problem"]:
        return str(row["problem"])
    facts = [row["license"], row["quantization"], row["purpose"]]
    return "; ".join(str(fact) for fact in facts if fact)


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, the last of which may be long."""
    if not rows:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print("  ".join([*cells, row[-1]]).rstrip())
