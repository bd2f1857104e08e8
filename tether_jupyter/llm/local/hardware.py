"""Graphics cards as the system knows them, whether llama.cpp was built for them or not. Nothing is loaded."""

from __future__ import annotations

import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 10.0
VENDORS = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
NAMES = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel", "apple": "Apple"}


@dataclass(frozen=True, slots=True)
class Card:
    """A graphics card.

    Parameters
    ----------
    vendor:
        `nvidia`, `amd`, `intel` or `apple`.
    name:
        What it calls itself.
    memory:
        Bytes of its own memory, or `None`.
    driver:
        Whether its driver for computing is there.
    """

    vendor: str
    name: str
    memory: int | None
    driver: bool


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to build llama.cpp for a kind of card: the option, and the programs that it takes."""

    name: str
    option: str
    vendors: tuple[str, ...]
    tools: tuple[str, ...]
    source: str


RECIPES = (
    Recipe("CUDA", "-DGGML_CUDA=on", ("nvidia",), ("nvcc",), "the CUDA toolkit"),
    Recipe("Metal", "-DGGML_METAL=on", ("apple",), ("clang",), "Xcode's command-line tools"),
    Recipe("ROCm", "-DGGML_HIP=on", ("amd",), ("hipcc",), "ROCm"),
    Recipe("Vulkan", "-DGGML_VULKAN=on", ("intel", "amd", "nvidia"), ("glslc",), "the Vulkan SDK"),
)


def cards(root: Path = Path("/")) -> list[Card]:
    """Return the cards of this machine.

    Parameters
    ----------
    root:
        Where `/proc`, `/sys` and `/dev` are.
    """
    if platform.system() == "Darwin":
        chip = run("sysctl", "-n", "machdep.cpu.brand_string") or "graphics"
        return [Card("apple", chip, None, driver=True)] if platform.machine() == "arm64" else []
    found = nvidia() or nvidia_driver(root)
    for vendor in on_the_bus(root):
        if any(card.vendor == vendor for card in found):
            continue
        driver = vendor == "intel" or (vendor == "amd" and (root / "dev" / "kfd").exists())
        found.append(Card(vendor, f"{NAMES[vendor]} graphics", None, driver))
    return found


def nvidia() -> list[Card]:
    """Return what `nvidia-smi` lists."""
    text = run("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
    found = []
    for line in (text or "").splitlines():
        name, comma, memory = line.rpartition(",")
        if comma and name.strip():
            megabytes = memory.strip()
            size = int(megabytes) * 2**20 if megabytes.isdigit() else None
            found.append(Card("nvidia", name.strip(), size, driver=True))
    return found


def nvidia_driver(root: Path) -> list[Card]:
    """Return what NVIDIA's driver tells in `/proc`, where its program is not installed."""
    found = []
    for path in sorted((root / "proc" / "driver" / "nvidia" / "gpus").glob("*/information")):
        lines = read(path).splitlines()
        model = next(
            (line.partition(":")[2].strip() for line in lines if line.startswith("Model:")), "NVIDIA"
        )
        found.append(Card("nvidia", model, None, driver=True))
    return found


def on_the_bus(root: Path) -> list[str]:
    """Return the vendors of the cards that the kernel sees, each once."""
    paths = sorted((root / "sys" / "class" / "drm").glob("card[0-9]*/device/vendor"))
    return list(dict.fromkeys(VENDORS[known] for path in paths if (known := read(path).strip()) in VENDORS))


def recommended(found: list[Card]) -> Recipe | None:
    """Return the way to build for the first card, the one that is usually quickest."""
    if not found:
        return None
    return next(recipe for recipe in RECIPES if found[0].vendor in recipe.vendors)


def missing(recipe: Recipe) -> list[str]:
    """Return the programs that a build needs and that are not on the path."""
    return [tool for tool in recipe.tools if shutil.which(tool) is None]


def run(*command: str) -> str | None:
    """Return what a program prints, or `None` where there is none or it fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout[:65536].decode("utf-8", "replace").strip()


def read(path: Path) -> str:
    """Return the beginning of a file of the kernel's, or an empty text."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(65536)
    except OSError:
        return ""
