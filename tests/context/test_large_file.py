"""A large file is read as it is, faster."""

from __future__ import annotations

import pytest

from tether_jupyter.context import large_file

SIZES = [0, 1, large_file.LARGE - 1, large_file.LARGE, large_file.LARGE + 4097]


def content(size: int) -> bytes:
    return bytes(range(251)) * (size // 251 + 1)


@pytest.mark.parametrize("size", SIZES)
def test_a_file_of_any_size_is_read_byte_for_byte(tmp_path, size):
    path = tmp_path / "notebook"
    path.write_bytes(content(size)[:size])
    with path.open("rb") as file:
        found = large_file.read(file, size)
    assert type(found) is bytes
    assert found == content(size)[:size]
    assert hash(found) == hash(content(size)[:size])


@pytest.mark.parametrize(("told", "there"), [(2, 1), (1, 2)])
def test_a_file_that_was_changed_since_it_was_measured_is_read_as_far_as_both_go(tmp_path, told, there):
    path = tmp_path / "notebook"
    size = large_file.LARGE + 100
    path.write_bytes(content(2 * size)[: there * size])
    with path.open("rb") as file:
        assert large_file.read(file, told * size) == content(size)[:size]


def test_a_file_is_read_from_its_present_place(tmp_path):
    path = tmp_path / "notebook"
    size = large_file.LARGE + 100
    path.write_bytes(content(size)[:size])
    with path.open("rb") as file:
        file.read(50)
        assert large_file.read(file, size) == content(size)[50:size]


@pytest.mark.parametrize("elsewhere", ["no advice", "no CPython"])
def test_where_no_large_pages_can_be_had_the_file_is_read_all_the_same(tmp_path, monkeypatch, elsewhere):
    if elsewhere == "no advice":
        monkeypatch.delattr(large_file.mmap, "MADV_HUGEPAGE", raising=False)
    else:
        monkeypatch.setattr(large_file.platform, "python_implementation", lambda: "PyPy")
    path = tmp_path / "notebook"
    size = large_file.LARGE + 100
    path.write_bytes(content(size)[:size])
    with path.open("rb") as file:
        assert large_file.read(file, size) == content(size)[:size]
