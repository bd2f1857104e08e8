"""Keys and tokens are told by their shape alone."""

import pytest

from tests.support.planted import HEX, LETTERS, Draw
from tether_jupyter.core.secret_shapes import changes, found, random_looking

DRAW = Draw(11)
KEYS = [
    "sk-proj-" + DRAW.of(LETTERS + "-_", 60),
    "sk-" + DRAW.hex(32),
    "sk_live_" + DRAW.key(24),
    "ASIA" + "ABCDEFGH12345678",
    "ya29." + DRAW.key(60),
    "GOCSPX-" + DRAW.key(28),
    "abc8Q~" + DRAW.key(34),
    "gho_" + DRAW.key(36),
    "glrt-" + DRAW.key(20),
    "xapp-1-" + DRAW.key(20),
    "gsk_" + DRAW.key(50),
    "r8_" + DRAW.key(37),
    "lsv2_pt_" + DRAW.of(HEX, 32),
    "dop_v1_" + DRAW.hex(64),
    "hvs." + DRAW.key(30),
    "dp.pt." + DRAW.key(40),
    "AGE-SECRET-KEY-1" + DRAW.key(58).upper(),
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("around", ["{}", "key={};", '"{}"', "a\\n{}\\nb", "({})", "see {}."])
def test_a_key_is_found_whole_whatever_stands_around_it(key, around):
    text = around.format(key)
    assert {text[span.start : span.end].rstrip(".") for span in found(text)} == {key}


@pytest.mark.parametrize(
    "text",
    [
        "sk-container-id-1 sk-toggleable__label-arrow sk-estimator-id-110",
        "scikit-learn-2024.10 task-1234567890123456789",
        "hf_hub_download hf_transfer_enabled_by_default",
        "SKU12345 ACCOUNT SKIP",
        "secret_sharing_is_a_scheme_for_sharing_secrets",
        "npm_config_registry_and_other_settings_of_it",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkq\n-----END PUBLIC KEY-----",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    ],
)
def test_names_of_things_are_no_keys(text):
    assert list(found(text)) == []


@pytest.mark.parametrize("text", ["customer_id_2024", "HelloWorldAgain", "2024-01-02", "a" * 40, "word " * 8])
def test_what_people_write_does_not_look_drawn(text):
    assert not random_looking(text, 8)


def test_what_is_drawn_looks_so():
    assert all(random_looking(Draw(seed).key(20)) for seed in range(200))
    assert changes("aBcDe") == 4
