"""`tether doctor`: it names what is wrong, says what to type, and fails only where something is wrong."""

import json
import sys

import pytest

from tests.cli.conftest import FILE
from tests.support import gguf_bytes
from tether_jupyter.cli import doctor
from tether_jupyter.core.sizes import human
from tether_jupyter.llm.local import bindings, build, hardware
from tether_jupyter.llm.local.hardware import Card

ENGINE = {
    "version": "0.3.36",
    "offload": False,
    "mmap": True,
    "devices": [],
    "backends": ["CPU"],
    "flags": {"AVX2": "1", "FMA": "1", "AMX_INT8": "0"},
}
GPU = {
    "name": "CUDA0",
    "description": "Some GPU",
    "kind": "gpu",
    "memory_total": 8 * 10**9,
    "memory_free": 10**9,
}


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """What the build tells; a test changes it."""
    told = dict(ENGINE)
    monkeypatch.setattr(build, "ask", lambda: told)
    monkeypatch.setattr(hardware, "cards", list)
    return told


@pytest.fixture(autouse=True)
def both_halves(monkeypatch):
    monkeypatch.setattr(doctor, "server_extension", lambda: True)
    monkeypatch.setattr(doctor, "lab_extension", lambda: True)


def test_a_sound_machine_has_no_problem(tether):
    status, out, _ = tether("doctor")
    assert status == 0
    assert "No problems found." in out
    assert "llama-cpp-python 0.3.36 starts" in out
    assert "built with: AVX2, FMA" in out


def test_json_has_the_same_findings(tether):
    status, out, _ = tether("doctor", "--json")
    told = json.loads(out)
    assert (status, told["problems"]) == (0, 0)
    assert {finding["area"] for finding in told["findings"]} >= {"System", "Engine", "Models", "Jupyter"}


@pytest.mark.parametrize("problem", [bindings.MISSING, bindings.BROKEN])
def test_an_engine_that_does_not_start_is_a_problem_where_it_is_needed(tether, engine, monkeypatch, problem):
    engine.clear()
    engine["problem"] = problem
    status, out, _ = tether("doctor")
    assert status == 1
    assert problem in out
    monkeypatch.setenv("TETHER_LLM_BACKEND", "openai")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    assert tether("doctor")[0] == 0


@pytest.mark.parametrize(
    ("vendor", "option"), [("nvidia", "CUDA"), ("amd", "HIP"), ("apple", "METAL"), ("intel", "VULKAN")]
)
def test_a_card_that_the_build_does_not_use_comes_with_what_to_type(tether, monkeypatch, vendor, option):
    monkeypatch.setattr(hardware, "cards", lambda: [Card(vendor, "Some GPU", 8 * 10**9, driver=True)])
    status, out, _ = tether("doctor")
    assert status == 0, "it answers, only slower"
    after = out.partition("the build does not use it")[2]
    assert after.splitlines()[1].strip().startswith(f'CMAKE_ARGS="-DGGML_{option}=on"')
    assert all(f"-DGGML_{each}=on" in out for each in ("CUDA", "METAL", "HIP", "VULKAN"))


def test_a_build_that_uses_the_card_needs_no_advice(tether, engine, monkeypatch):
    engine["devices"] = [GPU]
    monkeypatch.setattr(hardware, "cards", lambda: [Card("nvidia", "Some GPU", 8 * 10**9, driver=True)])
    _, out, _ = tether("doctor")
    assert "the build computes on Some GPU (1.00 GB of 8.00 GB free)" in out
    assert "CMAKE_ARGS" not in out


@pytest.mark.parametrize(
    ("half", "state", "said"),
    [
        ("server_extension", False, "jupyter server extension enable tether_jupyter"),
        ("server_extension", None, "the server extension is not installed"),
        ("lab_extension", False, "jupyter labextension enable @tether/jupyterlab"),
        ("lab_extension", None, "the sidebar is not installed"),
    ],
)
def test_half_of_the_extension_missing_is_a_problem(tether, monkeypatch, half, state, said):
    monkeypatch.setattr(doctor, half, lambda: state)
    status, out, _ = tether("doctor")
    assert status == 1
    assert said in out


def test_a_model_path_that_leads_nowhere_is_a_problem(tether, monkeypatch, put):
    monkeypatch.setenv("TETHER_MODEL_PATH", "/nowhere/x.gguf")
    status, out, _ = tether("doctor")
    assert status == 1
    assert "/nowhere/x.gguf is not there." in out
    monkeypatch.setenv("TETHER_MODEL_PATH", str(put()))
    assert tether("doctor")[0] == 0


def test_a_split_model_is_as_sound_as_its_files(tether, tmp_path, monkeypatch):
    first, second, third = (tmp_path / f"m-0000{number}-of-00003.gguf" for number in (1, 2, 3))
    for number, path in enumerate((first, second)):
        path.write_bytes(gguf_bytes.model(split=(number, 3)))
    monkeypatch.setenv("TETHER_MODEL_PATH", str(second))
    status, out, _ = tether("doctor")
    assert status == 1
    assert "Name the first in `LocalLLM.model_path`: m-00001-of-00003.gguf." in out
    monkeypatch.setenv("TETHER_MODEL_PATH", str(first))
    status, out, _ = tether("doctor")
    assert status == 1
    assert "2 of the 3 files of 'm' are there." in out
    third.write_bytes(gguf_bytes.model(split=(2, 3)))
    status, out, _ = tether("doctor")
    assert status == 0
    size = sum(path.stat().st_size for path in (first, second, third))
    assert f"answers ({human(size)})" in out


def test_a_folder_that_cannot_be_written_to_is_a_problem(tether, home, monkeypatch):
    (home / "file").write_text("")
    monkeypatch.setenv("TETHER_MODELS_DIR", str(home / "file" / "models"))
    status, out, _ = tether("doctor")
    assert status == 1
    assert "cannot be" in out


def test_an_api_without_a_key_is_a_problem(tether, monkeypatch):
    monkeypatch.setenv("TETHER_LLM_BACKEND", "openai")
    status, out, _ = tether("doctor")
    assert status == 1
    assert "Set OPENAI_API_KEY" in out


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENAI_API_KEY", "sk-canary"),
        ("OPENROUTER_API_KEY", "sk-or-canary"),
        ("OPENAI_BASE_URL", "http://localhost:11434/v1"),
    ],
)
def test_what_is_set_for_an_api_that_nobody_chose_comes_with_how_to_choose_it(
    tether, monkeypatch, put, variable, value
):
    advice = "set TETHER_LLM_BACKEND=openai"
    assert advice not in tether("doctor")[1]
    monkeypatch.setenv(variable, value)
    status, out, _ = tether("doctor")
    assert status == 0, "the demo model answers"
    assert f"! {variable} is set, but only what names `openai:MODEL` goes to the API" in out
    assert advice in out
    monkeypatch.setenv("TETHER_MODEL_PATH", str(put()))
    assert advice not in tether("doctor")[1], "somebody chose a model of this machine"
    monkeypatch.delenv("TETHER_MODEL_PATH")
    monkeypatch.setenv("TETHER_LLM_BACKEND", "local")
    assert advice not in tether("doctor")[1], "somebody chose this machine"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OPENAI_API_KEY", "sk-…", "The key in OPENAI_API_KEY holds characters that no key has"),
        ("OPENAI_BASE_URL", "http://localhost:11434v1", "OPENAI_BASE_URL holds no address"),
    ],
)
def test_an_api_that_cannot_be_asked_is_a_problem(tether, monkeypatch, variable, value, said):
    monkeypatch.setenv("TETHER_LLM_BACKEND", "openai")
    monkeypatch.setenv(variable, value)
    status, out, _ = tether("doctor")
    assert status == 1
    assert said in out


def test_a_key_for_another_service_is_none_for_openai(tether, monkeypatch):
    monkeypatch.setenv("TETHER_LLM_BACKEND", "openai")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-canary")
    assert tether("doctor")[0] == 0
    monkeypatch.setenv("OPENAI_BASE_URL", "https://api.openai.com/v1")
    status, out, _ = tether("doctor")
    assert status == 1
    assert "There is no API key" in out
    monkeypatch.setenv("OPENAI_BASE_URL", "https://example.org/v1")
    assert tether("doctor")[0] == 0


def test_a_key_under_a_name_of_ones_own_that_is_not_set_is_named(tether, home, monkeypatch):
    (home / "config" / "tether.yaml").write_text("OpenAILLM: {api_key_name: CORP_KEY}\n")
    monkeypatch.setenv("TETHER_LLM_BACKEND", "openai")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-canary")
    status, out, _ = tether("doctor")
    assert status == 1
    assert "names CORP_KEY, which is not set" in out
    monkeypatch.setenv("CORP_KEY", "sk-canary")
    assert tether("doctor")[0] == 0


def test_an_api_whose_package_is_missing_is_a_problem(tether, monkeypatch):
    monkeypatch.setenv("TETHER_LLM_BACKEND", "openai")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setitem(sys.modules, "openai", None)
    status, out, _ = tether("doctor")
    assert status == 1
    assert 'pip install "tether-jupyter[openai]"' in out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("opnai", "There is no backend `opnai`. There are: local, openai, mock"),
        ("no_such_module:Mine", "cannot be imported (ModuleNotFoundError)"),
        ("own_backend:Ailing", "own_backend:Ailing: The parrot is dead."),
        ("own_backend:Broken", "`own_backend:Broken` did not start (KeyError)"),
    ],
)
def test_a_backend_that_cannot_answer_is_a_problem(tether, tmp_path, monkeypatch, name, said):
    (tmp_path / "own_backend.py").write_text(
        "from tether_jupyter import LLMService\n"
        "class Ailing(LLMService):\n"
        "    async def describe(self): return {'ready': False, 'problem': 'The parrot is dead.'}\n"
        "class Broken(LLMService):\n"
        "    @classmethod\n"
        "    def from_settings(cls, settings): raise KeyError('canary')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_backend", raising=False)
    monkeypatch.setenv("TETHER_LLM_BACKEND", name)
    status, out, _ = tether("doctor")
    assert status == 1
    assert said in out
    assert "Settings in effect" in out


def test_a_backend_that_answers_is_named_with_its_model(tether, monkeypatch):
    monkeypatch.setenv("TETHER_LLM_BACKEND", "mock")
    status, out, _ = tether("doctor")
    assert status == 0
    assert "mock: mock" in out


def test_a_file_of_settings_that_cannot_be_read_is_named(tether, home):
    (home / "config" / "tether.yaml").write_bytes(b"Tether: {backend: caf\xe9}\n")
    status, out, _ = tether("doctor")
    assert status == 1
    assert "tether.yaml in the Jupyter config folder is not UTF-8" in out


def test_a_setting_that_cannot_be_is_a_problem_and_the_rest_is_looked_at(tether, monkeypatch):
    monkeypatch.setenv("TETHER_CONTEXT_LENGTH", "many")
    status, out, _ = tether("doctor")
    assert status == 1
    assert "TETHER_CONTEXT_LENGTH" in out
    assert "Jupyter" in out


def test_settings_are_shown_and_secrets_are_not(tether, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-key-0123456789")
    monkeypatch.setenv("HF_TOKEN", "hf_canary0123456789")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:canary@api.example/v1?token=canary")
    monkeypatch.setenv("TETHER_THREADS", "3")
    for flags in ([], ["--json"]):
        out = tether("doctor", *flags)[1]
        assert "canary" not in out
        assert "https://api.example/v1" in out
        assert "LocalLLM.n_threads = 3 (environment)" in out
        assert "HF_TOKEN is set" in out


def test_what_cannot_be_looked_at_does_not_hide_the_rest(tether, monkeypatch):
    def fails():
        raise RuntimeError("canary")

    monkeypatch.setattr(doctor, "server_extension", fails)
    status, out, _ = tether("doctor")
    assert status == 1
    assert "could not be looked at (RuntimeError)" in out
    assert "Settings in effect" in out
    assert "canary" not in out


class TestTheHardware:
    @pytest.fixture
    def programs(self, tmp_path, monkeypatch):
        """Replace all programs of the machine by those of a test."""
        folder = tmp_path / "bin"
        folder.mkdir()
        monkeypatch.setenv("PATH", str(folder))

        def add(name, *lines, status=0):
            printed = "".join(f"echo '{line}'\n" for line in lines)
            (folder / name).write_text(f"#!/bin/sh\n{printed}exit {status}\n")
            (folder / name).chmod(0o755)

        return add

    @pytest.fixture
    def root(self, tmp_path):
        return tmp_path / "root"

    def card(self, root, number, vendor):
        place = root / "sys" / "class" / "drm" / f"card{number}" / "device"
        place.mkdir(parents=True)
        (place / "vendor").write_text(f"{vendor}\n")

    @pytest.fixture(autouse=True)
    def really(self, monkeypatch):
        monkeypatch.undo()

    def test_nvidias_own_program_is_asked_first(self, programs, root):
        programs("nvidia-smi", "NVIDIA H100 80GB HBM3, 81559", "NVIDIA L4, 23034")
        found = hardware.cards(root)
        assert [(card.name, card.memory) for card in found] == [
            ("NVIDIA H100 80GB HBM3", 81559 * 2**20),
            ("NVIDIA L4", 23034 * 2**20),
        ]

    def test_its_driver_tells_without_the_program(self, programs, root):
        place = root / "proc" / "driver" / "nvidia" / "gpus" / "0000:01:00.0"
        place.mkdir(parents=True)
        (place / "information").write_text("Model: \t NVIDIA A10\nIRQ: 5\n")
        assert hardware.cards(root) == [Card("nvidia", "NVIDIA A10", None, driver=True)]

    def test_a_card_without_its_driver_is_seen_on_the_bus(self, programs, root):
        programs("nvidia-smi", "Failed to initialize NVML", status=9)
        self.card(root, 0, "0x10de")
        assert hardware.cards(root) == [Card("nvidia", "NVIDIA graphics", None, driver=False)]

    def test_amd_needs_its_kernel_driver(self, programs, root):
        self.card(root, 0, "0x1002")
        assert not hardware.cards(root)[0].driver
        (root / "dev").mkdir()
        (root / "dev" / "kfd").write_text("")
        assert hardware.cards(root)[0].driver

    def test_a_machine_without_cards_has_none(self, programs, root):
        self.card(root, 0, "0x1a03")
        assert hardware.cards(root) == []


def test_the_build_tells_its_flags_from_another_process(monkeypatch):
    monkeypatch.undo()
    told = build.ask()
    if "problem" in told:
        assert told["problem"] == bindings.MISSING
    else:
        assert "CPU" in told["backends"]
        assert told["flags"]
        assert any(device["kind"] == "cpu" for device in told["devices"])


def test_the_line_about_the_system_is_read():
    text = "CUDA : ARCHS = 520,610 | USE_GRAPHS = 1 | CPU : SSE3 = 1 | AVX = 0 | REPACK = 1 | "
    assert build.flags(text) == {
        "ARCHS": "520,610",
        "USE_GRAPHS": "1",
        "SSE3": "1",
        "AVX": "0",
        "REPACK": "1",
    }


def test_a_broken_off_pull_is_mentioned(tether, folder):
    folder.mkdir(parents=True)
    (folder / f"{FILE}.part").write_bytes(b"GGUF")
    assert "was broken off after 4 bytes" in tether("doctor")[1]
    assert [path.name for path in folder.iterdir()] == [f"{FILE}.part"], "looking makes nothing"
