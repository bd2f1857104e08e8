"""Fail unless a built wheel is whole: lab extension, demo model, configuration, and nothing twice."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

NEEDED = {
    "the lab extension": "labextensions/@tether/jupyterlab/static/remoteEntry.",
    "its settings": "labextensions/@tether/jupyterlab/schemas/@tether/jupyterlab/",
    "the chat widget": "tether_jupyter/widget/static/chat.js",
    "install.json": "labextensions/@tether/jupyterlab/install.json",
    "the server extension's switch": "etc/jupyter/jupyter_server_config.d/tether_jupyter.json",
    "the demo model": "tether_jupyter/llm/local/demo/tether-demo.gguf",
    "py.typed": "tether_jupyter/py.typed",
    "the licence": "LICENSE",
}
LARGEST = 8 * 2**20


def problems(wheel: Path) -> list[str]:
    """Return what is wrong with a wheel, in words."""
    names = zipfile.ZipFile(wheel).namelist()
    found = [
        f"{what} is missing ({part}…)"
        for what, part in NEEDED.items()
        if not any(part in name for name in names)
    ]
    if any(name.startswith("tether_jupyter/labextension/") for name in names):
        found.append("the lab extension is there twice")
    if any(name.endswith(".pth") for name in names):
        found.append("it runs code at the start of every Python (.pth)")
    if wheel.stat().st_size > LARGEST:
        found.append(f"it is larger than {LARGEST:,} bytes")
    return found


if __name__ == "__main__":
    (path,) = map(Path, sys.argv[1:])
    if wrong := problems(path):
        sys.exit("\n".join([f"{path.name} is not whole:", *wrong]))
    print(f"{path.name} is whole: {path.stat().st_size:,} bytes")
