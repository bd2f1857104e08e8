"""What is dropped when a conversation is too long, and what is said when a question is."""

from __future__ import annotations

from typing import Any

import pytest

from tether_jupyter.core.prompt import Message, text_of
from tether_jupyter.errors import ContextOverflow
from tether_jupyter.llm.local.fitting import fit

calls: list[int] = []


def tokens_of(messages: list[Message]) -> list[int]:
    calls.append(len(messages))
    return [ord(letter) for message in messages for letter in text_of(message["content"])]


def fitted(messages: list[Message], **limits: Any) -> str:
    calls.clear()
    tokens = fit(messages, tokens_of=tokens_of, at_least=lambda m: len(tokens_of(m)) // 10, **limits)
    return "".join(map(chr, tokens))


def chat(*texts: str, system: str = "") -> list[Message]:
    roles = ["user", "assistant"] * len(texts)
    messages: list[Message] = [{"role": r, "content": t} for r, t in zip(roles, texts, strict=False)]
    return [{"role": "system", "content": system}, *messages] if system else messages


def test_what_fits_stays_whole() -> None:
    assert fitted(chat("ab", "cd", "ef"), context_length=40, max_tokens=None) == "abcdef"


def test_exchanges_go_from_the_oldest_on_and_the_system_message_stays() -> None:
    messages = chat("a" * 10, "b" * 10, "c" * 10, "d" * 10, "e" * 10, system="s")
    assert fitted(messages, context_length=45, max_tokens=None) == "s" + "c" * 10 + "d" * 10 + "e" * 10
    assert fitted(messages, context_length=30, max_tokens=None) == "s" + "e" * 10


def test_no_more_is_dropped_than_must_be_at_any_length() -> None:
    messages = chat(*(chr(97 + i % 26) * (1 + i * 7 % 5) for i in range(41)))
    texts = [text_of(m["content"]) for m in messages]
    for length in range(12, 200):
        most = length - length // 4
        starts = [i for i in range(0, 41, 2) if len("".join(texts[i:])) <= most]
        assert fitted(messages, context_length=length, max_tokens=None) == "".join(texts[starts[0] :])


def test_a_short_answer_leaves_more_room_for_the_question() -> None:
    assert fitted(chat("a" * 38), context_length=40, max_tokens=2) == "a" * 38
    with pytest.raises(ContextOverflow, match=r"has 38 tokens; the model reads 30. Shorten it by 8\."):
        fitted(chat("a" * 38), context_length=40, max_tokens=None)


def test_a_long_history_is_not_rendered_once_for_each_exchange() -> None:
    fitted(chat(*["x" * 50] * 2001), context_length=1000, max_tokens=None)
    assert len(calls) < 60
