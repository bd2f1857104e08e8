"""dask: partitions are asked about where they lie, and the token shows nowhere."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import dask
import dask.dataframe as dd
import pandas as pd
import pytest
from dask.base import tokenize

from tests.support.fake_rows import TOKEN, FakeRows
from tether_jupyter.errors import InvalidRequest


@pytest.fixture
def frame() -> Any:
    return dd.from_pandas(pd.DataFrame({"text": [f"row {n};" for n in range(12)]}), npartitions=3)


def test_partitions_are_asked_about_when_they_are_computed(fake: FakeRows, frame: Any) -> None:
    fake.answer = lambda request: '{"label": "b", "n": 1}'
    found = frame.tether.map("Judge: {text}", schema="label one of a|b, n int")
    assert fake.requests == []
    assert found.npartitions == 3
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == {
        "text": "string", "label": "category", "n": "Int64", "error": "str",
    }  # fmt: skip
    made = found.compute(scheduler="threads")
    assert len(fake.requests) == 12
    assert made["label"].tolist() == ["b"] * 12
    assert str(made.dtypes["n"]) == "Int64"
    assert str(made.dtypes["label"]) == "category"


def test_a_cluster_asks_the_server_that_was_named(
    fake: FakeRows, frame: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from distributed import Client, LocalCluster

    monkeypatch.delenv("JUPYTER_SERVER_URL")
    monkeypatch.delenv("JUPYTER_TOKEN")
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        found = frame.tether.map("Say {text}", url=fake.url, token=TOKEN).compute()
    assert found["answer"].tolist() == [f"SAY ROW {n};" for n in range(12)]


def test_the_token_stands_in_no_repr_and_no_name(fake: FakeRows, frame: Any) -> None:
    found = frame.tether.map("Say {text}", url=f"{fake.url}?token={TOKEN}")
    graph = dict(found.__dask_graph__())
    assert TOKEN not in repr(found) + repr(found.expr) + repr(graph) + found.expr.tree_repr()
    assert TOKEN not in " ".join(map(str, graph))
    other = frame.tether.map("Say {text}", url=fake.url, token="another")
    assert tokenize(found.expr.operands[2:]) == tokenize(other.expr.operands[2:])
    assert fake.url in str(found.compute(scheduler="threads")) + fake.url


def test_another_prompt_is_another_task(frame: Any) -> None:
    first, second = frame.tether.map("Say {text}"), frame.tether.map("Tell {text}")
    assert first._name != second._name
    assert first._name == frame.tether.map("Say {text}")._name


def test_a_job_can_be_sent_to_another_process(fake: FakeRows) -> None:
    from tether_jupyter.client.discovery import server_at
    from tether_jupyter.frames.job import Job

    job = Job("Say {text}", "label one of a|b", None, None, None, {}, None, 5, True, True, False, True, None,
              None, server_at(fake.url, TOKEN))  # fmt: skip
    assert pickle.loads(pickle.dumps(job)) == job  # noqa: S301
    assert TOKEN not in repr(job)


def test_workers_share_the_cache(fake: FakeRows, frame: Any, tmp_path: Path) -> None:
    frame.tether.map("Say {text}").compute(scheduler="threads")
    frame.repartition(npartitions=2).tether.map("Say {text}").compute(scheduler="threads")
    assert len(fake.requests) == 12


def test_a_dry_run_asks_about_three_rows_and_tells_of_a_thousand(fake: FakeRows, frame: Any) -> None:
    found = frame.tether.map("Say {text}", dry_run=True)
    assert found.rows["answer"].tolist() == ["SAY ROW 0;", "SAY ROW 1;", "SAY ROW 2;"]
    assert found.estimate.rows is None
    assert found.estimate.tokens == 12_000
    assert "each 1,000 rows" in str(found.estimate)


def test_a_series_is_mapped_as_well(fake: FakeRows, frame: Any) -> None:
    found = frame["text"].tether.map("Say {value}").compute(scheduler="threads")
    assert found["answer"].tolist() == [f"SAY ROW {n};" for n in range(12)]


def test_what_cannot_be_is_said_before_anything_is_computed(frame: Any) -> None:
    with pytest.raises(InvalidRequest, match="no column `txt`"):
        frame.tether.map("Say {txt}")
    with pytest.raises(InvalidRequest, match="`max_cost` cannot be kept"):
        frame.tether.map("Say {text}", max_cost=1)
    with pytest.raises(InvalidRequest, match="no type"):
        frame.tether.map("Say {text}", schema="a itn")
    assert dask.is_dask_collection(frame)
