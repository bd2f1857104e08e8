"""What was uploaded, and how it is laid out for a model: texts as sections, images as content parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tether_jupyter.core.prompt import Section
from tether_jupyter.errors import InvalidRequest

IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""What a model that sees takes, and a browser may show: pictures without scripts."""
MOST_TEXT = 60_000
"""Characters that all attachments of one question may have together."""


@dataclass(slots=True)
class Upload:
    """What is known of one uploaded file.

    Parameters
    ----------
    media_type, encoding:
        What it is by its content; `encoding` is a text's codec.
    characters:
        Of the text that a model reads; `None` where nothing can be read, or it is an image.
    problem:
        Why nothing can be read, or what is missing, in words.
    facts:
        Figures of the reader, such as `pages`, `rows` and `cells`.
    """

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime
    used_at: datetime | None = None
    problem: str | None = None
    encoding: str | None = None
    characters: int | None = None
    facts: dict[str, int] | None = None

    @property
    def is_image(self) -> bool:
        return self.media_type in IMAGES

    def payload(self) -> dict[str, Any]:
        """Return the wire form."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": "image" if self.is_image else "text",
            "media_type": self.media_type,
            "size": self.size,
            "sha256": self.sha256,
            "characters": self.characters,
            "facts": self.facts or {},
            "problem": self.problem,
            "created_at": self.created_at.isoformat(),
            "used_at": self.used_at.isoformat() if self.used_at else None,
        }


@dataclass(frozen=True, slots=True)
class Attached:
    """One attachment as a turn needs it.

    Parameters
    ----------
    id:
        The upload's id.
    name:
        What the user calls the file. A display string, never a path.
    kind:
        `text`: `text` holds what can be read of it. `image`: `url` is a `data:` URL.
    note:
        What is missing of the file in `text`, in a sentence.
    """

    id: str
    name: str
    kind: Literal["text", "image"]
    text: str = field(default="", repr=False)
    url: str = field(default="", repr=False)
    note: str | None = None


def attach(
    content: Any, attached: Sequence[Attached], *, sees: bool, model: str, most: int = MOST_TEXT
) -> tuple[Any, list[Section]]:
    """Return a question's content with the images in it, and the texts as sections of context.

    Parameters
    ----------
    content:
        The user's words: text, or content parts. It is not changed.
    sees:
        Whether the model takes images.
    model:
        What the model is called, for the message that it does not.
    most:
        Characters that the texts may have together. What is cut is told in the section.

    Raises
    ------
    InvalidRequest
        An image goes to a model that does not see.
    """
    images = [one for one in attached if one.kind == "image"]
    if images and not sees:
        names = ", ".join(f"`{one.name}`" for one in images)
        raise InvalidRequest(
            f"{model} reads text and does not see images: leave out {names}, or ask a model that sees."
        )
    texts = [one for one in attached if one.kind == "text"]
    rooms = shares([len(one.text) for one in texts], most)
    sections = [
        Section("file", one.name, shortened(one, room), attached=True)
        for one, room in zip(texts, rooms, strict=True)
    ]
    if images:
        words = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        content = [*words, *({"type": "image_url", "image_url": {"url": one.url}} for one in images)]
    return content, sections


def shares(lengths: Sequence[int], most: int) -> list[int]:
    """Divide room among texts: short ones get all that they need, the others equal parts of the rest."""
    rooms = [0] * len(lengths)
    left = most
    order = sorted(range(len(lengths)), key=lambda at: lengths[at])
    for done, at in enumerate(order):
        rooms[at] = min(lengths[at], left // (len(order) - done))
        left -= rooms[at]
    return rooms


def shortened(one: Attached, room: int) -> str:
    """Return an attachment's text, cut at a line's end where it is too long; notes say what is missing."""
    text, notes = one.text, [one.note] if one.note else []
    if len(text) > room:
        end = text.rfind("\n", room * 4 // 5, room)
        cut = text[: end if end > 0 else room]
        notes.insert(0, f"Only the first {len(cut):,} of {len(text):,} characters are here.")
        text = cut
    return "\n".join([text, *(f"[{note}]" for note in notes)])
