"""Streams read as they look on a screen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tether_jupyter.context.terminal import (
    HEAD_LINES,
    LONGEST_LINE,
    TAIL_LINES,
    plain,
    reduced,
    shortened,
    shown,
)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("a\nb", "a\nb"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10%\r20%\r100%\n", "100%\n"),
        ("long line\rab", "abng line"),
        ("long line\r\x1b[Kab", "ab"),
        ("long line\x1b[2K\rab", "ab"),
        ("abc\b\bX", "aXc"),
        ("\b\ba", "a"),
        ("one\ntwo\x1b[A\rONE\n", "ONE\ntwo"),
        ("0%\n0%\x1b[1A\r50%\x1b[1B\r70%", "50%\n70%"),
        ("ab\x1b[10Gc", "ab       c"),
        ("\x1b[999999999999Ca", " " * 200 + "a"),
        ("tail \x1b[", "tail"),
        ("bell\x07", "bell"),
    ],
)
def test_the_screen_after(written, seen):
    assert shown(written) == seen


def test_colours_go_and_nothing_is_overwritten_where_text_is_only_made_plain():
    assert plain("\x1b[31mab\x1b[0m\ncd") == "ab\ncd"
    assert plain("same") == "same"


def test_a_bar_that_moved_ten_thousand_times_is_one_line():
    bar = "".join(f"\r{n // 100}%|{'█' * (n // 1000)}| {n}/10000" for n in range(10_001))
    assert reduced(bar) == f"100%|{'█' * 10}| 10000/10000"


def test_bars_between_other_lines_leave_their_last_place():
    parts = [text for n in (10, 50, 100) for text in (f"\rfit: {n}%|##| {n}/100", f"epoch {n}\n")]
    assert shortened(parts) == "epoch 10\nepoch 50\nfit: 100%|##| 100/100\nepoch 100"


def test_many_lines_leave_their_first_and_last_and_say_how_many_went():
    lines = reduced("\n".join(f"line {n}" for n in range(1000))).split("\n")
    assert lines[0] == "line 0"
    assert lines[HEAD_LINES] == f"[… {1000 - HEAD_LINES - TAIL_LINES} lines left out …]"
    assert lines[-1] == "line 999"
    assert len(lines) == HEAD_LINES + TAIL_LINES + 1


def test_a_stream_too_long_to_read_counts_what_it_did_not():
    lines = reduced("\n".join(f"line {n}" for n in range(100_000))).split("\n")
    assert lines[HEAD_LINES] == f"[… {100_000 - HEAD_LINES - TAIL_LINES:,} lines left out …]"
    assert (lines[0], lines[-1]) == ("line 0", "line 99999")


def test_a_long_line_loses_its_middle():
    line = reduced("a" * 10_000)
    assert len(line) < LONGEST_LINE + 60
    assert f"{10_000 - LONGEST_LINE:,} characters left out" in line


@given(st.text(alphabet="ab\r\n\b\x1b[]0123;ABCDGKm\x9b\x07", max_size=200))
def test_nothing_of_a_terminals_orders_comes_out(text):
    for done in (shown(text), plain(text), reduced(text)):
        assert not set(done) & set("\r\b\x1b\x9b\x07")
