"""Which kernel this is, and which cell of its notebook runs."""

from __future__ import annotations

import re
import sys
from typing import Any

CONNECTION_FILE = re.compile(r"kernel-([0-9A-Za-z-]+)\.json$")


def kernel_id() -> str | None:
    """Return the id by which the server knows this kernel; `None` outside of one."""
    # Where there is a kernel, it has loaded this long ago.
    module: Any = sys.modules.get("ipykernel.kernelapp")
    if module is None or not module.IPKernelApp.initialized():
        return None
    found = CONNECTION_FILE.search(str(module.IPKernelApp.instance().connection_file))
    return found[1] if found else None


def running_cell() -> tuple[str, str] | None:
    """Return the id of the cell that runs and the id of this run of it; `None` where that is not told."""
    module: Any = sys.modules.get("ipykernel.kernelapp")
    if module is None or not module.IPKernelApp.initialized():
        return None
    parent = module.IPKernelApp.instance().kernel.get_parent() or {}
    cell = (parent.get("metadata") or {}).get("cellId")
    run = (parent.get("header") or {}).get("msg_id")
    return (str(cell), str(run)) if cell and run else None
