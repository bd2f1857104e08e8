"""Measure what Tether promises: `python -m benchmarks [name ...] [--rounds N] [--quick] [--write-readme]`."""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import traceback
from importlib import import_module
from types import FrameType
from typing import Any

from benchmarks.support.process import environment
from benchmarks.support.relay import install
from benchmarks.support.result import Result, circumstances, write_readme

ENGINE = ["engine_throughput", "engine_returning", "engine_prefill", "engine_lag", "engine_cancel"]
ENGINE += ["engine_attention", "engine_busy", "engine_pipe", "engine_shared", "engine_speculation"]
ENGINE += ["engine_schema", "engine_text"]
# In this order: what needs a quiet machine most comes first.
HISTORY = ("history_share", "history_open", "history_writers", "history_slope", "history_crash", "search")
CONTEXT = ("frames_map", "context_variables", "context_notebooks", "context_secrets", "context_large")
PANEL = ("panel_start", "panel_first", "panel_stop", "panel_open", "panel_stream", "panel_memory")
NAMES = ("magic", "interrupt", "load_ext", "startup", "wire", "streams", "worker", "demo", *CONTEXT, *ENGINE)
NAMES += (*HISTORY, *PANEL, "ghost")
FILES = 8192


def main() -> int:
    """Run the benchmarks that are named, else all; return 1 if one failed or a promise was not kept."""
    summaries = "\n".join(f"  {name:18} {(module(name).__doc__ or '').splitlines()[0]}" for name in NAMES)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"benchmarks:\n{summaries}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="name", help="which to run; all by default")
    parser.add_argument("--rounds", type=int, help="how often, instead of each benchmark's own number")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that it works")
    parser.add_argument("--write-readme", action="store_true", help="put the latest results into the README")
    parser.add_argument(
        "--relay",
        action="store_true",
        help="install a FastAPI relay into your cache, for `streams` to compare",
    )
    given = parser.parse_args()
    if unknown := set(given.names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if given.rounds is not None and given.rounds < 1:
        parser.error("--rounds must be at least 1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    raise_file_limit()
    # Kernels inherit what stands here.
    for variable in os.environ.keys() - environment().keys():
        del os.environ[variable]
    if given.relay:
        install()
    bad = []
    if given.names or not given.write_readme:
        bad = [name for name in given.names or NAMES if not run(name, given.rounds, given.quick)]
    if given.write_readme and (missing := write_readme(NAMES)):
        print(f"Not measured yet: {', '.join(missing)}.", file=sys.stderr)
    if bad:
        print(f"Failed, or a promise not kept: {', '.join(bad)}.", file=sys.stderr)
    return 1 if bad else 0


def run(name: str, rounds: int | None, quick: bool) -> bool:
    """Run one benchmark; print and keep what it found. Return whether all promises were kept."""
    found = module(name)
    count = rounds or (2 if quick else found.ROUNDS)
    result = Result(name, count, quick, about=circumstances())
    print(f"\n## {name}\n\n{(found.__doc__ or '').splitlines()[0]}\n", flush=True)
    signal.signal(signal.SIGALRM, overdue)
    signal.alarm(found.SECONDS)
    try:
        result.rows = found.run(count, quick)
    except Exception:  # noqa: BLE001 - the others are still worth running
        traceback.print_exc()
        return False
    finally:
        signal.alarm(0)
    result.about["load_after"] = os.getloadavg()[0]
    result.save()
    print(f"{result.table()}\n\n{result.caption()}", flush=True)
    return all(row.kept is not False for row in result.rows)


def module(name: str) -> Any:
    """Return a benchmark's module: `run(rounds, quick)`, `ROUNDS`, and `SECONDS` that it may take."""
    return import_module(f"benchmarks.{name}")


def overdue(_: int, __: FrameType | None) -> None:
    """End a benchmark that hangs; what it started ends with the blocks that it leaves."""
    raise TimeoutError("The benchmark takes longer than it may.")


def raise_file_limit() -> None:
    """Let this process and its children hold a thousand streams open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    sys.exit(main())
