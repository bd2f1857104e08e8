"""Interrupting the cell: the kernel is idle, the upstream closed, and the text so far kept.

Once in the middle of flowing words, once while the upstream is silent after ten of them. Timed from the
signal to the kernel's idleness, and to the moment at which the upstream sees its caller gone.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.magic import variables
from benchmarks.support.kernel import SDK, everything, kernel, shows
from benchmarks.support.result import Row
from benchmarks.support.server import server
from benchmarks.support.upstream import Upstream, upstream
from tests.support.kernels import Kernel

ROUNDS = 10
SECONDS = 600
PATIENCE = 10.0
CASES = {"words flow": "n=2000,gap=0.02", "upstream silent": "n=2000,gap=0.02,fault=stall,at=10"}
SEEN = 9  # the word after which the cell is interrupted


@dataclass
class Found:
    """What the rounds of one case gave. A round in which the upstream stayed open counts with the wait."""

    idle: list[float] = field(default_factory=list)
    closed: list[float] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)


def run(rounds: int, quick: bool) -> list[Row]:
    """Interrupt Tether's cell and the SDK's loop in turn."""
    rows = []
    with (
        upstream() as fake,
        server(variables=variables(fake.url, "n=1")) as running,
        kernel(running.kernel_environment()) as notebook,
    ):
        notebook.run(SDK.format(url=fake.url))
        notebook.run("%load_ext tether_jupyter\nask('n=1')")
        notebook.run("%tether hi")
        for case, model in CASES.items():
            tether, sdk = Found(), Found()
            for _ in range(rounds):
                interrupt(notebook, fake, f"%%tether -c new -m openai:{model}\nhi", tether)
                interrupt(notebook, fake, f"ask({model!r})", sdk)
            rows += [
                row(f"{case}: idle kernel", "s", tether.idle, sdk.idle, at_most=0.2),
                row(f"{case}: upstream closed", "s", tether.closed, sdk.closed, at_most=0.5),
                row(f"{case}: visible words kept", "%", tether.kept, sdk.kept, at_least=100),
            ]
    return rows


def row(what: str, unit: str, tether: list[float], sdk: list[float], **promise: Any) -> Row:
    """Return a row whose promise holds for every round."""
    return Row(what, unit, tether, "openai SDK", sdk, each=True, **promise)


def interrupt(notebook: Kernel, fake: Upstream, code: str, found: Found) -> None:
    """Run a cell, interrupt it when the tenth word is visible, and note what follows."""
    with fake.watch() as watch:
        request = notebook.start(code)
        before = notebook.finish(request, shows(f"word{SEEN}"))
        seen = words(everything(before))
        signalled = time.time()
        notebook.manager.interrupt_kernel()
        after = notebook.finish(request)
        gone = watch.gone(PATIENCE)
    if after.reply["status"] != "error":
        raise RuntimeError("The interrupted cell ended as if nothing had happened.")
    # Printed text adds up; a display's last state is all that stays.
    at_last = words(before.printed + everything(after)) if not before.displays else words(everything(after))
    if not after.displays and before.displays:
        at_last = seen
    found.idle.append(after.idle_at - signalled)
    found.closed.append(gone - signalled if gone is not None else PATIENCE)
    found.kept.append(100.0 * sum(word in at_last for word in seen) / len(seen))


def words(text: str) -> set[str]:
    """Return the fake's words in a text."""
    return set(re.findall(r"word\d+", text))
