"""The questions that the demo model is measured with."""

from __future__ import annotations

import pytest

from scripts.demo_model import questions


@pytest.mark.parametrize("name", ["dev", "colleagues", "calibration", "heldout", "strangers", "newcomers"])
def test_each_set_asks_for_code_for_the_manual_and_off_the_topics(name: str) -> None:
    asked = questions.read(name)
    assert all(asked)


def test_no_held_out_question_stands_among_those_that_are_read_to_widen_the_phrases() -> None:
    def all_of(*names: str) -> set[str]:
        sets = [questions.read(name) for name in names]
        pairs = [pair[0] for each in sets for pair in [*each.code, *each.manual]]
        return {text.lower() for text in [*pairs, *(text for each in sets for text in each.refused)]}

    assert not all_of("heldout", "strangers", "newcomers") & all_of("dev", "colleagues", "calibration")
