"""The example notebook runs top to bottom, against the demo model."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.servers import running

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "map_over_rows.ipynb"


def test_a_prompt_over_rows_runs_whole_on_the_demo_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with running(tmp_path / "home") as server:
        monkeypatch.setenv("JUPYTER_SERVER_URL", server.url)
        monkeypatch.setenv("JUPYTER_TOKEN", server.token)
        monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
    text = {
        id: "\n".join(each["data"]["text/plain"] for each in found if "data" in each)
        for id, found in outputs.items()
    }
    assert "2 more rows by local:" in text["map-3"]
    assert "no cost" in text["map-3"]
    assert "3 from the cache" in text["map-5"]
    assert "1 without a value" in text["map-5"]
    assert "failed" not in "".join(text.values())
    assert "mood" in text["map-6"]
    assert "category" in text["map-6"]
    assert "5 from the cache" in text["map-8"]
    assert set(text["map-10"].splitlines()[-1].strip("[]").split(", ")) <= {"'yes'", "'no'"}
    assert set(text["map-11"].splitlines()[-1].strip("[]").split(", ")) <= {"True", "False"}
    assert server.token not in nbformat.writes(notebook)
