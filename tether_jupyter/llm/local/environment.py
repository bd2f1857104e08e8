"""How a child process is started: which variables it may see, and which Python runs it."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

NAMES = frozenset(
    {
        *("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "VIRTUAL_ENV"),
        *("CONDA_PREFIX", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "USERPROFILE", "LOCALAPPDATA", "APPDATA"),
    }
)
PREFIXES = (
    *("LC_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "HSA_", "GGML_", "LLAMA_"),
    *("OMP_", "GOMP_", "KMP_", "VK_", "METAL_"),
)
SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH")


def child_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that a child process gets: an allow-list, so that it holds no secrets.

    A listed prefix is not enough: `NVIDIA_API_KEY` and `LLAMA_API_KEY` are secrets all the same.
    """
    variables = os.environ if variables is None else variables
    kept = {
        name: value
        for name, value in variables.items()
        if (name in NAMES or name.startswith(PREFIXES))
        and not any(word in name.upper() for word in SECRET_WORDS)
    }
    kept["GGML_NO_BACKTRACE"] = "1"  # Without it an abort starts a debugger first.
    kept["PYTHONPATH"] = python_path(kept.get("PYTHONPATH", ""))
    return kept


def python_path(inherited: str) -> str:
    """Return the import path for a child, which does not run in this process's folder.

    An installed package is found by itself; a checkout that the server runs from is not. Relative entries
    are dropped: they mean the working folder, where a notebook's neighbour may be called `json.py`.
    """
    entries = [entry for entry in inherited.split(os.pathsep) if Path(entry).is_absolute()]
    root = str(Path(__file__).parents[3])
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if root not in installed and root not in entries:
        entries.append(root)
    return os.pathsep.join(entries)


def python_command(module: str) -> list[str]:
    """Return the command that runs one of our modules.

    `-P` keeps the working folder off the import path.
    """
    return [sys.executable, "-P", "-m", module]
