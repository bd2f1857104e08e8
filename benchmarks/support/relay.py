"""A relay as tutorials write it: FastAPI, the openai SDK's objects, one event for each chunk.

It runs in an environment of its own in the user's cache, because Tether needs none of it. As a program it
serves on the port that it is given.
"""

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.support.process import environment, process
from benchmarks.support.server import free_port

PACKAGES = ("fastapi>=0.115,<1", "uvicorn[standard]>=0.30,<1", "openai>=3.50,<4")
INSTALL_SECONDS = 300


@contextlib.contextmanager
def relay(upstream: str) -> Iterator[tuple[int, int]]:
    """Run the relay in front of an API; yield its port and its process's number."""
    port = free_port()
    command = [str(folder() / "bin" / "python"), "-m", "benchmarks.support.relay", str(port)]
    with process(command, env=environment(OPENAI_BASE_URL=upstream, OPENAI_API_KEY="none")) as child:
        wait(port)
        yield port, child.pid


def folder() -> Path:
    """Return where the relay's environment is."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "tether-benchmarks" / "relay"


def installed() -> bool:
    """Return whether its environment is complete."""
    return (folder() / "complete").exists()


def install() -> None:
    """Make its environment, from the package index."""
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder())],
        [str(folder() / "bin" / "python"), "-m", "pip", "install", "-q", *PACKAGES],
    ):
        subprocess.run(command, check=True, timeout=INSTALL_SECONDS)
    (folder() / "complete").touch()


def wait(port: int, seconds: float = 60) -> None:
    """Return when the relay answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/openapi.json", timeout=5).close()
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("The relay did not come up.")


def serve(port: int) -> None:
    """Be the relay."""
    import json

    import uvicorn  # type: ignore[import-not-found, unused-ignore]  # only its own environment has it
    from fastapi import Body, FastAPI  # type: ignore[import-not-found, unused-ignore]
    from fastapi.responses import StreamingResponse  # type: ignore[import-not-found, unused-ignore]
    from openai import AsyncOpenAI

    app, client = FastAPI(), AsyncOpenAI()

    @app.post("/chat")  # type: ignore[untyped-decorator, unused-ignore]
    async def chat(model: str = Body(), message: str = Body()) -> Any:
        async def events() -> Any:
            answer = await client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": message}], stream=True
            )
            async for chunk in answer:
                if chunk.choices and chunk.choices[0].delta.content:
                    yield f"data: {json.dumps({'delta': chunk.choices[0].delta.content})}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", backlog=4096)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
