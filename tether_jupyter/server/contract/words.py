"""The words in which a part of the contract is told: one operation, its answer, its parameters."""

from __future__ import annotations

from typing import Any

STREAM: dict[str, Any] = {
    "text/event-stream": {"schema": {}},
    "application/x-ndjson": {"schema": {}},
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


def response(schema: str, description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": ref(schema)}}}


def ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def parameter(name: str, where: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": where,
        "required": where == "path",
        "schema": {"type": "string", **schema},
    }
