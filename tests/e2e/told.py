"""A model that says what it is told: the test writes the answer, lets it go on, and reads what was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.e2e.held import GO, let_go
from tether_jupyter.core import events
from tether_jupyter.core.events import Event
from tether_jupyter.core.prompt import Prompt, text_of
from tether_jupyter.errors import BY_TYPE
from tether_jupyter.llm.mock import MockService

BACKEND = "tests.e2e.told:Told"
HOLD = "\n(wait)\n"
"""Where an answer waits until it is let go."""
FAIL = "(fail)"
SAY, ASKED, LEFT = "say.txt", "asked.json", "left"


class Told(MockService):
    """Runs in the server, whose working folder is the notebooks'."""

    async def _play(self, prompt: Prompt) -> AsyncIterator[Event]:
        texts = [text_of(message["content"]) for message in prompt.messages]
        keep(ASKED, json.dumps(texts))
        ended = False
        try:
            for n, part in enumerate(script()):
                if n:
                    await let_go()
                if part == FAIL:
                    raise BY_TYPE["upstream_error"]
                for line in part.splitlines(keepends=True):
                    yield events.delta(line)
            ended = True
        finally:
            if not ended:
                keep(LEFT, "")


def script() -> list[str]:
    """Return the answer's parts, between which it waits."""
    return Path(SAY).read_text().split(HOLD)


def keep(name: str, text: str) -> None:
    Path(name).write_text(text)


class Script:
    """What a test tells the model, from the other side."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in (GO, SAY, ASKED, LEFT):
            (root / name).unlink(missing_ok=True)

    def says(self, text: str) -> None:
        """Tell it its next answer."""
        (self.root / GO).unlink(missing_ok=True)
        (self.root / LEFT).unlink(missing_ok=True)
        (self.root / SAY).write_text(text)

    def go(self) -> None:
        """Let the answer that waits go on."""
        (self.root / GO).touch()

    @property
    def asked(self) -> Any:
        """The texts of the last prompt: system, question."""
        return json.loads((self.root / ASKED).read_text())

    @property
    def left(self) -> bool:
        """Whether an answer was given up before its end."""
        return (self.root / LEFT).exists()


def written(root: Path, *cells: tuple[str, str]) -> None:
    """Write the notebook that a :class:`Lab` opens: the kind and the source of each cell."""
    code = {"execution_count": None, "outputs": []}
    content = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": [
            {
                "id": f"cell-{n}",
                "cell_type": kind,
                "metadata": {},
                "source": source,
                **(code if kind == "code" else {}),
            }
            for n, (kind, source) in enumerate(cells, 1)
        ],
    }
    root.mkdir(parents=True, exist_ok=True)
    (root / "quickstart.ipynb").write_text(json.dumps(content))
