"""`Chat`: the notebook's conversation as a widget, where there is no lab extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tether_jupyter.widget.chat import Chat

__all__ = ["Chat"]


def __getattr__(name: str) -> Any:
    if name != "Chat":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from tether_jupyter.widget.chat import Chat
    except ModuleNotFoundError as reason:
        if (reason.name or "").partition(".")[0] not in ("anywidget", "ipywidgets"):
            raise
        raise ImportError(
            "The chat widget needs anywidget, which is not installed. Run "
            "`%pip install 'tether-jupyter[widget]'`, restart the kernel, and try again."
        ) from None
    except FileNotFoundError:
        raise ImportError(
            "The chat widget's front end is not built. Run `jlpm build:widget` in the folder `labextension`."
        ) from None
    return Chat
