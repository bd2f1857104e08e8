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


def run(path, server, monkeypatch, *, failing=False):
    """Execute a notebook as Run All does, with a kernel that finds the server, and return it."""
    monkeypatch.setenv("JUPYTER_SERVER_URL", server.url)
    monkeypatch.setenv("JUPYTER_TOKEN", server.token)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=failing).execute()
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


def printed(cell):
    """Return what a cell printed, and the value that it ends with."""
    said = "".join(o.get("text", "") for o in cell["outputs"])
    return said + "".join(o["data"].get("text/plain", "") for o in cell["outputs"] if "data" in o)


def test_rest_is_used_from_python(server, monkeypatch):
    notebook = run(NOTEBOOKS / "rest_from_python.ipynb", server, monkeypatch)
    code = [printed(c) for c in notebook.cells if c["cell_type"] == "code"]
    assert "healthy" in code[0]
    assert "sort_values" in code[1]
    assert "dropna" in code[2]
    assert code[3].splitlines()[0] == "     user: How do I sort `sales` by price?"
    assert "sort" in code[4].lower()
    assert "How do I sort" in code[5]
    assert "isna" in code[6]
    assert "sort_values" in code[7]
    assert "sk-proj" not in code[8]
    assert "this machine" in code[8]
    assert server.token not in nbformat.writes(notebook)


def test_a_backend_of_ones_own_answers(server, monkeypatch):
    notebook = run(NOTEBOOKS / "bring_your_own_backend.ipynb", server, monkeypatch)
    code = [printed(c) for c in notebook.cells if c["cell_type"] == "code"]
    assert code[2].strip() == "Are you there?"
    assert "mirror" in code[3]


def values(notebook):
    """Return what each code cell printed, showed or ended with, by how its source begins."""
    return {c["source"]: f"{printed(c)}\n{shown(c)}" for c in notebook.cells if c["cell_type"] == "code"}


def test_a_dataframe_is_asked_about(server, monkeypatch):
    found = values(run(NOTEBOOKS / "ask_about_a_dataframe.ipynb", server, monkeypatch))
    assert "columns" in found["%%tether\nWhich columns does @df have?"]
    assert "df['city']" in found["%%tether\nHow do I count the rows of @df per city?"]
    question = "How do I plot the price over the date? @df"
    samples, schema = found[f"%tether preview --see samples {question}"], found[f"%tether preview {question}"]
    for preview in (samples, schema):
        assert "this machine" in preview
        assert "float64" in preview
    assert "Vienna" in samples
    assert "Vienna" not in schema
    assert "plot" in found[f"%%tether\n{question}"]


def test_an_error_is_explained_and_fixed(server, monkeypatch):
    notebook = run(NOTEBOOKS / "fix_an_error.ipynb", server, monkeypatch, failing=True)
    found = values(notebook)
    assert "total" in found["%tether explain"]
    assert "total" in found["%tether fix"]
    [failed] = [o for c in notebook.cells for o in c.get("outputs", []) if o["output_type"] == "error"]
    assert failed["ename"] == "NameError"


def test_values_are_extracted(server, monkeypatch):
    found = [
        printed(c)
        for c in run(NOTEBOOKS / "structured_extraction.ipynb", server, monkeypatch).cells[4:]
        if c["cell_type"] == "code"
    ]
    assert "'str', 'int', 'list'" in found[0]
    assert "True" in found[2]
    assert "(True, True)" in found[5]
