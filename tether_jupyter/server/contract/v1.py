"""OpenAI's API over whatever answers."""

from __future__ import annotations

from typing import Any

from tether_jupyter.server.contract.words import STREAM, operation, response

Forms = tuple[list[type], list[type]]


def forms() -> Forms:
    """Return what is asked and what is answered."""
    from tether_jupyter.server import v1_forms as known

    return (
        [known.CompletionRequest, known.EmbeddingRequest],
        [known.Completion, known.EmbeddingList, known.OpenAIModels, known.OpenAIError],
    )


def paths() -> dict[str, Any]:
    """Return every path with what it takes and gives."""
    doors = {
        "completions": {
            "post": operation("Fill a gap, or go on from a text", "Completion", body="CompletionRequest")
        },
        "embeddings": {"post": operation("A vector for each text", "EmbeddingList", body="EmbeddingRequest")},
        "models": {"get": operation("The ids that `model` takes", "OpenAIModels")},
    }
    for verbs in doors.values():
        for door in verbs.values():
            door["responses"]["default"] = response("OpenAIError", "A failure, in OpenAI's form.")
    events = STREAM["text/event-stream"]
    doors["completions"]["post"]["responses"]["200"]["content"]["text/event-stream"] = events
    return {f"/tether/v1/{name}": verbs for name, verbs in doors.items()}
