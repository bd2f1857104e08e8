"""How much memory there is, as the kernel and the control groups tell it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tether_jupyter.llm.local import memory

MEMINFO = "MemTotal:       16000000 kB\nMemFree:         1000000 kB\nMemAvailable:    8000000 kB\n"
MB = 1_000_000


def group(folder: Path, limit: str, used: int, *, version: int, cached: int = 0) -> None:
    """Write the files of a control group."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {
        1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        2: ("memory.max", "memory.current", "inactive_file"),
    }[version]
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 7\n{names[2]} {cached}\nactive_file 999999999\n")


def test_what_can_be_had_without_swapping_is_read() -> None:
    assert memory.free_memory(MEMINFO) == 8_000_000 * 1024
    for bad in ("", "MemTotal: 5 kB", "MemAvailable:", "MemAvailable: many kB", "nonsense"):
        assert memory.free_memory(bad) is None


def test_a_group_of_version_2_leaves_its_limit_less_what_it_uses(tmp_path: Path) -> None:
    group(tmp_path / "user/box", str(900 * MB), 400 * MB, version=2)
    assert memory.group_limits("0::/user/box\n", tmp_path) == [500 * MB]


def test_a_group_of_version_1_is_the_memory_controllers(tmp_path: Path) -> None:
    group(tmp_path / "memory/docker/abc", str(700 * MB), 200 * MB, version=1)
    group(tmp_path / "cpu/docker/abc", str(1), 0, version=1)
    lines = "12:cpu,cpuacct:/docker/abc\n5:memory:/docker/abc\n1:name=systemd:/docker/abc\n"
    assert memory.group_limits(lines, tmp_path) == [500 * MB]


def test_a_container_that_sees_only_its_own_group_finds_it_at_the_top(tmp_path: Path) -> None:
    group(tmp_path / "memory", str(700 * MB), 100 * MB, version=1)
    assert memory.group_limits("5:memory:/docker/not/here\n", tmp_path) == [600 * MB]
    group(tmp_path, str(300 * MB), 100 * MB, version=2)
    assert memory.group_limits("0::/\n", tmp_path) == [200 * MB]


def test_the_groups_above_count_too(tmp_path: Path) -> None:
    group(tmp_path / "slice/box", "max", 10 * MB, version=2)
    group(tmp_path / "slice", str(300 * MB), 100 * MB, version=2)
    group(tmp_path, str(900 * MB), 800 * MB, version=2)
    assert memory.group_limits("0::/slice/box\n", tmp_path) == [200 * MB, 100 * MB]


@pytest.mark.parametrize("version", [1, 2])
def test_cached_files_do_not_count_as_used(tmp_path: Path, version: int) -> None:
    base = tmp_path / "memory" if version == 1 else tmp_path
    group(base / "box", str(900 * MB), 800 * MB, version=version, cached=500 * MB)
    line = "4:memory:/box\n" if version == 1 else "0::/box\n"
    assert memory.group_limits(line, tmp_path) == [600 * MB]


def test_a_group_over_its_limit_leaves_nothing_rather_than_less(tmp_path: Path) -> None:
    group(tmp_path / "box", str(100), 900, version=2)
    assert memory.group_limits("0::/box\n", tmp_path) == [0]


@pytest.mark.parametrize("lines", ["", "\n", "nonsense", "0:", "0::/gone/away", "0::/../../..", "x:memory"])
def test_what_cannot_be_read_limits_nothing(tmp_path: Path, lines: str) -> None:
    assert memory.group_limits(lines, tmp_path / "nowhere") == []


def test_the_smallest_of_all_limits_is_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name, text in (("MEMINFO", MEMINFO), ("GROUP", "0::/box\n")):
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(memory, name, tmp_path / name)
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    assert memory.available() == 8_000_000 * 1024
    group(tmp_path / "box", str(900 * MB), 400 * MB, version=2)
    assert memory.available() == 500 * MB
    group(tmp_path / "box", str(10**15), 0, version=2)
    assert memory.available() == 8_000_000 * 1024
    (tmp_path / "MEMINFO").unlink()
    (tmp_path / "GROUP").unlink()
    assert memory.available() is None
