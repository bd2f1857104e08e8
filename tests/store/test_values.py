"""What settings may hold."""

import pytest

from tether_jupyter.errors import InvalidRequest, TooLarge
from tether_jupyter.store.values import check, preset_name

FREE = ("tts", "stt", "ui")

SECRETS = [
    {"apiKey": "abc"},
    {"API_KEY": "abc"},
    {"hf_token": "abc"},
    {"my_apikey": "abc"},
    {"voice": {"password": "abc"}},
    {"auth": [{"access-key": {"value": "abc"}}]},
    {"theme": "sk-abcdefghijklmnop1234"},
    {"theme": "Bearer abcdefghijklmnop1234"},
    {"theme": "see postgresql://me:pass@db/x"},
    {"theme": "/x?api_key=abc"},
    {"theme": "-----BEGIN RSA PRIVATE KEY-----\nMII"},
]
ADDRESSES = [
    {"base_url": "example.org"},
    {"baseURL": "example.org"},
    {"apiBase": "example.org"},
    {"endpoint": "example.org"},
    {"where": "https://example.org"},
    {"where": [{"x": "ws://example.org"}]},
]
FINE = [
    {},
    {"voice": "alto", "speed": 1.25, "loop": False, "none": None, "list": [1, "two", {"three": []}]},
    {"max_tokens": 3, "show_token_count": True, "shortcut_key": "Ctrl+K", "keyboard": "qwertz"},
    {"password": ""},
    {"note": "a task-force of two: either/or", "url_shown": True},
    {"größe": "日本語 👩‍💻"},
]


@pytest.mark.parametrize("part", FREE)
@pytest.mark.parametrize("values", SECRETS, ids=str)
def test_a_secret_is_refused_by_name_and_never_shown(part, values):
    with pytest.raises(InvalidRequest, match="keys, tokens or passwords") as refused:
        check(part, values)
    for secret in ("abc", "pass@", "MII"):
        assert secret not in refused.value.message


@pytest.mark.parametrize("part", FREE)
@pytest.mark.parametrize("values", ADDRESSES, ids=str)
def test_an_address_is_refused(part, values):
    with pytest.raises(InvalidRequest, match="addresses") as refused:
        check(part, values)
    assert "example.org" not in refused.value.message


@pytest.mark.parametrize("values", FINE, ids=str)
def test_what_a_front_end_needs_is_kept(values):
    check("ui", values)


def test_a_system_prompt_may_speak_of_addresses_and_passwords_but_hold_no_key():
    check("llm", {"system": "Say that the password: is set at https://docs.example.org/hf_transfer."})
    with pytest.raises(InvalidRequest, match="`system` looks like a secret"):
        check("llm", {"system": "Use sk-abcdefghijklmnop1234."})


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_json_does_not_know_is_refused(number):
    with pytest.raises(InvalidRequest, match=r"`a\.0`"):
        check("ui", {"a": [number]})


@pytest.mark.parametrize("values", [{"a": "x\x00y"}, {"x\x00y": 1}, {"x\x00y": {}}, {"a": {"x\x00": []}}])
def test_a_character_that_a_database_does_not_know_is_refused(values):
    with pytest.raises(InvalidRequest, match="NUL"):
        check("ui", values)


def test_what_is_too_large_or_too_deep_is_refused():
    check("ui", {"a": "x" * 60_000})
    with pytest.raises(TooLarge, match="65,536"):
        check("ui", {"a": "ü" * 33_000})
    deep = {"a": 1}
    for _ in range(1000):
        deep = {"a": deep}
    with pytest.raises(TooLarge, match="deep"):
        check("ui", deep)
    check("llm", {"system": "x" * 100_000})


@pytest.mark.parametrize("piece", ["sk-", "?", "://", "eyJ", "-----BEGIN ", "Bearer ", "&key", "a://"])
def test_no_text_makes_it_look_for_ever(piece):
    # A walk that starts anew at each character, and goes to the end each time, would take an hour.
    check("llm", {"system": piece * (120_000 // len(piece))})


@pytest.mark.parametrize(
    "name", ["a", "Große Kür 日本", "naïve \\ 100 % #1?", "x" * 80, "👩\u200d💻", "می\u200cخواهم"]
)
def test_a_name_is_what_people_write(name):
    assert preset_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "  ", "x" * 81, "a/b", ".", "..", "import", "a\nb", "a\x00b", "a\u202eb", "\ufeffa"]
)
def test_a_name_that_cannot_stand_in_an_address_or_a_line_is_refused(name):
    with pytest.raises(InvalidRequest):
        preset_name(name)


def test_the_same_name_written_differently_is_the_same():
    assert preset_name(" e\u0301te\u0301 ") == preset_name("été")
