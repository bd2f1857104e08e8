"""Reads the questions that people wrote (questions/*.txt).

    == code          the answer is this code, exactly
    Q: mean of price in sales
    A: sales['price'].mean()
    == manual        the answer contains this
    == refused       there is no answer

Both may have several lines, and end where the next mark begins. ``#`` at the start of the file is a comment.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("questions")
MARK = re.compile(r"^(==|Q:|A:) ", re.M)


class Questions(NamedTuple):
    """One set: questions with their code, with a piece of their answer, and without an answer."""

    code: list[tuple[str, str]]
    manual: list[tuple[str, str]]
    refused: list[str]


def read(name: str) -> Questions:
    """The set of this name. ValueError: a question has no answer, or one that it should not have."""
    parts = MARK.split((FOLDER / f"{name}.txt").read_text(encoding="utf-8"))
    found: dict[str, list[list[str]]] = {"code": [], "manual": [], "refused": []}
    section: list[list[str]] = []
    for mark, text in zip(parts[1::2], map(str.strip, parts[2::2]), strict=True):
        if mark == "==":
            section = found[text]
        elif mark == "Q:":
            section.append([text])
        else:
            section[-1].append(text)
    return Questions(
        code=[(question, answer) for question, answer in found["code"]],
        manual=[(question, answer) for question, answer in found["manual"]],
        refused=[question for (question,) in found["refused"]],
    )
