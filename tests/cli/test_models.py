"""`tether models` and `tether rm`: what is here, what answers, and what goes."""

import json
import os
import sys

import pytest

from tether_jupyter.cli import main
from tether_jupyter.llm.models.catalogue import SUGGESTIONS


def test_an_empty_shelf_lists_what_is_worth_having(tether, folder):
    status, out, _ = tether("models")
    assert status == 0
    assert all(known.name in out for known in SUGGESTIONS)
    assert "The demo model answers" in out
    assert not folder.exists(), "looking makes nothing"


def test_what_is_here_is_listed_with_its_size_and_memory(tether, put):
    put()
    _, out, _ = tether("models")
    line = next(line for line in out.splitlines() if "small-q4_k_m" in line)
    assert "kB" in line
    assert "of memory" in line
    assert "apache-2.0; Q4_K_M" in line
    assert "*" not in line


@pytest.mark.parametrize("layer", ["environment", "tether.yaml", "jupyter_server_config.py"])
def test_the_model_that_answers_is_marked_whatever_sets_it(tether, put, home, monkeypatch, layer):
    path = put()
    if layer == "environment":
        monkeypatch.setenv("TETHER_MODEL_PATH", str(path))
    elif layer == "tether.yaml":
        (home / "config" / layer).write_text(f"LocalLLM: {{model_path: {path}}}")
    else:
        (home / "config" / layer).write_text(f"c.LocalLLM.model_path = {str(path)!r}")
    _, out, _ = tether("models")
    assert any(line.startswith("*") and "small-q4_k_m" in line for line in out.splitlines())
    listed = json.loads(tether("models", "--json")[1])
    assert [row["name"] for row in listed["models"] if row["active"]] == ["small-q4_k_m"]
    assert listed["answers"] == {"backend": "local", "model": "small-q4_k_m", "path": str(path)}


def test_with_an_api_no_model_of_the_shelf_is_marked(tether, put, monkeypatch):
    put("gpt-4o-mini")
    monkeypatch.setenv("TETHER_LLM_BACKEND", "openai")
    _, out, _ = tether("models")
    assert not any(line.startswith("*") for line in out.splitlines())
    assert "openai answers" in out


def test_the_folder_of_the_settings_is_the_one_that_is_listed(tether, put, home):
    put()
    (home / "config" / "jupyter_server_config.py").write_text(f"c.LocalLLM.models_dir = {str(home / 'x')!r}")
    assert "small-q4_k_m" not in tether("models")[1]


def test_a_bad_file_is_listed_with_what_is_wrong(tether, put):
    put("broken", b"<html>")
    assert "does not begin with `GGUF`" in tether("models")[1]


@pytest.mark.skipif(sys.platform == "darwin", reason="has no such names")
def test_a_name_that_cannot_be_printed_does_not_take_the_list_away(tether, put, folder):
    put()
    (folder / os.fsdecode(b"caf\xe9.gguf")).write_bytes(b"GGUF")
    for flags in ([], ["--json"]):
        status, out, _ = tether("models", *flags)
        assert status == 0
        assert "small-q4_k_m" in out
        assert out.encode()


def test_a_configuration_that_fails_is_said_without_a_traceback(tether, home):
    (home / "config" / "jupyter_server_config.py").write_text("c.x = 1/0  # canary")
    status, _, err = tether("models")
    assert status == 1
    assert err.startswith(
        "tether: jupyter_server_config in the Jupyter config folder fails (ZeroDivisionError)."
    )
    assert "Traceback" not in err
    assert "canary" not in err


def test_a_folder_that_is_none_is_said(tether, home, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("TETHER_MODELS_DIR", str(home / "file"))
    status, _, err = tether("models")
    assert status == 1
    assert "cannot be read" in err


class TestRemoving:
    def test_a_model_goes(self, tether, put, folder):
        put()
        assert tether("rm", "small-q4_k_m") == (0, "small-q4_k_m is removed.\n", "")
        assert list(folder.glob("*.gguf")) == []

    def test_one_that_is_not_there_does_not_keep_the_others(self, tether, put, folder):
        put()
        status, out, err = tether("rm", "nothing", "small-q4_k_m")
        assert (status, out) == (1, "small-q4_k_m is removed.\n")
        assert "There is no model 'nothing'" in err

    @pytest.mark.parametrize("name", ["../other", "/etc/passwd", ".", "..", "", "small-q4_k_m.gguf", "x/y"])
    def test_no_name_leads_out_of_the_folder(self, tether, put, folder, name):
        kept = put()
        (folder.parent / "other.gguf").write_bytes(b"mine")
        assert tether("rm", name)[0] == 1
        assert kept.exists()
        assert (folder.parent / "other.gguf").exists()

    def test_what_the_disk_does_not_let_go_is_said_and_does_not_keep_the_others(self, tether, put, folder):
        put()
        (folder / "stays.gguf").mkdir()
        status, out, err = tether("rm", "stays", "small-q4_k_m")
        assert (status, out) == (1, "small-q4_k_m is removed.\n")
        assert err.startswith("tether: 'stays' cannot be removed: ")
        assert "report" not in err

    def test_the_one_that_answers_is_removed_with_a_word(self, tether, put, monkeypatch):
        monkeypatch.setenv("TETHER_MODEL_PATH", str(put()))
        assert "TETHER_MODEL_PATH) still names it" in tether("rm", "small-q4_k_m")[2]


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["pull"], ["rm"]])
def test_a_wrong_use_shows_the_right_one(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: tether" in capsys.readouterr().err
