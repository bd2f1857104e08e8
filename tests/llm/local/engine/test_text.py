"""Whole code points out of bytes, and stop texts that leak nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tether_jupyter.llm.local.engine.text import TextStream


def run(pieces: list[bytes], stop: tuple[str, ...] = ()) -> tuple[str, list[str], bool]:
    stream = TextStream(stop)
    out = [text for piece in pieces if (text := stream.feed(piece))]
    if rest := stream.finish():
        out.append(rest)
    return "".join(out), out, stream.stopped


@given(st.text(), st.integers(1, 5))
def test_text_cut_anywhere_comes_out_as_it_was(text: str, size: int) -> None:
    data = text.encode("utf-8", "surrogatepass")
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    assert run(pieces)[0] == data.decode("utf-8", "replace")


@given(st.text("ab<", max_size=30), st.lists(st.text("ab<", min_size=1, max_size=4), min_size=1, max_size=3))
def test_an_answer_ends_before_the_first_stop_text_that_is_complete(text: str, stops: list[str]) -> None:
    out, _, stopped = run([letter.encode() for letter in text], tuple(stops))
    ends = [(place + len(stop), place) for stop in stops if (place := text.find(stop)) >= 0]
    if not ends:
        assert (out, stopped) == (text, False)
        return
    first = min(end for end, _ in ends)
    assert stopped
    assert out == text[: min(place for end, place in ends if end == first)]
    assert not any(stop in out for stop in stops)


def test_nothing_is_held_back_longer_than_it_must_be() -> None:
    stream = TextStream(("</end>",))
    assert stream.feed(b"a </") == "a "
    assert stream.feed(b"b") == "</b"
    assert stream.feed(b" <") == " "
    assert stream.finish() == "<"


def test_bytes_that_are_no_text_are_replaced_and_what_is_unfinished_at_the_end_too() -> None:
    assert run([b"a\xff", b"\xc3"])[0] == "a\ufffd\ufffd"
