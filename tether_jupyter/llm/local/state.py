"""What health and the models tell of the local model: its file, what it runs on, and how its engine does."""

from __future__ import annotations

from typing import Any

from tether_jupyter.errors import ModelNotReady, TetherError
from tether_jupyter.llm.local import bindings
from tether_jupyter.llm.local.gguf import Header
from tether_jupyter.llm.local.memory import resident
from tether_jupyter.llm.local.model_file import ModelFile
from tether_jupyter.llm.local.process import WorkerProcess

STATUS_SECONDS = 1.0
ENGINE = (
    "slots",
    "running",
    "waiting",
    "conversations",
    "kv_bytes",
    "kv_tokens",
    "parked_bytes",
    "weight_bytes",
    "tokens_per_s",
    "prompt_tokens_per_s",
    "infill",
)
"""What is told of the engine."""


def read(file: ModelFile) -> tuple[Header | None, str | None]:
    """Return what a model file says of itself, and what is in the way of loading it."""
    header, problem = None, None
    try:
        header = file.header()
    except ModelNotReady as reason:
        problem = reason.message
    return header, problem if bindings.installed() else bindings.MISSING


async def figures(worker: WorkerProcess) -> dict[str, Any]:
    """Return the worker's present figures, or nothing when it is too busy to tell."""
    try:
        id, inbox = worker.open({"op": "status"})
    except TetherError:
        return {}
    try:
        return await inbox.get(STATUS_SECONDS) or {}
    except TetherError:
        return {}
    finally:
        worker.close(id)


def told(header: Header | None, facts: dict[str, Any], context_length: int) -> dict[str, Any]:
    """Return what is known of a model and of where it runs.

    Parameters
    ----------
    header:
        What its file says; `None` where that cannot be read.
    facts:
        What its worker says, else the probe.
    context_length:
        Tokens of the window that is set; 0 for as many as the model was trained for.
    """
    trained = header.context_length if header else 0
    planned = min(context_length or trained, trained)
    return {
        "gpu": {
            "offload": bool(facts.get("offload", False)),
            "devices": facts.get("devices", []),
            "layers": facts.get("layers", header.block_count if header else None),
            "layers_on_gpu": facts.get("layers_on_gpu", 0),
        },
        "context_length": facts.get("context_length", planned or None),
        "max_tokens": header.max_tokens if header else None,
        "architecture": header.architecture if header else None,
        "threads": facts.get("threads"),
        "size": header.size if header else None,
    }


def engine(facts: dict[str, Any], worker: WorkerProcess | None) -> dict[str, Any]:
    """Return how the engine does; while its worker loads the model, how far that is."""
    found = {name: facts[name] for name in ENGINE if name in facts}
    if worker is not None and not worker.dead:
        found["progress"] = worker.progress
        if (held := resident(worker.pid)) is not None:
            found["resident_bytes"] = held
    return found
