"""What can answer."""

from __future__ import annotations

from typing import Any

from tether_jupyter.server.contract.words import operation, parameter

Forms = tuple[list[type], list[type]]


def forms() -> Forms:
    """Return what is asked and what is answered."""
    from tether_jupyter.server import model_forms as known

    return (
        [known.PullRequest, known.LoadRequest],
        [known.ModelList, known.ModelFacets, known.PulledModel, known.LoadedModel, known.RemovedModel],
    )


def paths() -> dict[str, Any]:
    """Return every path with what it takes and gives."""
    load = operation("Load a model, or the usual one", "LoadedModel", body="LoadRequest")
    return {
        "/tether/models": {"get": operation("What can answer, and what could be pulled", "ModelList")},
        "/tether/models/metadata": {"get": operation("The same by facet", "ModelFacets")},
        "/tether/models/pull": {
            "post": operation("Fetch a model from the hub", "PulledModel", body="PullRequest", stream=True)
        },
        "/tether/models/load": {"post": load},
        "/tether/models/unload": {
            "post": operation("Give back memory and the GPU", "LoadedModel", body="LoadRequest")
        },
        "/tether/models/{name}": {
            "delete": operation(
                "Remove a model that is not loaded", "RemovedModel", parameters=[parameter("name", "path")]
            )
        },
    }
