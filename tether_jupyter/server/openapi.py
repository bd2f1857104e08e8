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

    asked = [ChatRequest, answers.NewConversation]
    sent = [
        answers.Answer,
        answers.Error,
        answers.Stopped,
        answers.GenerationState,
        answers.ConversationState,
        answers.ConversationList,
        answers.MessageList,
        answers.Health,
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
