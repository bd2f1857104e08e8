"""What the checks need of the system: where it cannot be installed, a sentence says what to do."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(BASH is None, reason="there is no bash here")


@pytest.fixture
def run(tmp_path):
    """Run a script on a machine that has these programs alone, as somebody who is not root."""

    def start(name, *programs, **variables):
        for program in ("id", *programs):
            (tmp_path / program).write_text("#!/bin/sh\necho 1000\n")
            (tmp_path / program).chmod(0o755)
        # What this very machine has must not be found.
        text = (SCRIPTS / name).read_text().replace("/usr/", f"{tmp_path}/usr/")
        (tmp_path / name).write_text(text)
        environment = {"PATH": str(tmp_path), **variables}
        return subprocess.run(
            [BASH, tmp_path / name], env=environment, capture_output=True, text=True, timeout=60
        )

    return start


@pytest.mark.parametrize("programs", [(), ("apt-get",), ("sudo",)])
def test_without_a_way_to_install_chromium_it_is_said_how_to_name_one(run, programs):
    done = run("chromium.sh", *programs)
    assert done.returncode == 1
    assert "CHROMIUM=/path" in done.stderr
    assert "not found" not in done.stderr


def test_a_chromium_that_is_named_wrongly_is_not_replaced_by_another(run):
    done = run("chromium.sh", "apt-get", "sudo", CHROMIUM="/nowhere/chrome")
    assert done.returncode == 1
    assert "CHROMIUM is /nowhere/chrome, which is no program" in done.stderr


def test_a_chromium_that_is_named_is_enough(run):
    assert run("chromium.sh", CHROMIUM="/bin/sh").returncode == 0


@pytest.mark.parametrize("programs", [(), ("apt-get",), ("sudo",)])
def test_without_a_way_to_install_postgresql_its_tests_are_skipped(run, programs):
    done = run("postgres.sh", *programs)
    assert done.returncode == 0
    assert "its tests are skipped. To run them, install it" in done.stderr
    assert "not found" not in done.stderr
