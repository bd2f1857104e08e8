"""What a running cell is doing: its source, the line, the way down from there, and the progress bars."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from types import CoroutineType, FrameType
from typing import Any

from .safe import Clock, among, class_name, instance_dict, loaded, module_name, mro, namespace
from .stack import TIMED, Place, cell_name, from_cell, main_stack, own_name, source, summary, variables_of
from .survey import look
from .text import cut, short

CELL = 4_000
FRAMES = 12
BARS = 8
TASKS = 1_000
DEPTH = 100
BYTES = 2_000
SECONDS = 0.02
NUMBERS = (int, float)


def running(shell: Any = None, level: str = "schema") -> dict[str, Any]:
    """Describe what the main thread runs now.

    Parameters
    ----------
    shell:
        The IPython shell, which knows the cells; `None` where there is none.
    level:
        What may be told of the variables.

    Returns
    -------
    ``{"running", "cell", "line", "code", "frames", "seconds", "bars", "variables"}``
    """
    nothing: dict[str, Any] = {
        "running": False,
        "cell": None,
        "line": None,
        "code": None,
        "frames": [],
        "seconds": None,
        "bars": [],
        "variables": [],
    }
    places = stack(shell)
    told = summary(from_cell(places, shell), shell)
    own = [(place, where) for place, where in told if place is not None]
    if not own or cell_name(own[0][0].file, shell) is None:
        return nothing
    last = own[-1][0]
    request = request_of(places)
    asked = request.get("content", {}).get("code") if request else None
    cell = numbered_from_first(asked) if type(asked) is str else "".join(source(own[0][0].file, shell))
    # Under `%%time` the cell's own line is the magic's, and the lines are counted from there.
    timed = next((place for place, _ in own if place.file in TIMED), None)
    number = own[0][0].line if timed is None else timed.line + 1
    frames = [entry(place, where, shell) for place, where in told]
    if len(frames) > FRAMES:
        frames = [*frames[:3], {"function": f"… {len(frames) - FRAMES} frames"}, *frames[3 - FRAMES :]]
    variables = []
    if last.frame is not None:
        kept = variables_of(last.frame)
        seen = look(kept, level=level, limit=20, max_bytes=BYTES, seconds=SECONDS)
        variables = seen["variables"]
    return {
        "running": True,
        "cell": cut(cell, CELL),
        "line": number,
        "code": line_of(cell.splitlines(), number) or line_of(source(own[0][0].file, shell), number),
        "frames": frames,
        "seconds": since(request),
        "bars": bars(Clock(SECONDS)),
        "variables": variables,
    }


def stack(shell: Any) -> list[Place]:
    """Return where the main thread is; of an awaited cell, which is on no stack, where it waits."""
    places = main_stack()
    if any(cell_name(place.file, shell) for place in places):
        return places
    loop = getattr(getattr(getattr(shell, "kernel", None), "io_loop", None), "asyncio_loop", None)
    if loop is None:
        return places
    try:
        tasks = list(asyncio.all_tasks(loop))[:TASKS]
    except RuntimeError:
        return places  # it kept changing
    for task in tasks:
        waiting = coroutine_places(task.get_coro())
        if any(cell_name(place.file, shell) for place in waiting):
            return waiting
    return places


def coroutine_places(waiting: Any) -> list[Place]:
    """Return the places of coroutines that wait for one another, the innermost last."""
    places: list[Place] = []
    while type(waiting) is CoroutineType and len(places) < DEPTH:
        frame: FrameType | None = waiting.cr_frame
        if frame is not None:
            places.append(Place(frame.f_code, frame.f_lineno or 0, frame))
        waiting = waiting.cr_await
    return places


def request_of(places: list[Place]) -> dict[str, Any]:
    """Return the request that the kernel's main thread is at: the message, whose header has its time."""
    for place in places:
        if place.code.co_name == "execute_request" and place.frame is not None:
            kept = place.frame.f_locals.get("parent")
            if type(kept) is dict:
                return kept
    return {}


def since(request: dict[str, Any]) -> float | None:
    """Return the seconds since the cell was asked to run."""
    asked = request.get("header", {}).get("date")
    if type(asked) is not datetime or asked.tzinfo is None:
        return None
    return round(max(0.0, datetime.now(asked.tzinfo).timestamp() - asked.timestamp()), 1)


def entry(place: Place | None, where: str, shell: Any) -> dict[str, Any]:
    """Return one frame: `{"function", "file" or "cell", "line", "code"}`."""
    if place is None:
        return {"function": where}
    key = "cell" if where.startswith("cell") else "file"
    code = line_of(source(place.file, shell), place.line)
    return {"function": own_name(place.code), key: where, "line": place.line, "code": code}


def numbered_from_first(cell: str) -> str:
    """Return a cell without its empty first lines, which IPython does not count."""
    lines = cell.splitlines(keepends=True)
    while lines and not lines[0].strip():
        del lines[0]
    return "".join(lines)


def line_of(lines: list[str], number: int) -> str | None:
    """Return one line of a source."""
    return cut(lines[number - 1].strip(), 200) if 0 < number <= len(lines) else None


def bars(clock: Clock) -> list[str]:
    """Return tqdm's bars as text. tqdm itself keeps a list of them."""
    kept = namespace(loaded("tqdm.std").get("tqdm", object)).get("_instances")
    told: list[str] = []
    for bar in list(kept) if class_name(type(kept)) == "WeakSet" else []:
        if len(told) == BARS or clock.late():
            break
        # The bar may be a subclass's: what it keeps is read, nothing of it is called.
        if any(module_name(base).partition(".")[0] == "tqdm" for base in mro(type(bar))):
            text = bar_text(instance_dict(bar) or {})
            if text:
                told.append(text)
    return told


def bar_text(kept: dict[str, Any]) -> str:
    """Return `train: 40/100 [00:12<00:18]` for what a bar keeps; nothing for one that is not shown."""
    done: Any
    total: Any
    done, total, began = kept.get("n"), kept.get("total"), kept.get("start_t")
    if kept.get("disable") is True or not among(type(done), NUMBERS):
        return ""
    initial: Any = kept.get("initial")
    name = kept.get("desc")
    spent = max(0.0, time.time() - began) if type(began) is float else None
    text = short(done, 20)
    clock = clock_text(spent) if spent is not None else ""
    if among(type(total), NUMBERS):
        text += f"/{short(total, 20)}"
        new = done - initial if among(type(initial), NUMBERS) else done
        if spent is not None and new > 0:
            clock += f"<{clock_text(max(0.0, total - done) * spent / new)}"
    label = cut(name.strip().rstrip(":"), 60) if type(name) is str else ""
    return f"{f'{label}: ' if label else ''}{text}{f' [{clock}]' if clock else ''}"


def clock_text(seconds: float) -> str:
    """Return seconds as `01:23` or `1:02:03`."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"
