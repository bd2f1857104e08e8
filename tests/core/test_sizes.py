"""Sizes and times as people read them."""

import pytest

from tether_jupyter.core.sizes import duration, human


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (999.7, "1.00 kB"),
        (4_683_000_000, "4.68 GB"),
        (9_994_000, "9.99 MB"),
        (9_996_000, "10.0 MB"),
        (99_940_000, "99.9 MB"),
        (99_960_000, "100 MB"),
        (999_600_000, "1.00 GB"),
        (5e15, "5000 TB"),
    ],
)
def test_three_digits_are_enough(count, text):
    assert human(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (3900, "1 h 05 min")],
)
def test_two_units_are_enough(seconds, text):
    assert duration(seconds) == text
