"""`Chat`, the widget."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakSet

import anywidget
import traitlets

from tether_jupyter.client.sync import Client
from tether_jupyter.widget import fallback, rows
from tether_jupyter.widget.kernel import kernel_id, running_cell
from tether_jupyter.widget.talk import Talk

STATIC = Path(__file__).parent / "static"
VIEW = "application/vnd.jupyter.widget-view+json"


class Chat(anywidget.AnyWidget):
    """A chat about this notebook, for places without Tether's sidebar. It goes on with the same conversation.

    Show it by making it a cell's last line. It may be shown several times; all views stay in step.

    Parameters
    ----------
    conversation_id:
        Go on with this conversation instead of the notebook's.
    model, preset:
        The model to ask, such as `local:name`, and the preset; both can be changed in the widget.
    height:
        How tall the conversation may grow before it scrolls, in pixels.
    client:
        Asks the server; by itself it finds the one that this kernel belongs to.
    """

    _esm = STATIC / "chat.js"
    _css = STATIC / "chat.css"

    messages: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """What was said, the newest 40 messages of it, cut to what a notebook can be asked to save."""
    facts: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    height = traitlets.Int(480).tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    """Its own id, by which a view finds out whether a kernel stands behind it."""

    _made: ClassVar[WeakSet[Chat]] = WeakSet()

    def __init__(
        self,
        conversation_id: str | None = None,
        *,
        model: str | None = None,
        preset: str | None = None,
        height: int = 480,
        client: Client | None = None,
    ) -> None:
        super().__init__(height=height)
        self.key = self.model_id
        self._display_id = secrets.token_hex(16)
        self._published: str | None = None
        self._cells: dict[str, str] = {}
        self._talk = Talk(
            client or Client(),
            self._tell,
            self._keep,
            kernel_id=kernel_id(),
            conversation_id=conversation_id,
        )
        self._talk.chosen = {k: v for k, v in {"model": model, "preset": preset}.items() if v}
        self.on_msg(self._heard)
        self._made.add(self)
        self._talk.look()

    def ask(self, text: str) -> None:
        """Ask a question, as if it had been typed, and return at once: the answer shows in the widget."""
        self._talk.ask(text)

    def stop(self) -> None:
        """Stop the answer that is being written; its text stays."""
        self._talk.stop()

    def close(self) -> None:
        """Take the widget away, and stop what it is doing."""
        talk = getattr(self, "_talk", None)
        if talk is not None:
            self._made.discard(self)
            talk.close()
        super().close()

    def __repr__(self) -> str:
        talk = getattr(self, "_talk", None)
        return fallback.plain(talk.rows) if talk is not None else object.__repr__(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:  # type: ignore[override]
        bundle: dict[str, Any] = {
            "text/plain": fallback.plain(self._talk.rows),
            "text/markdown": fallback.markdown(self._talk.rows),
        }
        if self.comm is not None:
            bundle[VIEW] = {"version_major": 2, "version_minor": 1, "model_id": self.model_id}
        return bundle

    def _ipython_display_(self) -> None:
        # Displayed under an id, so that what viewers without widgets read can follow the conversation.
        self._publish()
        place = running_cell()
        if place is not None:
            self._cells[place[0]] = place[1]
            self._take_place(*place)

    def _take_place(self, cell: str, run: str) -> None:
        """Close what earlier runs of this cell showed: the notebook would go on saving all of it."""
        for other in list(self._made):
            if list(other._cells) == [cell] and other._cells[cell] != run and not other._talk.busy:
                other.close()

    def _tell(self, message: dict[str, Any]) -> None:
        if self.comm is not None:
            self.send(message)

    def _keep(self) -> None:
        self.messages = rows.bounded(self._talk.rows)
        self.facts = self._talk.facts

    def _heard(self, _: Any, content: Any, __: Any) -> None:
        """Take a message of a view."""
        kind = content.get("kind") if isinstance(content, dict) else None
        talk = self._talk
        match kind:
            case "hello":
                talk.show()
            case "knock":
                # Answered only when the kernel has time: until then the view keeps its words.
                self._tell({"kind": "here", "view": str(content.get("view"))})
            case "look":
                talk.look()
            case "ask":
                talk.ask(str(content.get("text") or ""), instead_of=content.get("instead_of"))
            case "again":
                talk.again(str(content.get("id")))
            case "stop":
                talk.stop()
            case "fresh":
                talk.fresh()
            case "models":
                talk.list_models()
            case "use":
                talk.use(model=content.get("model"), preset=content.get("preset"))
            case "left":
                self._refresh_fallback()

    def _refresh_fallback(self) -> None:
        """Bring what viewers without widgets read up to date. Only while nobody types here: it redraws."""
        told = None if self._talk.busy else fallback.plain(self._talk.rows)
        if told is not None and self._published not in (None, told):
            self._publish(update=True)

    def _publish(self, *, update: bool = False) -> None:
        from IPython.display import publish_display_data

        bundle = self._repr_mimebundle_()
        self._published = bundle["text/plain"]
        publish: Any = publish_display_data
        publish(bundle, transient={"display_id": self._display_id}, update=update)
