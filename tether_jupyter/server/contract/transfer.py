"""Search, export and import."""

from __future__ import annotations

from typing import Any

from tether_jupyter.server.contract.words import operation, parameter, response

Forms = tuple[list[type], list[type]]
DOWNLOADS = ("text/markdown", "application/x-ipynb+json", "application/json")


def forms() -> Forms:
    """Return what is asked and what is answered."""
    from tether_jupyter.core.export_file import ExportedConversation
    from tether_jupyter.server import search_forms as found

    return [ExportedConversation], [found.SearchResults, found.ImportedConversation]


def paths() -> dict[str, Any]:
    """Return every path with what it takes and gives."""
    searched = [
        parameter("q", "query", description='Words and "phrases"; the last word may be half typed.'),
        parameter("project", "query", description="The id of a project."),
        parameter("notebook", "query", description="The path of a notebook."),
        parameter("model", "query", description="Answers of this model only."),
        parameter("after", "query", description="A date or a time: from then on."),
        parameter("before", "query", description="A date or a time: up to it, not included."),
        parameter("limit", "query", pattern="^([1-9][0-9]?|100)$", default="20"),
        parameter("offset", "query", pattern="^[0-9]{1,4}$", default="0"),
    ]
    exported = [
        parameter("conversation_id", "path"),
        parameter("format", "query", enum=["md", "ipynb", "json"], default="md"),
        parameter("message", "query", description="The message that ends the branch; the newest by default."),
    ]
    download = {"description": "The file, as `Content-Disposition` names it."}
    return {
        "/tether/conversations/search": {
            "get": operation("Search through all that was said", "SearchResults", parameters=searched)
        },
        "/tether/conversations/import": {
            "post": operation(
                "Bring in an exported conversation",
                "ImportedConversation",
                body="ExportedConversation",
                status="201",
            )
        },
        "/tether/conversations/{conversation_id}/export": {
            "get": {
                "summary": "A conversation as a file: Markdown, a notebook, or JSON",
                "parameters": exported,
                "responses": {
                    "200": {
                        "description": "A download",
                        "content": {kind: {"schema": download} for kind in DOWNLOADS},
                    },
                    "default": response("Error", "A failure, in words."),
                },
            }
        },
    }
