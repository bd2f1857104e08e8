"""The demo model's text holds what Tether sends today: it had once learnt only what had been sent before."""

from __future__ import annotations

import random

from scripts.demo_model import context, corpus
from tether_jupyter.context.tracebacks import reduced
from tether_jupyter.context.variables import render
from tether_jupyter.magics import asks


def test_the_questions_of_fix_and_explain_are_those_of_the_magic() -> None:
    assert {asks.FIX.format(error="{}"), asks.EXPLAIN.format(error="{}")} <= set(corpus.COMMANDS)


def test_a_frame_stands_there_as_tether_writes_it() -> None:
    short = "DataFrame, 1200 rows, 2 columns\ncity: object\nprice: float64"
    told = context.as_told(context.section("variable", "sales", short))
    columns = [{"name": "city", "dtype": "object"}, {"name": "price", "dtype": "float64"}]
    variable = {
        "name": "sales", "type": "pandas.DataFrame", "shape": [1200, 2], "memory": 9400,
        "index": "RangeIndex", "columns": columns,
    }  # fmt: skip
    assert render(variable, "schema") in told


def test_an_error_of_a_page_stands_there_as_tether_leaves_it() -> None:
    rng = random.Random(7)  # noqa: S311 - not for secrets
    for _ in range(200):
        text = context.brief_error(rng, "KeyError: 'prise'", "sales['prise'].mean()", 3)
        assert reduced("", "", [text]) == text
