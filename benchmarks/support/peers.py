"""The local engine's peers as processes of their own: two threads each, warm, on loopback."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import aiohttp

from benchmarks.support import peer_builds
from benchmarks.support.process import process, wait_until
from benchmarks.support.server import free_port
from benchmarks.support.turns import SLOTS, THREADS, Peer, Target, tether

LLAMA_SERVER, LLAMA_CPP_SERVER = "llama-server", "llama_cpp.server"
READY = {LLAMA_SERVER: "health", LLAMA_CPP_SERVER: "v1/models"}
LOAD_SECONDS = 120
ANSWER_SECONDS = 600


@contextlib.asynccontextmanager
async def everybody(model: Path, context: int, names: Sequence[str]) -> AsyncIterator[dict[str, Target]]:
    """Run the engine beside peers of it, each with the same model; see `peers`."""
    async with (
        peers(model, context, names) as others,
        tether(model, context_length=context, slots=SLOTS) as ours,
    ):
        targets: list[Target] = [ours, *others]
        yield {target.name: target for target in targets}


@contextlib.asynccontextmanager
async def peers(model: Path, context: int, names: Sequence[str]) -> AsyncIterator[list[Peer]]:
    """Run peers with a model; build them where they are not there yet.

    Parameters
    ----------
    context:
        The longest prompt with its answer, in tokens, for each of the slots.
    """
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    # A connection of its own for each request: some servers close theirs after a stream without a word.
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(running(name, model, context)) for name in names}
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            yield [Peer(name, port, session) for name, port in ports.items()]


@contextlib.contextmanager
def running(name: str, model: Path, context: int) -> Iterator[int]:
    """Run one peer and yield its port once it has loaded the model."""
    port = free_port()
    make = {LLAMA_SERVER: llama_server, LLAMA_CPP_SERVER: llama_cpp_server}[name]
    command = make(model, context, port)
    with tempfile.TemporaryDirectory(prefix="tether-bench-") as folder:
        log = Path(folder) / "log"
        # In a session of its own, as our worker is: Linux shares a busy machine out by sessions.
        with process(["setsid", *command], cwd=Path(folder), log=log) as child:
            wait_until(lambda: answers(child, port, READY[name], log), LOAD_SECONDS, f"{name}'s start", 0.1)
            yield port


def llama_server(model: Path, context: int, port: int) -> list[str]:
    """Return the command of llama.cpp's own server: a slot for each stream, everything else as it comes."""
    return [
        *(str(peer_builds.llama_server()), "--model", str(model), "--host", "127.0.0.1", "--port", str(port)),
        *("--parallel", str(SLOTS), "--ctx-size", str(SLOTS * context)),
        *("--threads", str(THREADS), "--threads-batch", str(THREADS), "--offline"),
    ]


def llama_cpp_server(model: Path, context: int, port: int) -> list[str]:
    """Return the command of llama-cpp-python's server.

    By default a second request cuts the first one off, and logits are kept for the whole prompt; both would
    only make it look worse.
    """
    return [
        *(str(peer_builds.llama_cpp_python()), "-m", "llama_cpp.server", "--model", str(model)),
        *("--host", "127.0.0.1", "--port", str(port), "--n_ctx", str(context)),
        *("--n_threads", str(THREADS), "--n_threads_batch", str(THREADS)),
        *("--interrupt_requests", "false", "--logits_all", "false", "--verbose", "false"),
    ]


def answers(child: subprocess.Popen[str], port: int, path: str, log: Path) -> bool:
    """Return whether a peer is ready.

    Raises
    ------
    RuntimeError
        Its process has ended instead.
    """
    if child.poll() is not None:
        raise RuntimeError(f"A peer did not start:\n{log.read_text()[-2000:]}")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
