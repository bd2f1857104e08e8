"""`%tether preview`: exactly what a question would send, and where to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether

Said = Callable[..., str]
FOUND = {
    "to": {"backend": "openai", "model": "gpt", "place": "api.example.org", "leaves": True},
    "level": "schema",
    "items": [{"kind": "variable", "name": "rate", "text": "rate: float", "tokens": 12}],
    "left_out": [{"kind": "cell", "name": "In [1]", "tokens": 9000, "why": "no room"}],
    "masked": [{"kind": "API key", "count": 2}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "why\x1b[2J?"},
                {"type": "image_url", "image_url": {"url": "data:x"}},
            ],
        },
    ],
    "tokens": 1234,
    "window": 8192,
}


def test_says_where_to_how_much_and_what(tether: FakeTether, said: Said) -> None:
    tether.preview = FOUND
    shown = said("preview -t 0 why?")
    for part in (
        "To openai:gpt at api.example.org. It would leave this machine. Nothing was sent.",
        "1,234 tokens of the 8,192",
        "schema",
        "2 × API key",
        "variable  rate  12 tokens",
        "cell  In [1]  no room",
        "── system ──\nBe brief.",
        "── user ──\nwhy[2J?\n[image_url:",
    ):
        assert part in shown
    assert "\x1b" not in shown
    assert tether.requests == []


@pytest.mark.parametrize(
    ("needed", "room", "told"),
    [
        (700, 7000, "the model can take, 1,192 for its answer.\n"),
        (700, 1000, "The beginning of the conversation stays behind."),
        (1200, 1000, "this question and what goes along have 1,200 tokens, and the model reads 1,000."),
    ],
)
def test_says_what_becomes_of_it_where_there_is_too_little_room(
    tether: FakeTether, said: Said, needed: int, room: int, told: str
) -> None:
    tether.preview = FOUND | {"needed": needed, "room": room}
    assert told in said("preview why?")


def test_sends_the_request_that_the_question_would_be(
    shell: InteractiveShell, tether: FakeTether, said: Said
) -> None:
    shell.user_ns["rate"] = 0.19
    said("preview -m openai:gpt -t 0 --see samples is @rate right?")
    said("-m openai:gpt -t 0 --see samples is @rate right?")
    assert tether.previewed == tether.requests


def test_takes_a_cell_and_the_error_that_would_be_fixed(
    shell: InteractiveShell, tether: FakeTether, said: Said
) -> None:
    said("preview", "What is\nthis?")
    assert tether.previewed[-1]["message"] == "What is\nthis?"
    shell.run_cell("1 / 0", store_history=True)
    said("preview fix")
    assert [item["kind"] for item in tether.previewed[-1]["context"]] == ["error", "cell"]


def test_begins_no_conversation(tether: FakeTether, said: Said) -> None:
    said("preview -c new why?")
    assert "/tether/conversations" not in tether.paths


def test_of_nothing_is_a_usage_error(shell: InteractiveShell) -> None:
    with pytest.raises(UsageError, match="no question to preview"):
        shell.run_line_magic("tether", "preview")
