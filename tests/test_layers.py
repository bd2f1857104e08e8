"""Imports run one way, and importing costs nothing."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import tether_jupyter

ROOT = Path(tether_jupyter.__file__).parent

# Each room and what it may import of the others.
ALLOWED = {
    "errors": set(),
    "settings": {"errors"},
    "core": {"errors"},
    "llm": {"core", "errors", "settings"},
    "store": {"core", "errors"},
    "context": {"core", "errors"},
    "seeing": {"context", "core", "errors", "llm", "settings"},
    "health": {"core", "errors", "llm"},
    "preparing": {"core", "errors", "llm", "settings", "store"},
    "services": {"core", "errors", "health", "llm", "preparing", "seeing", "settings", "store"},
    "server": {"core", "errors", "services"},
    "app": {"context", "errors", "server", "services", "settings"},
    "client": {"core", "errors"},
    "cli": {"core", "errors", "llm", "settings"},
    "magics": {"client", "context", "core", "errors"},
    "frames": {"client", "core", "errors"},
    "widget": {"client", "context", "core", "errors"},
}
FOREIGN = {
    "core": {"pydantic"},
    "errors": set(),
}
STANDARD = set(sys.stdlib_module_names)


def imports(path):
    """Yield the modules that a file imports, whenever it does so."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "tether_jupyter":
                yield from (f"tether_jupyter.{alias.name}" for alias in node.names)
            else:
                yield node.module


def files():
    for path in sorted(ROOT.rglob("*.py")):
        room = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if room != "__init__":
            yield room, path


def test_every_file_stands_in_a_room():
    assert {room for room, _ in files()} <= set(ALLOWED)


def test_imports_run_one_way():
    wrong = []
    for room, path in files():
        for module in imports(path):
            top, _, rest = module.partition(".")
            if top != "tether_jupyter" or rest == "__version__":
                continue
            other = rest.split(".")[0]
            if other != room and other not in ALLOWED[room]:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert wrong == []


def test_the_core_knows_no_jupyter_tornado_ipython_http_or_sql():
    wrong = []
    for room, path in files():
        if room in FOREIGN:
            for module in imports(path):
                top = module.split(".")[0]
                if top not in STANDARD | {"tether_jupyter"} | FOREIGN[room]:
                    wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert wrong == []


HEAVY = [
    "IPython",
    "aiohttp",
    "dask",
    "httpx",
    "httpx2",
    "jinja2",
    "jsonschema",
    "llama_cpp",
    "llguidance",
    "numpy",
    "openai",
    "pandas",
    "polars",
    "pydantic",
    "torch",
    "yaml",
]


def loaded_after(code):
    """Return which heavy modules a fresh Python has loaded after some code."""
    script = f"{code}\nimport sys, json; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_importing_tether_loads_nothing():
    assert loaded_after("import tether_jupyter") == set()


def test_loading_the_server_extension_loads_no_more_than_jupyter_has():
    jupyter = loaded_after("import jupyter_server.serverapp")
    assert loaded_after("import tether_jupyter.app") - jupyter == set()


def test_loading_the_client_loads_nothing_heavy():
    assert loaded_after("import tether_jupyter.client") == set()


@pytest.mark.parametrize("name", sorted(tether_jupyter.__all__))
def test_what_the_face_names_is_there(name):
    assert getattr(tether_jupyter, name) is not None
