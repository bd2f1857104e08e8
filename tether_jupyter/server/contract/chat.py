"""Turns: asking, stopping, joining; and whether anybody can answer."""

from __future__ import annotations

from typing import Any

from tether_jupyter.server.contract.words import STREAM, operation, parameter, response

Forms = tuple[list[type], list[type]]


def forms() -> Forms:
    """Return what is asked and what is answered."""
    from tether_jupyter.core import answers
    from tether_jupyter.core.request import ChatRequest

    sent = [answers.Answer, answers.Error, answers.Stopped, answers.GenerationState, answers.Health]
    sent += [answers.ContextPreview, answers.VariableNames]
    return [ChatRequest], list(sent)


def paths() -> dict[str, Any]:
    """Return every path with what it takes and gives."""
    turn = operation("Ask: one turn", "Answer", body="ChatRequest", stream=True)
    conversation = parameter("conversation_id", "path")
    generation = parameter("generation_id", "path")
    health = operation("Whether Tether can answer, and with what", "Health")
    health["responses"]["503"] = response("Health", "Nothing can be answered; `problem` says why.")
    after = parameter("after", "query", pattern="^[0-9]{1,9}$", default="0")
    events = operation("Join a turn, or rejoin it after an event", "Answer", parameters=[generation, after])
    events["responses"]["200"]["content"] = STREAM
    events["responses"]["204"] = {"description": "The turn has ended, and this was its last event."}
    return {
        "/tether/health": {"get": health},
        "/tether/chat": {"post": turn},
        "/tether/chat/stream": {"post": turn},
        "/tether/generate": {"post": turn},
        "/tether/chat/ws": {"get": socket()},
        "/tether/context": {
            "post": operation(
                "What a turn would send, and where to. With `brief=true`, the figures without the messages",
                "ContextPreview",
                body="ChatRequest",
                parameters=[parameter("brief", "query", enum=["true", "false"], default="false")],
            )
        },
        "/tether/variables/{kernel_id}": {
            "get": operation(
                "The names of a kernel's variables, also while it computes",
                "VariableNames",
                parameters=[parameter("kernel_id", "path")],
            )
        },
        "/tether/stop/{conversation_id}": {
            "post": operation("Stop what is being answered", "Stopped", parameters=[conversation])
        },
        "/tether/generations/{generation_id}": {
            "get": operation("A turn's usage and cost", "GenerationState", parameters=[generation]),
            "delete": operation("Cancel a turn", "GenerationState", parameters=[generation]),
        },
        "/tether/generations/{generation_id}/events": {"get": events},
        "/tether/openapi.json": {"get": page("This document", "OpenAPI 3.1")},
        "/tether/docs": {"get": page("This document as a page", "HTML")},
    }


def page(summary: str, what: str) -> dict[str, Any]:
    """Return the entry of the document itself."""
    return {
        "summary": summary,
        "responses": {"200": {"description": what}, "default": response("Error", "A failure.")},
    }


def socket() -> dict[str, Any]:
    """Return the WebSocket's entry, which OpenAPI has no form for."""
    return {
        "summary": 'A WebSocket: send {"chat": ChatRequest} or {"stop": id}; events come with their `turn`',
        "responses": {
            "101": {"description": "The socket is open."},
            "default": response("Error", "A failure, in words."),
        },
    }
