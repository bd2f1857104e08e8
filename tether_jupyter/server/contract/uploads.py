"""Attachments."""

from __future__ import annotations

from typing import Any

from tether_jupyter.server.contract.words import operation, parameter, response

Forms = tuple[list[type], list[type]]

FILE = {"type": "string", "format": "binary"}


def forms() -> Forms:
    """Return what is asked and what is answered."""
    from tether_jupyter.server import upload_forms as known

    return (
        [known.WorkspaceFile],
        [known.UploadState, known.UploadList, known.Uploaded, known.DeletedUpload],
    )


def paths() -> dict[str, Any]:
    """Return every path with what it takes and gives."""
    one = [parameter("upload_id", "path")]
    page = [
        parameter("limit", "query", type="integer", minimum=1, maximum=500, default=100),
        parameter("before", "query"),
    ]
    send = operation(
        "Upload files, or attach one of the workspace", "Uploaded", body="WorkspaceFile", status="201"
    )
    send["requestBody"]["content"]["multipart/form-data"] = {
        "schema": {
            "type": "object",
            "properties": {"file": {"type": "array", "items": FILE, "minItems": 1, "maxItems": 16}},
            "required": ["file"],
        }
    }
    content = {
        "summary": "The file as it came: a download, unless it is a picture",
        "parameters": one,
        "responses": {
            "200": {
                "description": "The file's bytes, under the type that they were found to have.",
                "content": {"*/*": {"schema": FILE}},
            },
            "default": response("Error", "A failure, in words."),
        },
    }
    return {
        "/tether/uploads": {
            "get": operation("Your uploads, the newest first", "UploadList", parameters=page),
            "post": send,
        },
        "/tether/uploads/{upload_id}": {
            "get": operation("What is known of an upload", "UploadState", parameters=one),
            "delete": operation("Remove an upload", "DeletedUpload", parameters=one),
        },
        "/tether/uploads/{upload_id}/content": {"get": content},
    }
