"""Encodings carry any text whole, and only events that are ours."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tether_jupyter.core import events
from tether_jupyter.server.encode import Ndjson, Sse, chosen, merged

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
batches = st.lists(st.one_of(texts.map(events.delta), texts.map(events.thinking)), min_size=1)


def joined(found):
    return [(events.kind(e), next(iter(e.values()))) for e in merged(found)]


@given(batches)
def test_ndjson_says_what_happened(batch):
    lines = Ndjson.encode(len(batch), batch).decode().split("\n")
    assert joined([json.loads(line) for line in lines if line]) == joined(batch)


@given(batches, st.integers(0, 1000))
def test_no_text_can_begin_a_field_of_an_sse_message(batch, before):
    text = Sse.encode(before + len(batch), batch).decode()
    found = []
    last = before
    for block in text.removesuffix("\n\n").split("\n\n"):
        number, name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {events.kind(event)}"
        assert last < int(number.removeprefix("id: "))
        last = int(number.removeprefix("id: "))
        found.append(event)
    assert last == before + len(batch)
    assert joined(found) == joined(batch)


def test_the_first_type_that_is_known_is_chosen():
    assert chosen("text/html, application/x-ndjson;q=0.9", "x") == "application/x-ndjson"
    assert chosen("*/*", "text/event-stream") == "text/event-stream"
    assert chosen("", "application/json") == "application/json"
