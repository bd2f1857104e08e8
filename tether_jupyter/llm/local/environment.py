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

SPINS = "3000"
"""How often a thread of libgomp looks whether the others have come, before it sleeps: a few microseconds.

By default it looks for about a millisecond, at each of a step's hundreds of meetings. Where a cell computes
on the same cores, a step then takes up to a hundred times as long; with this, a few times as long. Where
nothing else runs it makes no difference.
"""


def child_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that a child process gets, those of graphics cards and threads included."""
    kept = bounded.child_environment(variables, PREFIXES)
    kept["GGML_NO_BACKTRACE"] = "1"  # Without it an abort starts a debugger first.
    if "OMP_WAIT_POLICY" not in kept:
        kept.setdefault("GOMP_SPINCOUNT", SPINS)
    return kept
