"""The contract by chapters: what each kind of door takes and gives.

A chapter has `forms`, the pydantic models of what is asked and of what is answered, and `paths`.
Nothing here is imported before somebody asks for the document.
"""

from __future__ import annotations

from types import ModuleType


def chapters() -> list[ModuleType]:
    """Return all chapters, in the order of the document."""
    from tether_jupyter.server.contract import chat, history, models, settings, transfer, uploads, v1

    return [chat, history, transfer, settings, uploads, models, v1]
