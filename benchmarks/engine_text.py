"""Random runs of tokens as text: Tether's, token by token, against llama.cpp's own of the whole run.

Half of the tokens are parts of characters, or longer than the 32 bytes that `llama_cpp.Llama` has room for.
The vocabularies are that of the models here and of three families that llama.cpp's sources hold. Families
like Llama 3 and Gemma 4 are left out: of a whole text llama.cpp takes away the spaces before its full stops,
which an answer that grows token by token has shown by then.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.support import models, peer_builds
from benchmarks.support.process import environment, process
from benchmarks.support.result import Row

ROUNDS = 1
SECONDS = 1800
RUNS, QUICK_RUNS = 10_000, 500
FAMILIES = ("qwen2", "command-r", "llama-spm")
PATIENCE = 600


def run(rounds: int, quick: bool) -> list[Row]:
    """Compare texts, as many with each vocabulary, others in each round."""
    files = [models.small_model(), *map(peer_builds.vocabulary, FAMILIES)]
    runs = -(-(QUICK_RUNS if quick else RUNS) // len(files))
    found = [[compared(path, runs, seed) for path in files] for seed in range(rounds)]

    def share(key: str) -> list[float]:
        return [100 * sum(one[key] for one in each) / sum(one["runs"] for one in each) for each in found]

    counts = {key: sum(one[key] for one in found[0]) for key in ("partial", "long", "runs")}
    what = "identical texts, {runs:,} runs with {partial:,} partial and {long:,} long tokens"
    return [
        Row(
            what.format(**counts),
            "%",
            share("same"),
            "llama_cpp.Llama",
            share("same_high"),
            at_least=100,
            each=True,
        )
    ]


def compared(path: Path, runs: int, seed: int) -> dict[str, Any]:
    """Return what a process of its own has found."""
    command = [sys.executable, "-m", "benchmarks.support.detokenise", str(path), str(runs), str(seed)]
    with process(command, env=environment(), pipes=True) as child:
        try:
            out, _ = child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise TimeoutError("The comparison of texts did not end.") from None
    if child.returncode:
        raise RuntimeError("The comparison of texts failed.")
    found: dict[str, Any] = json.loads(out)
    for different in found["different"]:
        print(f"Not the same with {path.stem}: {different}")
    return found
