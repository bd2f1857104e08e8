"""A short-lived process that says what this llama.cpp build can compute on, and ends.

The server never loads llama.cpp, so a fresh server's health asks this: one JSON line on standard output,
`{"offload": bool, "devices": [...], "version": str}`, or `{"problem": str}`.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from typing import Any

from tether_jupyter.errors import ModelNotReady
from tether_jupyter.llm.local import bindings, environment

TIMEOUT = 30.0


class Machine:
    """What this machine can compute on, asked once. What failed is asked again the next time."""

    def __init__(self) -> None:
        self._found: dict[str, Any] | None = None
        self._asking = threading.Lock()

    def told(self) -> dict[str, Any]:
        """Return what the probe says. Blocking, as `ask` is."""
        with self._asking:
            if self._found is None or "problem" in self._found:
                self._found = ask()
            return self._found


def ask() -> dict[str, Any]:
    """Run the probe from the server's side. Blocking; seconds where a graphics card must wake."""
    try:
        done = subprocess.run(
            environment.python_command("tether_jupyter.llm.local.probe"),
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


def main() -> None:
    """Write the answer to standard output, which native code must not reach."""
    from tether_jupyter.llm.local import lifeline, pipe
    from tether_jupyter.llm.local.devices import devices

    lifeline.die_with_parent()
    lifeline.go_first()
    lifeline.leave_no_core()
    _, out = pipe.claim_standard_streams()
    answer: dict[str, Any]
    try:
        llama = bindings.load()
        llama.llama_backend_init()
        answer = {
            "offload": bool(llama.llama_supports_gpu_offload()),
            "devices": devices(),
            "version": str(llama.__version__),
        }
    except ModelNotReady as reason:
        answer = {"problem": reason.message}
    os.write(out, json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main()
