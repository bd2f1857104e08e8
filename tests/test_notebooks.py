"""The example notebooks run top to bottom, against the demo model."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.servers import running

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running(tmp_path_factory.mktemp("home")) as server:
        yield server


def run(path, server, monkeypatch):
    """Execute a notebook as Run All does, with a kernel that finds the server, and return it."""
    monkeypatch.setenv("JUPYTER_SERVER_URL", server.url)
    monkeypatch.setenv("JUPYTER_TOKEN", server.token)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return notebook


def shown(cell):
    """Return the Markdown that a cell shows."""
    return "\n".join(o["data"].get("text/markdown", "") for o in cell["outputs"] if "data" in o)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path):
    for cell in nbformat.read(path, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


def test_the_quickstart_runs_whole_on_the_demo_model(server, monkeypatch):
    notebook = run(NOTEBOOKS / "quickstart.ipynb", server, monkeypatch)
    asked = [c for c in notebook.cells if c["source"].startswith("%%tether")]
    assert len(asked) == 3
    assert "```python" in shown(asked[0])
    assert "total" in shown(asked[0])
    assert "groupby" in shown(asked[1])
    assert "price" in shown(asked[1])
    assert "demo model" in shown(asked[0])
    (printed,) = [c for c in notebook.cells if c["source"].startswith("print(answer")]
    assert printed["outputs"][0]["text"].strip()
    assert server.token not in nbformat.writes(notebook)
