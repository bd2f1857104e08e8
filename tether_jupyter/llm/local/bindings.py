"""The one place that imports llama-cpp-python, in child processes only: it can crash whoever imports it."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from tether_jupyter.errors import ModelNotReady

MISSING = (
    "Models on this machine need llama-cpp-python, which is not installed. Install it with "
    '`pip install "tether-jupyter[local]"`, or set TETHER_LLM_BACKEND=openai with OPENAI_API_KEY or '
    "OPENAI_BASE_URL."
)
BROKEN = (
    "llama-cpp-python is installed but does not start. Install it anew with "
    "`pip install --force-reinstall llama-cpp-python`; the server's log has the details."
)


def installed() -> bool:
    """Return whether llama-cpp-python is there, without importing it."""
    return importlib.util.find_spec("llama_cpp") is not None


def load() -> Any:
    """Return the module `llama_cpp`.

    Raises
    ------
    ModelNotReady
        It is not installed, or its libraries do not load.
    """
    try:
        return importlib.import_module("llama_cpp")
    except ModuleNotFoundError as reason:
        if reason.name == "llama_cpp":
            raise ModelNotReady(MISSING) from reason
        raise ModelNotReady(BROKEN) from reason
    except Exception as reason:
        raise ModelNotReady(BROKEN) from reason
