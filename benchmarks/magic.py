"""`%%tether` against the openai SDK's loop in the same kernel: first visible output, and the whole cell.

200 tokens 20 ms apart, the first after 200 ms. Timed from the request to run the cell to the first message
that shows a word of the answer, and to the kernel's idleness. The SDK's loop prints and flushes every chunk.
"""

from __future__ import annotations

from benchmarks.support.kernel import SDK, kernel, timed
from benchmarks.support.result import Row
from benchmarks.support.server import server
from benchmarks.support.upstream import upstream

ROUNDS = 7
SECONDS = 600
COUNT, FIRST, GAP = 200, 0.2, 0.02
FRESH = 3


def run(rounds: int, quick: bool) -> list[Row]:
    """Measure warm cells side by side, then the first cell of fresh kernels."""
    count = 50 if quick else COUNT
    model = f"n={count},first={FIRST},gap={GAP}"
    with upstream() as fake, server(variables=variables(fake.url, model)) as running:
        doors = {"tether": "%%tether\nhi", "sdk": f"ask({model!r})"}
        at_once = {"tether": f"%%tether -m openai:n={count}\nhi", "sdk": f"ask('n={count}')"}
        warm: dict[str, list[tuple[float, float]]] = {door: [] for door in doors}
        flood: dict[str, list[tuple[float, float]]] = {door: [] for door in doors}
        with kernel(running.kernel_environment()) as notebook:
            notebook.run(SDK.format(url=fake.url))
            notebook.run("%load_ext tether_jupyter")
            for door in doors:
                timed(notebook, doors[door], count)
            for number in range(rounds):
                # Whoever comes first may find the processor warmer: they take turns.
                for door in list(doors)[:: 1 if number % 2 else -1]:
                    warm[door].append(timed(notebook, doors[door], count))
                    flood[door].append(timed(notebook, at_once[door], count))
        fresh: dict[str, list[float]] = {door: [] for door in doors}
        for _ in range(min(rounds, FRESH)):
            for door in doors:
                with kernel(running.kernel_environment()) as notebook:
                    setup = "%load_ext tether_jupyter" if door == "tether" else SDK.format(url=fake.url)
                    notebook.run("1")
                    notebook.run(setup)
                    fresh[door].append(timed(notebook, doors[door], count)[0])
    return [
        row("first visible output, warm", [f for f, _ in warm["tether"]], [f for f, _ in warm["sdk"]], 1.10),
        row("whole cell, warm", [t for _, t in warm["tether"]], [t for _, t in warm["sdk"]], 1.02),
        row("first visible output, first cell of a kernel", fresh["tether"], fresh["sdk"]),
        row(
            "whole cell, upstream without delays",
            [t for _, t in flood["tether"]],
            [t for _, t in flood["sdk"]],
        ),
    ]


def variables(url: str, model: str) -> dict[str, str]:
    """Return what makes a server ask the fake."""
    return {"TETHER_LLM_BACKEND": "openai", "OPENAI_BASE_URL": url, "TETHER_OPENAI_MODEL": model}


def row(what: str, tether: list[float], sdk: list[float], limit: float | None = None) -> Row:
    """Return a row beside the SDK's."""
    return Row(what, "s", tether, "openai SDK", sdk, ratio_at_most=limit)
