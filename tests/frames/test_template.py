"""Prompts from rows: what is filled in, and what stays as typed."""

from __future__ import annotations

import pytest

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.frames.template import Template

COLUMNS = ["text", "price", "a b"]
ROW = {"text": "T", "price": 2, "a b": "AB"}


@pytest.mark.parametrize(
    ("prompt", "filled"),
    [
        ("Say {text}", "Say T"),
        ("{text}{price}{text}", "T2T"),
        ("{a b}!", "AB!"),
        ('{text} as {"label": 1}', 'T as {"label": 1}'),
        ("{text} and {{text}}", "T and {{text}}"),
        ("user_{text} paid ${price}", "user_T paid $2"),
        ("{text}_{price}", "T_2"),
        ("{text} ${HOME} x_{i} y^{text}", "T ${HOME} x_{i} y^{text}"),
        (r"{text} \frac{text}{price}", r"T \frac{text}{price}"),
        ('{text} f"{price}"', 'T f"{price}"'),
        ("{text} {} { } {1, 2}", "T {} { } {1, 2}"),
        ("a set {text} {\n}", "a set T {\n}"),
    ],
)
def test_columns_are_filled_in_and_other_braces_stay(prompt: str, filled: str) -> None:
    assert Template(prompt, COLUMNS).fill(ROW) == filled


def test_a_value_is_never_filled_in_again() -> None:
    assert Template("{text}", COLUMNS).fill({**ROW, "text": "{price}"}) == "{price}"


def test_a_column_that_is_not_there_is_named_with_the_nearest() -> None:
    with pytest.raises(InvalidRequest, match=r"no column `txt`\. Did you mean `text`\?") as raised:
        Template("Say {txt}", COLUMNS)
    assert "`{price}`" in raised.value.message


@pytest.mark.parametrize(
    "prompt", ["{price:.2f}", "{text.upper}", "{text[0]}", "{text!r}", "{text.__class__}", "${price:.2f}"]
)
def test_nothing_runs_inside_braces(prompt: str) -> None:
    with pytest.raises(InvalidRequest, match="is no placeholder"):
        Template(prompt, COLUMNS)


def test_a_prompt_without_a_column_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="names no column"):
        Template("Say hello", COLUMNS)


def test_a_message_lists_not_more_columns_than_fit() -> None:
    with pytest.raises(InvalidRequest, match="and 80 more"):
        Template("Say hello", [f"c{n}" for n in range(100)])
