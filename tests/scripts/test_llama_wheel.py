"""A build of llama-cpp-python that is cut short leaves nothing that passes for a whole one."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from scripts import llama_wheel

SOURCE = f"llama_cpp_python-{llama_wheel.VERSION}"


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index with the source distribution, of two files."""

    def run(*command: str | Path, **_: str) -> None:
        words = [str(word) for word in command]
        folder = Path(words[words.index("-d") + 1])
        folder.mkdir(exist_ok=True)
        with tarfile.open(folder / f"{SOURCE}.tar.gz", "w:gz") as tar:
            for name in ("CMakeLists.txt", "pyproject.toml"):
                file = tarfile.TarInfo(f"{SOURCE}/{name}")
                file.size = 4
                tar.addfile(file, io.BytesIO(b"text"))

    monkeypatch.setattr(llama_wheel, "run", run)


def test_sources_that_were_unpacked_by_half_are_unpacked_anew(
    packages: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(tar: tarfile.TarFile, path: Path, filter: str) -> None:
        tar.extract(tar.getmembers()[0], path, filter="data")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(tarfile.TarFile, "extractall", half)
        with pytest.raises(KeyboardInterrupt):
            llama_wheel.unpack(tmp_path)
    found = llama_wheel.unpack(tmp_path)
    assert sorted(path.name for path in found.iterdir()) == ["CMakeLists.txt", "pyproject.toml"]
    assert [path.name for path in tmp_path.iterdir()] == [SOURCE]


def test_sources_that_are_there_are_not_fetched_again(
    packages: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = llama_wheel.unpack(tmp_path)
    monkeypatch.setattr(llama_wheel, "run", lambda *_: pytest.fail("it is there"))
    assert llama_wheel.unpack(tmp_path) == found
