"""Texts from elsewhere are made safe to show."""

import pytest

from tether_jupyter.core.redact import MASK, safe


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghij1234567890",
        "hf_abcdefghijklmnop",
        "ghp_abcdefghijklmnop1234",
        "AKIAIOSFODNN7EXAMPLE",
        "x-api-key: 0123456789abcdef",
        "Authorization: Basic dXNlcjpwYXNz",
        "password=hunter2hunter2",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    ],
)
def test_what_looks_like_a_key_is_masked(secret):
    shown = safe(f"Incorrect API key provided: {secret}. Look it up.")
    assert secret not in shown
    assert MASK in shown
    assert shown.startswith("Incorrect API key provided")


def test_ordinary_words_are_left_alone():
    words = "Your organization must be verified; the original ordinary pkg_resources skipped risky tokens."
    assert safe(words) == words


def test_a_known_secret_is_masked_whatever_it_looks_like():
    assert safe("the word is swordfish", secrets=["swordfish"]) == f"the word is {MASK}"


def test_addresses_lose_their_users_and_queries():
    shown = safe("see https://ann:pw@h.example/x?api_key=abc&n=1")
    assert "pw" not in shown
    assert "abc" not in shown


def test_control_characters_and_length_are_bounded():
    assert safe("a\x1b[31m\nb") == "a [31m b"
    assert len(safe("x" * 10_000)) == 300
