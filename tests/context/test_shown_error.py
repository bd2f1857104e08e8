"""Whether a kernel's last error is the one that a cell shows."""

from __future__ import annotations

import pytest

from tether_jupyter.context.shown_error import is_shown

FRAMES = [{"where": "… 3 frames in app"}, {"where": "cell [4]"}, {"where": "cell [2]"}]
ERROR = {"type": "KeyError", "message": "'b'", "frames": FRAMES}
SHOWN = {"ename": "KeyError", "evalue": "'b'", "execution_count": 4}


@pytest.mark.parametrize(
    ("error", "shown", "same"),
    [
        ({}, {}, True),
        ({}, {"execution_count": 3}, False),
        # A function of an earlier cell raised it: what ran is the outermost one.
        ({}, {"execution_count": 2}, False),
        ({}, {"execution_count": None}, True),
        ({"frames": []}, {}, True),
        ({"frames": [{"where": "cell under %%time"}]}, {"execution_count": 9}, True),
        ({"message": "1, 2"}, {"evalue": "as its class says it"}, True),
        ({}, {"evalue": "'c'", "execution_count": None}, False),
        ({"message": ""}, {"execution_count": None}, False),
        ({}, {"ename": "IndexError"}, False),
        (
            {"type": "pandas.errors.MergeError", "message": "no"},
            {"ename": "MergeError", "evalue": "no"},
            True,
        ),
        ({"frames": [], "message": "x" * 999 + "…"}, {"evalue": "x" * 1000 + " and more"}, True),
        ({"frames": [], "message": "a  b\n"}, {"evalue": "a b"}, True),
    ],
)
def test_an_error_is_known_by_its_name_its_words_and_the_cell_that_failed(error, shown, same):
    assert is_shown(ERROR | error, SHOWN | shown) is same


def test_what_a_kernel_garbles_is_another_error():
    assert not is_shown({"type": None, "frames": "cell [4]"}, SHOWN)
