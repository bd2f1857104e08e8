"""A short-lived process that says how the installed llama.cpp was built and what it sees, and ends.

One JSON line on standard output: `{"version": str, "offload": bool, "mmap": bool, "devices": [...],
"backends": [...], "flags": {name: value}}`, or `{"problem": str}`.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any

from tether_jupyter.errors import ModelNotReady
from tether_jupyter.llm.local import bindings, environment

TIMEOUT = 60.0
FLAG = re.compile(r"([A-Z][A-Z0-9_]*) = ([^|:]*[^|:\s])")


def ask() -> dict[str, Any]:
    """Run the process and return its answer. Blocking; seconds where a graphics card must wake."""
    if not bindings.installed():
        return {"problem": bindings.MISSING}
    try:
        done = subprocess.run(
            environment.python_command("tether_jupyter.llm.local.build"),
            env=environment.child_environment(),
            cwd=os.sep,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            start_new_session=True,
            check=True,
        )
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return {"problem": bindings.BROKEN}
    return answer if isinstance(answer, dict) else {"problem": bindings.BROKEN}


def flags(text: str) -> dict[str, str]:
    """Return what llama.cpp's line about the system tells: `CPU : AVX2 = 1 | CUDA : ARCHS = 900`."""
    return dict(FLAG.findall(text))


def backends() -> list[str]:
    """Return the names of what this build can compute with, such as `CPU` and `CUDA`."""
    import ctypes

    from llama_cpp._ggml import libggml

    count, get, name = (getattr(libggml, f"ggml_backend_reg_{what}") for what in ("count", "get", "name"))
    count.restype, count.argtypes = ctypes.c_size_t, ()
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    name.restype, name.argtypes = ctypes.c_char_p, (ctypes.c_void_p,)
    return [(name(get(index)) or b"").decode("utf-8", "replace") for index in range(count())]


def main() -> None:
    """Write the answer to standard output, which native code must not reach."""
    from tether_jupyter.llm.local import lifeline, pipe
    from tether_jupyter.llm.local.devices import devices

    lifeline.die_with_parent()
    lifeline.leave_no_core()
    _, out = pipe.claim_standard_streams()
    answer: dict[str, Any]
    try:
        llama = bindings.load()
        llama.llama_backend_init()
        answer = {
            "version": str(llama.__version__),
            "offload": bool(llama.llama_supports_gpu_offload()),
            "mmap": bool(llama.llama_supports_mmap()),
            "devices": devices(),
            "backends": backends(),
            "flags": flags(llama.llama_print_system_info().decode("utf-8", "replace")),
        }
    except ModelNotReady as reason:
        answer = {"problem": reason.message}
    os.write(out, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
