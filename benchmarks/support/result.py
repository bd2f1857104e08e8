"""What a benchmark found: rows with a promise each, kept as lines of JSON and shown as a table."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.support.process import ROOT

RESULTS = ROOT / "benchmarks" / "results"
README = ROOT / "benchmarks" / "README.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
PACKAGES = ("tether-jupyter", "jupyterlab", "jupyter-server", "openai", "llama-cpp-python")
HEADER = "| what | Tether | compared with | ratio | promise | kept |\n| --- | --- | --- | --- | --- | --- |"


@dataclass(frozen=True)
class Row:
    """One figure.

    Parameters
    ----------
    samples:
        One value a round.
    compared:
        The same of `against`, from the same rounds.
    at_most, at_least:
        The promise about the value: of the median, or of every round if `each`.
    ratio_at_most, ratio_at_least:
        The promise about the ratio of the medians.
    """

    what: str
    unit: str
    samples: Sequence[float]
    against: str = ""
    compared: Sequence[float] = ()
    at_most: float | None = None
    at_least: float | None = None
    ratio_at_most: float | None = None
    ratio_at_least: float | None = None
    each: bool = False
    note: str = ""

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.samples)

    @property
    def ratio(self) -> float | None:
        """The median over that of what it is compared with."""
        return self.median / statistics.median(self.compared) if self.compared else None

    @property
    def kept(self) -> bool | None:
        """Whether the promise is kept; `None` where there is none."""
        verdicts = []
        if self.at_most is not None:
            verdicts.append((max(self.samples) if self.each else self.median) <= self.at_most)
        if self.at_least is not None:
            verdicts.append((min(self.samples) if self.each else self.median) >= self.at_least)
        if self.ratio_at_most is not None:
            verdicts.append(self.ratio is not None and self.ratio <= self.ratio_at_most)
        if self.ratio_at_least is not None:
            verdicts.append(self.ratio is not None and self.ratio >= self.ratio_at_least)
        return all(verdicts) if verdicts else None

    @property
    def promise(self) -> str:
        """The promise in words."""
        every = ", every round" if self.each else ""
        parts = [
            f"≤ {amount(self.at_most, self.unit)}{every}" if self.at_most is not None else "",
            f"≥ {amount(self.at_least, self.unit)}{every}" if self.at_least is not None else "",
            f"≤ {self.ratio_at_most:.2f}×" if self.ratio_at_most is not None else "",
            f"≥ {self.ratio_at_least:.2f}×" if self.ratio_at_least is not None else "",
        ]
        return ", ".join(filter(None, parts))

    def line(self) -> str:
        """Return the row of a Markdown table."""
        shown = amount(self.median, self.unit)
        if len(self.samples) > 1:
            shown += f" ({bare(min(self.samples))} to {bare(max(self.samples))})"
        other = (
            f"{self.against}: {amount(statistics.median(self.compared), self.unit)}" if self.compared else ""
        )
        ratio = f"{self.ratio:.3f}×" if self.ratio is not None else ""
        verdict = {True: "yes", False: "**no**", None: ""}[self.kept]
        what = f"{self.what} ({self.note})" if self.note else self.what
        return f"| {what} | {shown} | {other} | {ratio} | {self.promise} | {verdict} |"


@dataclass
class Result:
    """A run of a benchmark: its rows, and the circumstances."""

    name: str
    rounds: int
    quick: bool
    rows: list[Row] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def table(self) -> str:
        """Return the rows as a Markdown table."""
        return "\n".join([HEADER, *(row.line() for row in self.rows)])

    def caption(self) -> str:
        """Return when, on what and beside what it was measured."""
        about = self.about
        before, after = about["load_before"], about["load_after"]
        plural = "s" if self.rounds != 1 else ""
        short = ", shortened by `--quick`" if self.quick else ""
        return (
            f"{about['date']} · {self.rounds} round{plural}{short} · {about['machine']} · Python "
            f"{about['python']} · load average {before:.1f} before, {after:.1f} after · {about['commit']}"
        )

    def save(self) -> None:
        """Append the run to its file."""
        RESULTS.mkdir(exist_ok=True)
        rows = [
            {**asdict(row), "median": row.median, "ratio": row.ratio, "kept": row.kept} for row in self.rows
        ]
        line = {
            "benchmark": self.name,
            "rounds": self.rounds,
            "quick": self.quick,
            **self.about,
            "rows": rows,
        }
        with (RESULTS / f"{self.name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def amount(value: float, unit: str) -> str:
    """Return a figure with its unit, to three digits that count."""
    return f"{bare(value)} {unit}".strip()


def bare(value: float) -> str:
    """Return a figure to three digits that count."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1
    text = f"{value:.{digits}f}"
    return text if float(text) else f"{value:.1e}"


def circumstances() -> dict[str, Any]:
    """Return what a figure depends on, apart from the code."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "date": time.strftime("%Y-%m-%d %H:%M %Z"),
        "machine": f"{os.cpu_count()} CPUs, {processor()}, {memory():.0f} GB",
        "python": platform.python_version(),
        "commit": commit(),
        "versions": versions,
        "load_before": os.getloadavg()[0],
    }


def processor() -> str:
    """Return the processor's name, or the architecture where Linux does not know it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return " ".join(line.partition(":")[2].split())
    return platform.machine()


def memory() -> float:
    """Return the machine's memory in GB."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9


def commit() -> str:
    """Return the commit that was measured, and whether files differ from it."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, timeout=30)
    if head.returncode:
        return "no commit"
    changed = subprocess.run(
        [*git, "status", "--porcelain", "tether_jupyter"], capture_output=True, text=True, timeout=30
    )
    return f"commit {head.stdout.strip()}{' with changes' if changed.stdout else ''}"


def load(line: str) -> Result:
    """Return the run that a line of a results file holds."""
    found = json.loads(line)
    rows = [{k: v for k, v in row.items() if k in Row.__dataclass_fields__} for row in found.pop("rows")]
    head = {name: found.pop(name) for name in ("rounds", "quick")}
    return Result(found.pop("benchmark"), **head, rows=[Row(**row) for row in rows], about=found)


def latest(name: str) -> Result | None:
    """Return the last whole run of a benchmark, else the last shortened one."""
    path = RESULTS / f"{name}.jsonl"
    if not path.is_file():
        return None
    runs = [load(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    whole = [run for run in runs if not run.quick]
    return (whole or runs)[-1] if runs else None


def write_readme(names: Sequence[str]) -> list[str]:
    """Put the latest results between the two marks in the README; return the names that have none.

    What stands there of a benchmark that has not run in this checkout stays: it names its own commit.
    """
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    there, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{README.name} lacks the marks {BEGIN} and {END}.")
    parts = {}
    for section in there.split("### ")[1:]:
        parts[section.partition("\n")[0].strip()] = f"### {section.strip()}"
    runs = {name: latest(name) for name in names}
    for name, run in runs.items():
        if run is not None:
            parts[name] = f"### {name}\n\n{run.caption()}\n\n{run.table()}"
    found = [parts[name] for name in names if name in parts]
    README.write_text(f"{before}{BEGIN}\n\n" + "\n\n".join(found) + f"\n\n{END}{after}", encoding="utf-8")
    return [name for name, run in runs.items() if run is None]
