"""What the local engine is compared with, built once into the user's cache.

`llama-server` comes from the source distribution that `scripts/llama_wheel.py` compiles, with the same
options and `CMAKE_ARGS`, so that both sides run the same kernels; `llama_cpp.server` is the wheel of that
script with the package's own `server` extra, in an environment of its own. The package index is asked for
both.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts import llama_wheel

VERSION = llama_wheel.VERSION
JOBS = 2
# The wheel needs none of these; whatever else the wheel is compiled with stays as it is.
SERVER_OPTIONS = [
    "-DLLAMA_BUILD_COMMON=ON",
    "-DLLAMA_BUILD_TOOLS=ON",
    "-DLLAMA_BUILD_SERVER=ON",
    "-DLLAMA_BUILD_APP=OFF",
    # It would be fetched, and HTTPS is not spoken on loopback.
    "-DLLAMA_USE_PREBUILT_UI=OFF",
    "-DLLAMA_OPENSSL=OFF",
]


def folder() -> Path:
    """Return where the peers of this version, these flags and this machine are."""
    wheel = llama_wheel.cache_folder()
    return wheel.parents[1] / "peers" / wheel.name


def llama_server() -> Path:
    """Return the program `llama-server`; compile it where there is none yet, which takes 600 CPU-seconds."""
    program = folder() / "bin" / "llama-server"
    with missing(program) as here:
        if not here:
            with sources() as source:
                compile_server(source, folder() / "build")
            (folder() / "build" / "bin").rename(folder() / "bin")
            shutil.rmtree(folder() / "build")
    return program


def llama_cpp_python() -> Path:
    """Return the Python that runs `-m llama_cpp.server`; install it where there is none yet."""
    home = folder() / "llama_cpp_server"
    python, complete = home / "bin" / "python", home / "complete"
    with missing(complete) as here:
        if not here:
            wheel = next(llama_wheel.cache_folder().glob("*.whl"), None)
            if wheel is None:
                raise RuntimeError("The wheel of llama-cpp-python is not in the cache: run `make setup`.")
            llama_wheel.say("installing its server for comparison, once")
            step(sys.executable, "-m", "venv", "--clear", home)
            step(python, "-m", "pip", "install", "-q", f"llama-cpp-python[server] @ {wheel.as_uri()}")
            complete.touch()
    return python


def vocabulary(name: str) -> Path:
    """Return one of llama.cpp's own vocabularies, such as `gpt-2`: a GGUF file without weights."""
    kept = folder() / "vocabularies"
    with missing(kept) as here:
        if not here:
            with sources():
                pass
    return kept / f"ggml-vocab-{name}.gguf"


@contextlib.contextmanager
def sources() -> Iterator[Path]:
    """Unpack the source distribution, which takes 220 MB and does not stay; its vocabularies do."""
    with alone("sources"):
        with failing():
            source = llama_wheel.unpack(folder())
        keep_vocabularies(source)
        yield source
        shutil.rmtree(source)


def keep_vocabularies(source: Path) -> None:
    """Copy the vocabularies out of the sources, if they are not there yet."""
    kept, half = folder() / "vocabularies", folder() / "vocabularies.half"
    if kept.exists():
        return
    half.mkdir(exist_ok=True)
    for path in (source / "vendor" / "llama.cpp" / "models").glob("ggml-vocab-*.gguf"):
        shutil.copyfile(path, half / path.name)
    half.rename(kept)


def compile_server(source: Path, build: Path) -> None:
    """Compile `llama-server` behind everybody who has something better to do."""
    llama_wheel.say("compiling llama-server for comparison, once: about 600 CPU-seconds")
    options = [*llama_wheel.OPTIONS, *SERVER_OPTIONS, *shlex.split(os.environ.get("CMAKE_ARGS", ""))]
    step("cmake", "-S", source / "vendor" / "llama.cpp", "-B", build, *options)
    step("nice", "-n", "19", "cmake", "--build", build, "--target", "llama-server", "-j", str(JOBS))


def step(*command: str | Path) -> None:
    """Run one step of a build, with the tools of this environment before those of the machine."""
    with failing():
        llama_wheel.run(*command, PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@contextlib.contextmanager
def failing() -> Iterator[None]:
    """Turn the end of the build's script into a failure of this benchmark; why stands on standard error."""
    try:
        yield
    except SystemExit as reason:
        raise RuntimeError(f"What to compare with cannot be built: {reason}") from reason


@contextlib.contextmanager
def missing(path: Path) -> Iterator[bool]:
    """Say whether something is there, and if it is not, keep others from making it at the same time."""
    if path.exists():
        yield True
        return
    with alone(path.name):
        yield path.exists()


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """Wait until nobody else makes something of this name."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
