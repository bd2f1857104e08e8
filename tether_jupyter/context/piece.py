"""One piece of context: what a model may be given to read, and how much it matters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["file", "cell", "variable", "error", "selection"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece that is sent whole or not at all.

    Parameters
    ----------
    kind:
        Which of the prompt's tags it stands in.
    name:
        What the user calls it.
    text:
        What the model reads.
    rank:
        How much it matters: higher goes first. The cells of a notebook have 0 to 1.
    images:
        Its pictures as `data:` URLs, for a model that sees.
    """

    kind: Kind
    name: str
    text: str = field(repr=False)
    rank: float = 0.0
    images: tuple[str, ...] = field(default=(), repr=False)
