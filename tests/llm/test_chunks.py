"""The parser of an upstream's stream: any split, any noise, and no event but ours."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tether_jupyter.core import events
from tether_jupyter.errors import TetherError, UpstreamError
from tether_jupyter.llm.chunks import Chunks


def lines(*payloads, end=b"\n\n"):
    return b"".join(b"data: " + json.dumps(p).encode() + end for p in payloads)


def said(text, finish=None):
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}


STREAM = (
    lines(said("é€😀"), said(""), said("\n", "length"), {"usage": {"prompt_tokens": 1}}) + b"data: [DONE]\n\n"
)


def read(chunks):
    reader = Chunks()
    return [event for chunk in chunks for event in reader.feed(chunk)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=40))
def test_the_stream_says_the_same_wherever_the_network_splits_it(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    assert read(STREAM[a:b] for a, b in pairwise(edges)) == read([STREAM])


def test_one_code_point_in_two_chunks_is_put_together():
    halves = [
        b'data: {"choices":[{"delta":{"content":"\\ud83d"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\\ude00!"}}]}\n\n',
    ]
    assert read(halves) == [{"delta": "😀!"}]


@pytest.mark.parametrize("name", events.KINDS)
def test_an_upstream_can_name_no_event_of_ours(name):
    hostile = f"event: {name}\nid: 9\nretry: 1\n".encode() + lines({name: True}, {"choices": 5}, [name], name)
    reader = Chunks()
    assert reader.feed(hostile) == []
    assert (reader.failure is not None) == (name == "error")


@pytest.mark.parametrize("fault", [b"data: {no json\n", b'data: {"error": "busy"}\n', b"x" * (2**20 + 1)])
def test_text_that_came_with_a_fault_is_not_lost(fault):
    reader = Chunks()
    assert reader.feed(lines(said("so far")) + fault) == [{"delta": "so far"}]
    assert isinstance(reader.failure, UpstreamError)


@given(st.binary(max_size=400))
def test_no_bytes_do_worse_than_a_typed_error(noise):
    try:
        found = read([b"data: " + noise + b"\n\n", lines(said("x"))])
    except UpstreamError:
        return
    assert all(events.kind(e) in events.KINDS for e in found)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["choices", "delta", "content", "usage", "finish_reason", "error", "message"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_no_json_does_worse_than_a_typed_error(payload):
    reader = Chunks()
    try:
        list(reader.feed(lines(payload)))
        list(reader.close())
    except TetherError:
        return


def test_a_stream_without_its_last_line_still_ends_when_its_answer_had():
    reader = Chunks()
    list(reader.feed(lines(said("x", "stop"))))
    assert list(reader.close())[-1] == {"done": True, "finish_reason": "stop"}


def test_a_refusal_is_text_of_the_answer():
    declined = {"choices": [{"delta": {"content": None, "refusal": "I will "}}]}
    more = {"choices": [{"delta": {"refusal": "not."}, "finish_reason": "stop"}]}
    found = read([lines(declined, more) + b"data: [DONE]\n\n"])
    assert "".join(e.get("delta", "") for e in found) == "I will not."
    assert found[-1] == {"done": True, "finish_reason": "stop"}


@pytest.mark.parametrize(
    ("finish", "words", "retryable"),
    [
        ("content_filter", "stopped the answer by its content filter", False),
        ("content_filter: RECITATION", "stopped the answer by its content filter", False),
        ("SAFETY", "stopped the answer by its content filter", False),
        ("error", "failed in the middle of the answer", True),
    ],
)
@pytest.mark.parametrize("last", [b"data: [DONE]\n\n", b""])
def test_an_answer_that_was_cut_off_upstream_is_no_whole_one_and_its_text_is_kept(
    finish, words, retryable, last
):
    reader = Chunks("api.example")
    found = reader.feed(lines(said("so far", finish), {"usage": {"prompt_tokens": 9}}) + last)
    assert found[0] == {"delta": "so far"}
    if last:
        failure = reader.failure
        assert found[1]["usage"]["prompt_tokens"] == 9
    else:
        with pytest.raises(UpstreamError) as caught:
            reader.close()
        failure = caught.value
    assert f"api.example {words}" in failure.message
    assert failure.payload()["retryable"] is retryable
    assert not any(events.kind(e) in events.TERMINAL for e in found)


def parts(*pieces, finish=None):
    return {"choices": [{"delta": {"content": list(pieces)}, "finish_reason": finish}]}


def told(*payloads, **options):
    """Return what was thought and what was answered, of a stream that ends as it should."""
    reader = Chunks(**options)
    found = reader.feed(lines(*payloads) + b"data: [DONE]\n\n")
    assert reader.failure is None
    assert found[-1]["done"]
    assert "usage" in found[-2]
    return "".join(e.get("thinking", "") for e in found), "".join(e.get("delta", "") for e in found)


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>\nWell.\n</think>\n\nYes.", "Well.", "Yes."),
        ("[THINK]Well.[/THINK]Yes.", "Well.", "Yes."),
        ("<think>for ever", "for ever", ""),
        ("The tag <think>x</think> is one", "", "The tag <think>x</think> is one"),
        ("`<think>` is a tag", "", "`<think>` is a tag"),
        ("<thi", "", "<thi"),
        ("\n", "", "\n"),
    ],
)
def test_a_thought_that_a_server_leaves_at_the_beginning_of_its_text_is_told_apart(
    text, thought, answer, size
):
    cut = [said(text[i : i + size]) for i in range(0, len(text), size)]
    assert told(*cut) == (thought, answer)


def test_a_text_that_must_have_a_form_and_one_that_comes_after_a_thought_are_left_alone():
    assert told(said("<think>a</think>b"), plain=True) == ("", "<think>a</think>b")
    reasoning = {"choices": [{"delta": {"reasoning_content": "Well."}}]}
    assert told(reasoning, said("<think>"), said(" is a tag")) == ("Well.", "<think> is a tag")


def test_a_text_in_parts_is_put_together_and_its_thoughts_are_told_apart():
    pieces = [{"type": "text", "text": text} for text in ("We", "ll.")]
    found = told(
        said(""),
        parts({"type": "thinking", "thinking": pieces}),
        parts({"type": "thinking", "thinking": " Yes?"}, {"type": "text", "text": "Ye"}, {"type": "other"}),
        said("s."),
        parts(3, None, {"type": "text", "text": 4}, {"type": "thinking", "thinking": [5]}),
    )
    assert found == ("Well. Yes?", "Yes.")


def test_what_was_held_back_when_an_upstream_failed_is_not_lost():
    reader = Chunks()
    assert reader.feed(lines(said("<thi"))) == []
    assert reader.feed(lines({"error": "busy"})) == [{"delta": "<thi"}]
    assert isinstance(reader.failure, UpstreamError)


def test_a_window_that_is_full_has_cut_the_answer():
    assert read([lines(said("x", "model_length")) + b"data: [DONE]\n\n"])[-1]["finish_reason"] == "length"
