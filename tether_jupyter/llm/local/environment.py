"""How a child process of the local model is started: which variables it may see, and which Python runs it."""

from __future__ import annotations

from collections.abc import Mapping

from tether_jupyter.core import bounded
from tether_jupyter.core.bounded import python_command, python_path

__all__ = ["child_environment", "python_command", "python_path"]

PREFIXES = (
    *("LC_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "HSA_", "GGML_", "LLAMA_"),
    *("OMP_", "GOMP_", "KMP_", "VK_", "METAL_"),
)

SPINS = "20000"
"""How often a thread of libgomp looks whether the others have come, before it sleeps: some 50 microseconds.

By default it looks for about a millisecond, at each of a step's hundreds of meetings. Where a cell computes
on the same cores, a step then takes up to a hundred times as long, and with this ten times. A shorter wait is
better yet there, but threads that have slept push aside those that bring the words to their readers.
"""


def child_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that a child process gets, those of graphics cards and threads included."""
    kept = bounded.child_environment(variables, PREFIXES)
    kept["GGML_NO_BACKTRACE"] = "1"  # Without it an abort starts a debugger first.
    if "OMP_WAIT_POLICY" not in kept:
        kept.setdefault("GOMP_SPINCOUNT", SPINS)
    return kept
