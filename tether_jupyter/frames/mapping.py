"""`map`: a prompt over rows of any kind."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tether_jupyter.frames.job import Job
    from tether_jupyter.frames.sources import Source


def map(
    rows: Iterable[Any],
    prompt: str | Callable[[Any], str | None],
    *,
    schema: Any = None,
    name: str | None = None,
    model: str | None = None,
    system: str | None = None,
    temperature: float | None = 0.0,
    max_tokens: int | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    stop: Sequence[str] | None = None,
    concurrency: int | None = None,
    retries: int = 5,
    skip_null: bool = True,
    cache: bool | str | Path = True,
    dry_run: bool = False,
    confirm: bool = True,
    max_cost: float | None = None,
    progress: bool | None = None,
    url: str | None = None,
    token: str | None = None,
) -> Any:
    """Ask a model about every row.

    Answers are kept by model, prompt and row, so running this again asks only about what is new, and rows
    that ask the same are asked once. An interrupt keeps what is done. A row that fails has its reason in the
    error column; the others go on.

    Parameters
    ----------
    rows:
        A pandas, polars or dask frame or series, or any iterable of dicts, objects or values.
    prompt:
        A text in which `{column}` is filled in (`{value}` for a series or a plain value), or a function that
        makes the text of a row; `None` from it leaves the row out.
    schema:
        What an answer holds: `'label one of good|bad, score float'`, a pydantic class, a type such as
        `Literal["a", "b"]`, or a JSON schema. Each field is a typed column. Plain text where it is left out.
    name:
        The answers' column, `answer` or the schema's field by itself; the beginning of their names where
        there are several.
    model:
        `MODEL` or `BACKEND:MODEL`; the server's usual one where it is left out.
    system:
        What the model is told before each prompt. Nothing by itself: the server's own words are left out.
    temperature, max_tokens, top_p, seed, stop:
        How tokens are chosen, and where an answer ends.
    concurrency:
        How many rows are asked at once. By itself a few more than a local engine writes at a time, 16
        elsewhere; fewer for as long as the service says that it is too much.
    retries:
        How often a row is asked again after a failure that may pass, with longer and longer pauses.
    skip_null:
        Leave out rows in which something that the prompt names is null; `False` to ask with no text in its
        place.
    cache:
        `False` to ask anew and keep nothing, or the path of another file than `tether/map_cache.sqlite` in
        Jupyter's data folder. It holds answers, and hashes of what was asked.
    dry_run:
        Ask about three rows only, and return a `DryRun`: these rows, and what the rest would take.
    confirm:
        Ask before a run that costs money, by what its first three rows cost; `False` to go on at once. Below
        five cents nobody is asked, nor about a model on the server's own machine, nor about a dask frame.
    max_cost:
        The most that the run may cost, in US dollars, in place of that question. More is refused.
    progress:
        `False` for no progress bar; `True` for a line also where standard error is no terminal.
    url, token:
        The Jupyter server to ask; found by itself where they are left out.

    Returns
    -------
    DataFrame, Answers or DryRun
        A frame comes back with the columns of the answers and `…_error`, in place of any of these names; the
        given one stays as it is. A series becomes a frame of these columns alone, any other iterable an
        `Answers`, which is a list with `errors`. A dask frame is asked about when it is computed.

    Raises
    ------
    TetherError
        The prompt or the schema cannot be used, the server or the model cannot answer, or the cost was not
        agreed to. A row's own failure is never raised.
    KeyboardInterrupt
        The run was interrupted. Run it again to go on from there.
    """
    from tether_jupyter.client.discovery import server_at
    from tether_jupyter.errors import TetherError
    from tether_jupyter.frames.job import Job

    chosen = {"temperature": temperature, "max_tokens": max_tokens, "top_p": top_p, "seed": seed}
    sampling: dict[str, Any] = {key: value for key, value in chosen.items() if value is not None}
    if stop is not None:
        # A text is a sequence too, of its characters.
        sampling["stop"] = [stop] if isinstance(stop, str) else list(stop)
    try:
        job = Job(
            prompt=prompt,
            schema=schema,
            name=name,
            model=model,
            system=system,
            sampling=sampling,
            concurrency=concurrency,
            retries=retries,
            skip_null=skip_null,
            cache=cache,
            dry_run=dry_run,
            confirm=confirm,
            max_cost=max_cost,
            progress=progress,
            server=server_at(url, token) if url else None,
        )
        if kind_of(rows) == "dask":
            from tether_jupyter.frames import dask

            return dask.map(rows, job)
        return map_source(source_of(rows), job)
    except TetherError as reason:
        shown = [f"{type(reason).__name__}: {reason.message}", *([reason.hint] if reason.hint else [])]
        # IPython asks an exception how it is shown: the frames in between say nothing to the user.
        vars(reason)["_render_traceback_"] = lambda: shown
        raise


def map_source(source: Source, job: Job, *, whole: bool = True) -> Any:
    """Ask about all rows of a source, and return what it makes of the answers.

    Parameters
    ----------
    whole:
        Whether these are all rows that there are, for the estimate of a dry run.
    """
    from tether_jupyter.frames.columns import columns_of
    from tether_jupyter.frames.flow import Flow
    from tether_jupyter.frames.results import DryRun
    from tether_jupyter.frames.template import Template, prompts

    schema = job.parsed()
    columns = columns_of(schema, job.name)
    names = tuple(source.columns)
    read = Template(job.prompt, names).names if isinstance(job.prompt, str) else ()
    source.check(columns, read)
    texts = prompts(job.prompt, names, source.rows(read or None), skip_null=job.skip_null)
    outcome = Flow(job, schema, columns, texts, whole=whole).run()
    built = source.build(columns, outcome)
    return DryRun(built, outcome.estimate) if outcome.estimate is not None else built


def kind_of(rows: Any) -> str:
    """Return the library that an object's class is of, by the first part of its module."""
    return next(
        (
            top
            for base in type(rows).__mro__
            if (top := base.__module__.partition(".")[0]) in ("pandas", "polars", "dask")
        ),
        "",
    )


def source_of(rows: Any) -> Source:
    """Return rows in the form that a run reads."""
    from tether_jupyter.errors import InvalidRequest

    kind = kind_of(rows)
    library: Any = sys.modules.get(kind)
    if kind == "pandas" and isinstance(rows, (library.DataFrame, library.Series)):
        from tether_jupyter.frames.pandas import PandasSource

        return PandasSource(rows)
    if kind == "polars" and isinstance(rows, (library.DataFrame, library.Series)):
        from tether_jupyter.frames.polars import PolarsSource

        return PolarsSource(rows)
    if kind == "polars" and isinstance(rows, library.LazyFrame):
        raise InvalidRequest(
            "A lazy frame has no rows yet. Collect it first: `frame.collect().tether.map(…)`."
        )
    if isinstance(rows, (str, bytes)) or not isinstance(rows, Iterable):
        raise InvalidRequest(
            f"`map` asks about the rows of a frame, or of a list or another iterable, not of one "
            f"`{type(rows).__name__}`."
        )
    from tether_jupyter.frames.sources import ListSource

    return ListSource(rows)
