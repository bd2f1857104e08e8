"""The probe stands on its own: in any kernel, from source, on an older Python."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tether_jupyter.context import probe, sources

FOLDER = Path(probe.__file__).parent
FILES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_written_for_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
    unions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and any(keyword.arg == "strict" for keyword in node.keywords)
        and getattr(node.func, "id", "") == "zip"
    ]
    assert unions == []
    assert (
        any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
        or path.name == "__init__.py"
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_imports_the_standard_library_and_itself_alone(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert all(alias.name.partition(".")[0] in sys.stdlib_module_names for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1 or (node.module or "").partition(".")[0] in sys.stdlib_module_names


def test_every_file_is_sent() -> None:
    assert {f"{name}.py" for name in sources.MODULES} | {"__init__.py"} == {path.name for path in FILES}


def bare(code: str) -> str:
    """Return what a Python prints that has nothing but the standard library."""
    command = [sys.executable, "-I", "-S", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_its_source_works_where_there_is_no_tether() -> None:
    asked = sources.asking({"do": "look", "names": ["here"], "level": "values"})
    code = (
        f"here = 5\nbefore = set(globals())\n{sources.making()}\n"
        f"answer = {asked}\nnew = set(globals()) - before - {{'before', 'answer'}}\n"
        "import sys; print(answer.text); print(sorted(new), 'tether_jupyter' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    answer, kept = done.stdout.strip().split("\n")
    assert json.loads(answer)["found"]["variables"] == [{"name": "here", "type": "int", "value": "5"}]
    assert kept == "[] False"


def test_it_is_made_once_and_asking_without_it_is_none() -> None:
    code = (
        f"assert ({sources.asking({'do': 'look'})}) is None\n"
        f"{sources.making()}\nimport sys\nfirst = sys.modules[{sources.packed()[0]!r}]\n"
        f"{sources.making()}\nassert sys.modules[{sources.packed()[0]!r}] is first"
    )
    bare(code)


def test_a_question_that_makes_no_sense_is_an_answer_and_no_error() -> None:
    name, _ = sources.packed()
    code = (
        f"{sources.making()}\nimport sys\n"
        f"for text in ('', '[]', '{{}}', '{{\"do\": 5}}'):\n"
        f"    print(sys.modules[{name!r}].answer(text).text)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert all(
        "failed" in json.loads(line) or "found" in json.loads(line) for line in done.stdout.splitlines()
    )


def test_importing_it_loads_no_library() -> None:
    code = "import sys, tether_jupyter.context.probe, tether_jupyter.context.kernels; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "jupyter_client", "zmq", "IPython", "httpx"} & set(done.stdout.split())
