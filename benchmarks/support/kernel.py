"""A real kernel that is timed from the outside, as a notebook sees it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.kernels import Kernel, Ran

SDK = """
import time
begun = time.perf_counter()
import openai
client = openai.OpenAI(base_url={url!r}, api_key="none")
imported = time.perf_counter() - begun

def ask(model):
    answer = client.chat.completions.create(
        model=model, messages=[{{"role": "user", "content": "hi"}}], stream=True
    )
    for chunk in answer:
        if chunk.choices and chunk.choices[0].delta.content:
            print(chunk.choices[0].delta.content, end="", flush=True)
"""


@contextlib.contextmanager
def kernel(environment: dict[str, str]) -> Iterator[Kernel]:
    """Run a kernel."""
    with TemporaryDirectory(prefix="tether-bench-") as folder:
        # Its own profile: nobody's start-up files, and no warnings that belong to no benchmark.
        profile = Path(folder) / "ipython" / "profile_default"
        profile.mkdir(parents=True)
        (profile / "ipython_kernel_config.json").write_text('{"IPKernelApp": {"log_level": 40}}')
        running = Kernel(Path(folder), {**environment, "IPYTHONDIR": str(profile.parent)})
        try:
            yield running
        finally:
            running.close()


def text_of(message: dict[str, Any]) -> str:
    """Return the text that a message shows."""
    content = message["content"]
    if message["msg_type"] == "stream":
        return str(content["text"])
    return str(content.get("data", {}).get("text/plain", ""))


def shows(word: str) -> Callable[[dict[str, Any]], bool]:
    """Return a check for messages that show a word: a notice or a clock is no answer."""
    return lambda message: word in text_of(message)


def timed(running: Kernel, code: str, count: int) -> tuple[float, float]:
    """Run a cell that shows `count` words; return the seconds to the first one and to the kernel's idleness.

    Raises
    ------
    RuntimeError
        The cell failed, or did not show the last word.
    """
    begun = time.time()
    ran = running.run(code)
    if ran.reply["status"] != "ok":
        raise RuntimeError(f"The cell failed: {ran.reply.get('ename')}: {ran.reply.get('evalue')}")
    if f"word{count - 1}" not in everything(ran):
        raise RuntimeError("The cell did not show the whole answer.")
    first = next(at for at, message in ran.messages if "word0" in text_of(message))
    return first - begun, ran.idle_at - begun


def everything(ran: Ran) -> str:
    """Return all that a cell shows at last: what it printed, and its display."""
    return ran.printed + (str(ran.displays[-1]["data"].get("text/plain", "")) if ran.displays else "")
