"""The contract as OpenAPI 3.1, made from the models that check requests."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tether_jupyter.server.base import TetherHandler

STREAM = {
    "text/event-stream": {"schema": {"type": "string"}},
    "application/x-ndjson": {"schema": {"type": "string"}},
}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the OpenAPI document, without the server's address."""
    from pydantic.json_schema import models_json_schema

    from tether_jupyter import __version__
    from tether_jupyter.core import answers
    from tether_jupyter.core.request import ChatRequest
    from tether_jupyter.server import model_forms, v1_forms

    asked = [
        ChatRequest,
        answers.NewConversation,
        model_forms.PullRequest,
        model_forms.LoadRequest,
        v1_forms.CompletionRequest,
        v1_forms.EmbeddingRequest,
    ]
    sent = [
        answers.Answer,
        answers.Error,
        answers.Stopped,
        answers.GenerationState,
        answers.ConversationState,
        answers.ConversationList,
        answers.MessageList,
        answers.Health,
        model_forms.ModelList,
        model_forms.ModelFacets,
        model_forms.PulledModel,
        model_forms.LoadedModel,
        model_forms.RemovedModel,
        v1_forms.Completion,
        v1_forms.EmbeddingList,
        v1_forms.OpenAIModels,
        v1_forms.OpenAIError,
    ]
    pairs = [(m, "validation") for m in asked] + [(m, "serialization") for m in sent]
    _, schemas = models_json_schema(pairs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tether", "version": __version__, "license": {"name": "BSD-3-Clause"}},
        "security": [{"token": []}],
        "paths": paths(),
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token ` and the Jupyter server's token.",
                }
            },
        },
    }


def paths() -> dict[str, Any]:
    """Return every path with what it takes and gives."""
    turn = operation("Ask: one turn", "Answer", body="ChatRequest", stream=True)
    conversation = parameter("conversation_id", "path")
    notebook = [parameter("notebook", "query"), parameter("kernel_id", "query")]
    generation = parameter("generation_id", "path")
    health = operation("Whether Tether can answer, and with what", "Health")
    health["responses"]["503"] = response("Health", "Nothing can be answered; `problem` says why.")
    return {
        "/tether/health": {"get": health},
        "/tether/chat": {"post": turn},
        "/tether/chat/stream": {"post": turn},
        "/tether/generate": {"post": turn},
        "/tether/chat/ws": {"get": socket()},
        "/tether/stop/{conversation_id}": {
            "post": operation("Stop what is being answered", "Stopped", parameters=[conversation])
        },
        "/tether/generations/{generation_id}": {
            "get": operation("A turn's usage and cost", "GenerationState", parameters=[generation]),
            "delete": operation("Cancel a turn", "GenerationState", parameters=[generation]),
        },
        "/tether/conversations": {
            "get": operation("Your conversations", "ConversationList", parameters=notebook),
            "post": operation("Begin one", "ConversationState", body="NewConversation", status="201"),
        },
        "/tether/conversations/{conversation_id}": {
            "get": operation("One conversation", "ConversationState", parameters=[conversation])
        },
        "/tether/conversations/{conversation_id}/messages": {
            "get": operation("What was said in it", "MessageList", parameters=[conversation])
        },
        **models(),
        **v1(),
        "/tether/openapi.json": {
            "get": {
                "summary": "This document",
                "responses": {
                    "200": {"description": "OpenAPI 3.1"},
                    "default": response("Error", "A failure."),
                },
            }
        },
    }


def models() -> dict[str, Any]:
    """Return the paths of the models."""
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


def v1() -> dict[str, Any]:
    """Return the paths of OpenAI's API."""
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


def operation(
    summary: str,
    answer: str,
    *,
    body: str | None = None,
    parameters: list[dict[str, Any]] | None = None,
    status: str = "200",
    stream: bool = False,
) -> dict[str, Any]:
    """Return one operation."""
    answered = response(answer, summary)
    if stream:
        answered["content"] |= STREAM
    out: dict[str, Any] = {
        "summary": summary,
        "responses": {status: answered, "default": response("Error", "A failure, in words.")},
    }
    if parameters:
        out["parameters"] = parameters
    if body:
        out["requestBody"] = {"required": True, "content": {"application/json": {"schema": ref(body)}}}
    return out


def socket() -> dict[str, Any]:
    """Return the WebSocket's entry, which OpenAPI has no form for."""
    return {
        "summary": 'A WebSocket: send {"chat": ChatRequest} or {"stop": id}; events come with their `turn`',
        "responses": {
            "101": {"description": "The socket is open."},
            "default": response("Error", "A failure, in words."),
        },
    }


def response(schema: str, description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": ref(schema)}}}


def ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def parameter(name: str, where: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": where == "path", "schema": {"type": "string"}}


class OpenApiHandler(TetherHandler):
    """`GET openapi.json`."""

    def get(self) -> None:
        self.answer({**document(), "servers": [{"url": self.base_url.rstrip("/") or "/"}]})


handlers = [(r"/tether/openapi\.json", OpenApiHandler)]
