"""Build the llama-cpp-python wheel once, the short way, and print its path.

The package's own build compiles a server, a vision stack and chat parsers that Python never loads: 455
CPU-seconds against 188 for the `llama` target alone. So this script

1. unpacks the source distribution into a fixed folder of the user's cache,
2. compiles `llama` with plain CMake,
3. builds the package's pure-Python wheel (`-DLLAMA_BUILD=OFF`),
4. puts the libraries into it, and keeps the result, keyed by version, flags, platform and processor.

`CMAKE_ARGS` is honoured and is part of the key, so `CMAKE_ARGS=-DGGML_CUDA=on make lab` makes a GPU build.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

VERSION = "0.3.36"
LIBRARIES = "lib*.dylib*" if sys.platform == "darwin" else "lib*.so*"
OPTIONS = [
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=ON",
    "-DLLAMA_BUILD_TESTS=OFF",
    "-DLLAMA_BUILD_EXAMPLES=OFF",
    "-DLLAMA_BUILD_SERVER=OFF",
    "-DLLAMA_BUILD_TOOLS=OFF",
    "-DLLAMA_BUILD_UI=OFF",
    "-DLLAMA_CURL=OFF",
    # A wheel stores no links: with a version in their names the libraries would each be there, and be
    # loaded, twice.
    "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON",
    f"-DCMAKE_INSTALL_RPATH={'@loader_path' if sys.platform == 'darwin' else '$ORIGIN'}",
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
]


def cache_folder() -> Path:
    """Return the folder for this version, these flags and this machine."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    key = "|".join(
        [VERSION, *OPTIONS, os.environ.get("CMAKE_ARGS", ""), sysconfig.get_platform(), cpu_name()]
    )
    return home / "tether" / "llama" / f"{VERSION}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def cpu_name() -> str:
    """Return what `-march=native` depends on: a wheel for one processor may not run on another."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.machine())


def run(*command: str | Path, **env: str) -> None:
    """Run one step; its output is shown only when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-8000:])
        sys.exit(f"failed: {shlex.join(str(part) for part in command)}")


def say(text: str) -> None:
    print(f"llama-cpp-python {VERSION}: {text}", file=sys.stderr, flush=True)


def unpack(folder: Path) -> Path:
    """Fetch the source distribution and return its unpacked folder."""
    source = folder / f"llama_cpp_python-{VERSION}"
    if not source.exists():
        # What is cut short must not pass for the whole: it gets its name when all of it is there.
        part = folder / "unpacking"
        shutil.rmtree(part, ignore_errors=True)
        say("fetching the sources")
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
        run(*pip, "--no-binary", "llama-cpp-python", "-d", part, f"llama-cpp-python=={VERSION}")
        with tarfile.open(next(part.glob("llama_cpp_python-*.tar.gz"))) as tar:
            tar.extractall(part, filter="data")
        (part / source.name).rename(source)
        shutil.rmtree(part)
    return source


def compile_llama(source: Path, build: Path) -> None:
    say("compiling, once: about 200 CPU-seconds")
    options = [*OPTIONS, *shlex.split(os.environ.get("CMAKE_ARGS", ""))]
    vendor = source / "vendor" / "llama.cpp"
    run("cmake", "-S", vendor, "-B", build, *options)
    run("cmake", "--build", build, "--target", "llama", "-j", str(os.cpu_count() or 1))


def pack(folder: Path, source: Path, build: Path) -> Path:
    """Put the compiled libraries into the pure-Python wheel and return the new wheel."""
    pure = folder / "pure"
    shutil.rmtree(pure, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", pure]
    run(*pip, source, CMAKE_ARGS="-DLLAMA_BUILD=OFF")
    wheel = [sys.executable, "-m", "wheel"]
    run(*wheel, "unpack", "-d", pure, next(pure.glob("*.whl")))
    tree = next(path for path in pure.iterdir() if path.is_dir())
    target = tree / "llama_cpp" / "lib"
    target.mkdir(parents=True, exist_ok=True)
    for library in (build / "bin").glob(LIBRARIES):
        shutil.copyfile(library, target / library.name)
    tag = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    metadata = next(tree.glob("*.dist-info")) / "WHEEL"
    lines = metadata.read_text().splitlines()
    rest = [line for line in lines if line and not line.startswith(("Tag:", "Root-Is-Purelib:"))]
    metadata.write_text("\n".join([*rest, "Root-Is-Purelib: false", f"Tag: py3-none-{tag}"]) + "\n")
    whole = pure / "whole"
    whole.mkdir()
    run(*wheel, "pack", "-d", whole, tree)
    packed = next(whole.glob("*.whl"))
    kept = packed.rename(folder / packed.name)
    shutil.rmtree(pure)
    return kept


def main() -> None:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wheel = next(folder.glob("*.whl"), None)
        if wheel is None:
            source = unpack(folder)
            compile_llama(source, folder / "build")
            wheel = pack(folder, source, folder / "build")
            shutil.rmtree(folder / "build")
            shutil.rmtree(source)
            say("built")
    print(wheel)


if __name__ == "__main__":
    main()
