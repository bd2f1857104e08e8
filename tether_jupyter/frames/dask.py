"""dask: each partition is asked about where it lies, when it is computed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tether_jupyter.errors import InvalidRequest
from tether_jupyter.frames.columns import columns_of
from tether_jupyter.frames.flow import FIRST
from tether_jupyter.frames.job import Job
from tether_jupyter.frames.results import Outcome
from tether_jupyter.frames.template import Template

PER_PARTITION = 8
"""How many rows of a partition are asked at once by itself: partitions are computed beside each other."""


def map(frame: Any, job: Job) -> Any:
    """Return the frame with its answers, not computed; or a dry run over its first rows.

    Each worker asks the server that `url` and `token` name, else the one that its own environment does.

    Raises
    ------
    InvalidRequest
        The prompt does not fit the columns, or there is a limit to the cost, which no partition knows of.
    """
    from tether_jupyter.frames.mapping import map_source
    from tether_jupyter.frames.pandas import PandasSource

    if job.max_cost is not None:
        raise InvalidRequest(
            "`max_cost` cannot be kept across partitions, which know nothing of each other. See what it "
            "costs with `dry_run=True`, and leave `max_cost` out."
        )
    if job.dry_run:
        # How many rows there are is known when all is computed.
        return map_source(PandasSource(frame.head(FIRST, npartitions=-1)), job, whole=False)
    schema = job.parsed()
    columns = columns_of(schema, job.name)
    source = PandasSource(frame._meta)
    if isinstance(job.prompt, str):
        source.check(columns, Template(job.prompt, source.columns).names)
    # Nobody is there to be asked, or to look at a bar, where a partition is computed.
    part = replace(job, confirm=False, progress=False, concurrency=job.concurrency or PER_PARTITION)
    empty = Outcome([], {name: [] for name in columns.fields}, [], [])
    meta = source.build(columns, empty)
    return frame.map_partitions(ask_partition, part, meta=meta)


def ask_partition(partition: Any, job: Job) -> Any:
    """Return one partition with its answers."""
    from tether_jupyter.frames.mapping import map_source
    from tether_jupyter.frames.pandas import PandasSource

    return map_source(PandasSource(partition), job)
