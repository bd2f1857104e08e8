"""The model's file, where it is one of several."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import gguf_bytes
from tether_jupyter.errors import ModelNotReady
from tether_jupyter.llm.local.model_file import ModelFile
from tether_jupyter.llm.models.shelf import Shelf
from tether_jupyter.settings import LocalLLM


@pytest.fixture
def pieces(tmp_path: Path) -> list[Path]:
    """Return the three files of a split model."""
    paths = [tmp_path / f"m-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    for number, path in enumerate(paths):
        path.write_bytes(gguf_bytes.model(split=(number, 3)))
    return paths


def at(path: Path) -> ModelFile:
    return ModelFile(LocalLLM(model_path=str(path)), Shelf(path.parent / "models"))


def test_a_split_model_is_read_from_its_first_file(pieces: list[Path]) -> None:
    file = at(pieces[0])
    assert file.header().architecture == "llama"
    assert file.files() == pieces


def test_a_later_file_names_the_first(pieces: list[Path]) -> None:
    with pytest.raises(ModelNotReady, match=r"file 2 of the 3 .* m-00001-of-00003\.gguf\.$"):
        at(pieces[1]).header()


def test_a_later_file_under_another_name_tells_how_the_first_ends(pieces: list[Path]) -> None:
    with pytest.raises(ModelNotReady, match=r"its name ends in -00001-of-00003\.gguf\.$"):
        at(pieces[1].rename(pieces[1].with_name("other.gguf"))).header()


def test_a_first_file_under_another_name_does_not_lead_to_the_others(pieces: list[Path]) -> None:
    with pytest.raises(ModelNotReady, match=r"must end in -00001-of-00003\.gguf\.$"):
        at(pieces[0].rename(pieces[0].with_name("other.gguf"))).header()


def test_files_that_are_missing_are_counted_until_they_come(pieces: list[Path]) -> None:
    file, third = at(pieces[0]), pieces[2].read_bytes()
    pieces[2].unlink()
    with pytest.raises(ModelNotReady, match=r"2 of the 3 files of 'm' are there"):
        file.header()
    pieces[1].unlink()
    with pytest.raises(ModelNotReady, match=r"1 of the 3 files of 'm' is there"):
        file.header()
    for path in pieces[1:]:
        path.write_bytes(third)
    assert file.header().architecture == "llama"


def test_files_that_were_merged_under_the_name_of_the_first_are_one_model(tmp_path: Path) -> None:
    path = tmp_path / "m-00001-of-00003.gguf"
    path.write_bytes(gguf_bytes.model())
    assert at(path).header().architecture == "llama"
