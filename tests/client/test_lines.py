"""NDJSON arrives in pieces, and the pieces do not matter."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tether_jupyter.client.lines import LineDecoder
from tether_jupyter.errors import UpstreamError

EVENTS = st.lists(
    st.one_of(
        st.text(min_size=1).map(lambda text: {"delta": text}),
        st.text().map(lambda text: {"thinking": text}),
        st.integers(1, 99).map(lambda n: {"queued": {"position": n}}),
        st.just({"done": True, "finish_reason": "stop"}),
    ),
    max_size=12,
)


def encode(events: list[dict[str, Any]], *, ascii_only: bool, end: bytes) -> bytes:
    return b"".join(json.dumps(e, ensure_ascii=ascii_only).encode("utf-8", "replace") + end for e in events)


@given(EVENTS, st.booleans(), st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.lists(st.integers(0, 4000)))
def test_a_stream_cut_anywhere_gives_the_same_events(
    events: list[dict[str, Any]], ascii_only: bool, end: bytes, cuts: list[int]
) -> None:
    data = encode(events, ascii_only=ascii_only, end=end)
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    whole = LineDecoder().feed(data)
    decoder = LineDecoder()
    pieces = [e for a, b in pairwise(places) for e in decoder.feed(data[a:b])]
    assert pieces == whole
    decoder = LineDecoder()
    assert [e for i in range(len(data)) for e in decoder.feed(data[i : i + 1])] == whole
    if ascii_only:
        assert whole == events


def test_a_line_without_end_is_refused() -> None:
    decoder = LineDecoder(max_line=100)
    decoder.feed(b"x" * 60)
    with pytest.raises(UpstreamError, match="too long"):
        decoder.feed(b"x" * 60)


@pytest.mark.parametrize("line", [b"nonsense", b"[1]", b"3", b"{}", b'"delta"', b"\xff\xfe"])
def test_a_line_that_is_no_event_is_refused(line: bytes) -> None:
    with pytest.raises(UpstreamError, match="not an event"):
        LineDecoder().feed(line + b"\n")


def test_empty_lines_only_keep_the_connection_alive() -> None:
    assert LineDecoder().feed(b'\n\n{"delta": "x"}\n \n') == [{"delta": "x"}]
