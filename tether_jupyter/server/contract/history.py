"""Conversations, messages and projects."""

from __future__ import annotations

from typing import Any

from tether_jupyter.server.contract.words import operation, parameter

Forms = tuple[list[type], list[type]]


def forms() -> Forms:
    """Return what is asked and what is answered."""
    from tether_jupyter.core import answers
    from tether_jupyter.server import history_forms as asked

    return (
        [
            asked.NewConversation,
            asked.ConversationChange,
            asked.MessageChange,
            asked.NewProject,
            asked.ProjectChange,
        ],
        [
            answers.ConversationState,
            answers.ConversationList,
            answers.MessageState,
            answers.MessageList,
            answers.WholeMessage,
            asked.ProjectState,
            asked.ProjectList,
        ],
    )


def paths() -> dict[str, Any]:
    """Return every path with what it takes and gives."""
    one = [parameter("conversation_id", "path")]
    message = [parameter("message_id", "path")]
    project = [parameter("project_id", "path")]
    deleted = parameter("deleted", "query", enum=["true", "false"], default="false")
    whole = parameter("messages", "query", enum=["true", "false"], default="false")
    listed = [
        parameter("notebook", "query"),
        parameter("kernel_id", "query"),
        parameter("project_id", "query"),
        parameter("limit", "query", pattern="^[0-9]{1,4}$"),
        parameter("offset", "query", pattern="^[0-9]{1,6}$"),
        deleted,
        whole,
    ]
    return {
        "/tether/conversations": {
            "get": operation("Your conversations", "ConversationList", parameters=listed),
            "post": operation("Begin one", "ConversationState", body="NewConversation", status="201"),
        },
        "/tether/conversations/{conversation_id}": {
            "get": operation("One conversation", "ConversationState", parameters=[*one, whole]),
            "patch": operation(
                "Name, pin, file or restore it",
                "ConversationState",
                body="ConversationChange",
                parameters=one,
            ),
            "delete": operation("Delete it; it can be restored", "ConversationState", parameters=one),
        },
        "/tether/conversations/{conversation_id}/messages": {
            "get": operation("What was said in it, all branches", "MessageList", parameters=one)
        },
        "/tether/conversations/{conversation_id}/messages/{message_id}": {
            "get": operation(
                "One message, with what went along with it", "WholeMessage", parameters=[*one, *message]
            )
        },
        "/tether/messages/{message_id}": {
            "patch": operation(
                "React to a message", "MessageState", body="MessageChange", parameters=message
            ),
            "delete": operation("Delete a message", "MessageState", parameters=message),
        },
        "/tether/projects": {
            "get": operation("Your projects", "ProjectList", parameters=[deleted]),
            "post": operation("Begin one", "ProjectState", body="NewProject", status="201"),
        },
        "/tether/projects/{project_id}": {
            "get": operation("One project", "ProjectState", parameters=project),
            "patch": operation("Change it", "ProjectState", body="ProjectChange", parameters=project),
            "delete": operation("Delete it; its conversations stay", "ProjectState", parameters=project),
        },
    }
