"""Settings: the layers that fill them, strongest first."""

import errno
import re
from pathlib import Path

import pytest
from traitlets.config import Config

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.settings import GROUPS, load


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def test_defaults_are_the_contracts():
    settings = load(environment={})
    assert settings.tether.backend == "local"
    assert settings.local.context_length == 4096
    assert settings.tether.default_temperature == 0.7
    assert settings.tether.default_max_tokens == 1024
    assert settings.openai.model == "gpt-4o-mini"
    assert settings.tether.max_message_length == 10000


def test_each_layer_wins_over_the_ones_below(folder):
    (folder / "tether.yaml").write_text("Tether: {backend: a}\nOpenAILLM: {model: m}\n")
    assert load(environment={}, config_dir=folder).tether.backend == "a"
    (folder / ".env").write_text("TETHER_LLM_BACKEND=b\n")
    assert load(environment={}, config_dir=folder).tether.backend == "b"
    environment = {"TETHER_LLM_BACKEND": "c"}
    assert load(environment=environment, config_dir=folder).tether.backend == "c"
    config = Config({"Tether": {"backend": "d"}})
    settings = load(config, environment=environment, config_dir=folder)
    assert settings.tether.backend == "d"
    assert settings.openai.model == "m"
    assert settings.sources["Tether.backend"] == "server configuration"
    assert settings.sources["OpenAILLM.model"] == "tether.yaml"


def test_the_environment_names_of_existing_deployments_work():
    settings = load(
        environment={
            "TETHER_MODEL_PATH": "/m.gguf",
            "TETHER_CONTEXT_LENGTH": "8192",
            "TETHER_DEFAULT_TEMPERATURE": "0.1",
            "TETHER_DEFAULT_MAX_TOKENS": "5",
            "OPENAI_BASE_URL": "http://localhost:1/v1",
            "TETHER_OPENAI_MODEL": "x",
            "CORS_ORIGINS": "https://a.example, https://b.example",
            "MAX_MESSAGE_LENGTH": "7",
        }
    )
    assert settings.local.model_path == "/m.gguf"
    assert settings.local.context_length == 8192
    assert settings.tether.default_temperature == 0.1
    assert settings.tether.default_max_tokens == 5
    assert settings.openai.base_url == "http://localhost:1/v1"
    assert settings.openai.model == "x"
    assert settings.tether.cors_origins == ["https://a.example", "https://b.example"]
    assert settings.tether.max_message_length == 7


def test_an_openai_compatible_server_can_be_named_the_other_way():
    settings = load(environment={"LLM__HOST": "http://h/v1", "LLM__MODEL": "m", "LLM__MAX_TOKENS": "9"})
    assert (settings.openai.base_url, settings.openai.model) == ("http://h/v1", "m")
    assert settings.tether.default_max_tokens == 9


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TETHER_CONTEXT_LENGTH": "many"}, "TETHER_CONTEXT_LENGTH"),
        ({"TETHER_DEFAULT_TEMPERATURE": "9"}, "default_temperature"),
    ],
)
def test_a_value_that_cannot_be_is_named(environment, said):
    with pytest.raises(InvalidRequest, match=said):
        load(environment=environment)


@pytest.mark.parametrize(
    "text",
    [
        "- a list",
        "Tether: 5",
        "Unknown: {a: 1}",
        "{",
        "Tether: {1: off}",
        "1: {see: off}",
        "Tether: 2024-99-99",
    ],
)
def test_a_yaml_file_of_another_shape_is_refused_in_words(folder, text):
    (folder / "tether.yaml").write_text(text)
    with pytest.raises(InvalidRequest, match=r"tether\.yaml"):
        load(environment={}, config_dir=folder)


@pytest.mark.parametrize("name", ["see", "see_at_most"])
@pytest.mark.parametrize("word", ["off", "Off", "'off'"])
def test_a_bare_off_in_yaml_is_the_word(folder, name, word):
    (folder / "tether.yaml").write_text(f"Tether: {{{name}: {word}}}\n")
    assert getattr(load(environment={}, config_dir=folder).tether, name) == "off"


def test_a_setting_that_is_switched_off_stays_a_switch(folder):
    (folder / "tether.yaml").write_text("Tether: {mask_secrets: off}\n")
    assert load(environment={}, config_dir=folder).tether.mask_secrets is False


@pytest.mark.parametrize("name", ["tether.yaml", ".env"])
def test_a_file_that_cannot_be_read_is_named(folder, monkeypatch, name):
    (folder / name).write_bytes(b"# caf\xe9\n")
    with pytest.raises(InvalidRequest, match=rf"^{re.escape(name)} .* is not UTF-8"):
        load(environment={}, config_dir=folder)
    monkeypatch.setattr(Path, "read_text", forbidden)
    with pytest.raises(InvalidRequest, match=rf"^{re.escape(name)} .* cannot be read: Permission denied"):
        load(environment={}, config_dir=folder)


def forbidden(*_, **__):
    """What the system says of a file that another user keeps to himself; root may read it all the same."""
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_secret_is_in_no_trait_and_no_text_of_the_settings(folder):
    (folder / ".env").write_text("HF_TOKEN=canary-file\n")
    settings = load(environment={"OPENAI_API_KEY": "canary-key"}, config_dir=folder)
    assert settings.secret("OPENAI_API_KEY") == "canary-key"
    assert settings.secret("HF_TOKEN") == "canary-file"
    assert "canary" not in repr(settings)


def test_a_secret_has_no_end_of_line_and_a_blank_one_is_none(folder):
    (folder / ".env").write_text("HF_TOKEN=' '\n")
    settings = load(environment={"OPENAI_API_KEY": "canary-key\n"}, config_dir=folder)
    assert settings.secret("OPENAI_API_KEY") == "canary-key"
    assert not settings.secret("HF_TOKEN")


def test_a_file_in_the_working_folder_changes_nothing(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / ".env").write_text("OPENAI_BASE_URL=http://sink/v1\nTETHER_LLM_BACKEND=openai\n")
    (folder / "tether.yaml").write_text("Tether: {backend: openai}\n")
    settings = load(environment={}, config_dir=folder / "elsewhere")
    assert (settings.tether.backend, settings.openai.base_url) == ("local", "")


def test_every_setting_explains_itself():
    for group in GROUPS.values():
        for name, trait in group.class_traits(config=True).items():
            if trait.this_class is group:
                assert trait.help, f"{group.__name__}.{name}"
