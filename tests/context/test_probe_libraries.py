"""What a look tells of the tables and arrays of libraries, and what it leaves alone."""

from __future__ import annotations

import datetime as dt
import sys
import types
from pathlib import Path
from typing import Any

import dask
import dask.array
import dask.bag
import dask.dataframe
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest
import xarray as xr

from tests.context.test_probe import told
from tether_jupyter.context.probe import look


def column(x: Any, name: str, level: str = "samples") -> dict[str, Any]:
    """Return what is told of one column."""
    return next(dict(entry) for entry in told(x, level)["columns"] if entry["name"] == name)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "n": [1, 2, 3],
            "f": [0.5, None, 2.5],
            "s": ["a", None, "c\nd"],
            "o": np.array([None, {"k": 1}, float("nan")], dtype=object),
            "c": pd.Categorical(["u", None, "u"]),
            "i": pd.array([1, None, 3], dtype="Int64"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "d": pd.to_datetime(["2024-01-10", None, "2024-02-20 10:30"], format="ISO8601"),
            "z": pd.to_datetime(["2024-01-10", None, "2024-02-20"], utc=True),
            "t": pd.to_timedelta(["1h", None, "2h"]),
            "a": pd.array([1, None, 3], dtype="int64[pyarrow]"),
            "p": pd.arrays.PeriodArray(pd.PeriodIndex(["2024-01", "NaT", "2024-03"], freq="M")),
            "v": pd.arrays.IntervalArray.from_tuples([(0, 1), None, (1, 2)]),
            "x": pd.arrays.SparseArray([0.0, np.nan, 1.0]),
        },
        index=pd.Index([10, 20, 30], name="row"),
    )


def test_a_data_frame_tells_its_columns(frame: pd.DataFrame) -> None:
    found = told(frame)
    assert found["type"] == "pandas.DataFrame"
    assert found["shape"] == [3, 14]
    assert found["index"] == "Index (row)"
    assert {entry["name"]: entry["nulls"] for entry in found["columns"]} == {
        **dict.fromkeys("fscibdztapvx", 1),
        "n": 0,
        "o": 2,
    }
    assert [entry["dtype"] for entry in found["columns"]][:2] == ["int64", "float64"]


def test_at_schema_no_data_is_told(frame: pd.DataFrame) -> None:
    found = told(frame)
    assert "rows" not in found
    assert not any("min" in entry or "max" in entry for entry in found["columns"])


def test_ranges_are_of_numbers_and_dates(frame: pd.DataFrame) -> None:
    ranges = {e["name"]: (e["min"], e["max"]) for e in told(frame, "samples")["columns"] if "min" in e}
    assert ranges["n"] == ("1", "3")
    assert ranges["f"] == ("0.5", "2.5")
    assert ranges["i"] == ("1", "3")
    assert ranges["d"] == ("2024-01-10", "2024-02-20 10:30:00")
    assert ranges["z"] == ("2024-01-10 UTC", "2024-02-20 UTC")
    assert not {"s", "o", "c", "b"} & set(ranges)


def test_the_first_rows_stand_under_their_names(frame: pd.DataFrame) -> None:
    lines = told(frame[["n", "f", "s"]], "samples")["rows"].split("\n")
    assert [line.split() for line in lines] == [
        ["n", "f", "s"],
        ["10", "1", "0.5", "a"],
        ["20", "2", "null", "null"],
        ["30", "3", "2.5", "c⏎d"],
    ]
    many = pd.DataFrame({"n": range(100)})
    assert len(told(many, "samples")["rows"].split("\n")) == 6
    assert len(told(many, "values")["rows"].split("\n")) == 21


def test_a_column_whose_name_says_that_it_is_secret_shows_nothing() -> None:
    for made in (pd.DataFrame, pl.DataFrame, pa.table):
        x = made({"user": ["ada"], "password": ["hunter2"], "api_key": [4711]})
        text = str(told(x, "values"))
        assert "ada" in text
        assert "hunter2" not in text
        assert "4711" not in text


def test_of_a_long_column_a_part_is_looked_at_and_named() -> None:
    n = 1_000_000
    values = np.arange(n, dtype=float)
    values[::2] = np.nan
    found = column(pd.DataFrame({"f": values, "n": np.arange(n)}), "f")
    assert found["nulls_of"] == found["range_of"] < n
    # What repeats by two, ten or a hundred is not all of one kind in the part.
    assert 0.49 < found["nulls"] / found["nulls_of"] < 0.51
    assert "nulls_of" not in column(pd.DataFrame({"n": np.arange(n)}), "n", "schema")


def test_columns_of_one_name_and_of_several_levels() -> None:
    twice = pd.DataFrame([[1, 2.5]], columns=["a", "a"])
    assert [entry["dtype"] for entry in told(twice)["columns"]] == ["int64", "float64"]
    deep = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("x", 1), ("x", 2)]))
    assert [entry["name"] for entry in told(deep)["columns"]] == ["('x', 1)", "('x', 2)"]


def test_a_wide_table_tells_fifty_columns_and_how_many_more() -> None:
    for x in (
        pd.DataFrame(np.zeros((2, 300)), columns=[f"c{n}" for n in range(300)]),
        pl.DataFrame({f"c{n}": [0] for n in range(300)}),
        pa.table({f"c{n}": [0] for n in range(300)}),
    ):
        found = look({"x": x}, max_bytes=100_000, seconds=5)["variables"][0]
        assert (len(found["columns"]), found["columns_left"]) == (50, 250)
        small = look({"x": x}, max_bytes=1_000, seconds=5)["variables"][0]
        assert len(small["columns"]) + small["columns_left"] == 300


def test_one_column_may_be_asked_for() -> None:
    frames = [
        pd.DataFrame(np.zeros((2, 300)), columns=[f"c {n}" for n in range(300)]),
        pl.DataFrame({f"c {n}": [0] for n in range(300)}),
        pa.table({f"c {n}": [0] for n in range(300)}),
    ]
    for x in frames:
        found = look({"x": x}, ["x['c 299']"], seconds=5)["variables"][0]
        assert [entry["name"] for entry in found["columns"]] == ["c 299"]
        assert "columns_left" not in found
        assert look({"x": x}, ["x.nope"], seconds=5)["missing"] == ["x.nope"]


def test_series_and_indexes() -> None:
    found = told(pd.Series([1.5, None], name="f", index=["a", "b"]), "samples")
    assert (found["shape"], found["dtype"], found["nulls"], found["min"]) == ([2], "float64", 1, "1.5")
    assert told(pd.RangeIndex(10**9))["shape"] == [10**9]
    assert told(pd.MultiIndex.from_product([[1, 2], ["a"]], names=["n", "s"]))["index"] == "MultiIndex (n, s)"
    assert told(pd.date_range("2024-01-01", periods=3), "samples")["max"] == "2024-01-03"
    assert told(pd.Index(["a", "b"]), "samples")["value"] == "[a, b]"


def test_empty_tables() -> None:
    for x in (pd.DataFrame(), pd.DataFrame({"a": []}), pl.DataFrame(), pl.DataFrame({"a": []}), pa.table({})):
        found = told(x, "values")
        assert found["shape"][0] == 0
        assert "note" not in found
    assert "note" not in told(pd.Series([], dtype=float), "values")
    assert "note" not in told(np.zeros((0, 3)), "values")


def test_pandas_is_left_as_it_was(frame: pd.DataFrame) -> None:
    x = frame.copy()
    x._cache_probe = 1
    before = dict(x.__dict__)
    look({"x": x}, level="values")
    assert x.__dict__.keys() == before.keys()
    # Nothing refers to its values: a change in place copies nothing.
    assert not any(block.refs.has_reference() for block in x._mgr.blocks)


def test_a_polars_frame_tells_its_columns() -> None:
    x = pl.DataFrame(
        {
            "n": [1, None, 3],
            "d": [dt.date(2024, 1, 1), None, dt.date(2024, 1, 3)],
            "l": [[1], None, [2, 3]],
            "c": pl.Series(["a", None, "a"], dtype=pl.Categorical),
            "o": pl.Series([object(), None, object()], dtype=pl.Object),
        }
    )
    found = told(x, "samples")
    assert found["shape"] == [3, 5]
    assert [entry["nulls"] for entry in found["columns"]] == [1] * 5
    assert column(x, "d")["max"] == "2024-01-03"
    assert "<object>" in found["rows"]
    assert told(pl.Series("n", [1, None]), "samples")["nulls"] == 1


def test_a_type_holds_no_data() -> None:
    x = pl.DataFrame({"e": pl.Series(["ada"], dtype=pl.Enum(["ada", "bob"]))})
    assert column(x, "e", "schema")["dtype"] == "Enum"
    names = pl.Enum(["Ada (x)", "O'Hara", 'b"]) \\', "[Bob]"])
    for dtype, text in [
        (pl.List(names), "List(Enum)"),
        (pl.Array(names, 1), "Array(Enum, shape=(1,))"),
        (pl.Struct({"a": names, "n": pl.Int8}), "Struct({'a': Enum, 'n': Int8})"),
    ]:
        assert told(pl.Series("x", [], dtype=dtype), "schema")["dtype"] == text
    sparse = pd.DataFrame({"s": pd.arrays.SparseArray([4711, 4711, 1], fill_value=4711)})
    assert column(sparse, "s", "schema")["dtype"] == "Sparse[int64]"


def test_where_room_is_short_a_large_table_is_told_before_small_things() -> None:
    namespace: dict[str, Any] = {"table": pd.DataFrame({"price": [1.5], "city": ["Bonn"]})}
    namespace |= {f"number_{n:03}": n for n in range(300)}
    found = look(namespace, seconds=5)
    assert found["variables"][0]["name"] == "table"
    assert len(found["variables"][0]["columns"]) == 2
    # The others have a line each, or at least their name.
    assert len(found["variables"]) > 60
    assert found["variables"][1] == {"name": "number_299", "type": "int"}
    assert len(found["left_out"]) > 60


def test_what_is_lazy_is_not_computed(tmp_path: Path) -> None:
    computed = []

    def compute(part: Any) -> Any:
        computed.append(part)
        return part

    lazy_polars = pl.LazyFrame({"a": [1]}).map_batches(compute)
    lazy_dask = dask.dataframe.from_pandas(pd.DataFrame({"a": [1, 2]}), npartitions=2)
    mapped = lazy_dask.map_partitions(compute, meta={"a": "int64"})
    array = dask.array.ones((1000, 10), chunks=(100, 10)).map_blocks(compute, dtype=float)
    bag = dask.bag.from_sequence([1, 2]).map(compute)
    later = dask.delayed(compute)(1)
    computed.clear()
    namespace = {
        "p": lazy_polars,
        "d": mapped,
        "array": array,
        "bag": bag,
        "later": later,
        "s": lazy_dask["a"],
    }
    found = {v["name"]: v for v in look(namespace, level="values", seconds=5)["variables"]}
    assert computed == []
    assert all(variable["note"].startswith("lazy: not computed") for variable in found.values())
    assert found["array"]["shape"] == [1000, 10]


def test_a_dask_frame_tells_the_schema_that_it_keeps() -> None:
    x = dask.dataframe.from_pandas(pd.DataFrame({"a": [1, 2], "s": ["x", "y"]}), npartitions=1)
    assert [entry["name"] for entry in told(x)["columns"]] == ["a", "s"]
    assert "min" not in told(x, "values")["columns"][0]


def test_a_numpy_array_tells_shape_nulls_and_range() -> None:
    x = np.array([[1.0, np.nan], [3.0, 4.0]])
    found = told(x, "samples")
    assert (found["shape"], found["dtype"], found["nulls"]) == ([2, 2], "float64", 1)
    assert (found["min"], found["max"], found["value"]) == ("1", "4", "[1.0, nan, 3.0, 4.0]")
    assert told(x.T[:, ::-1], "samples")["nulls"] == 1
    assert told(np.array(5))["shape"] == []
    assert told(np.array(["2024-01-01"], "M8[ns]"), "samples")["value"].startswith("['2024-01-01")
    assert told(np.array([None, 1, "x"]), "samples")["nulls"] == 1
    assert told(np.zeros(2, [("a", "i4"), ("b", "U3")]))["columns"][1] == {"name": "b", "dtype": "<U3"}
    assert told(np.float32(1.5), "samples")["value"] == "1.5"


def test_a_strided_array_is_not_copied() -> None:
    x = np.zeros((3000, 3000))[::2, ::2]
    found = told(x, "samples")
    assert found["nulls_of"] < x.size
    assert found["value"].endswith("2,250,000 in all]")


def test_what_stands_in_a_file_is_not_read(tmp_path: Path) -> None:
    x = np.memmap(tmp_path / "big", dtype=float, mode="w+", shape=(100,))
    for mapped in (x, x[:10], np.asarray(x), pd.DataFrame({"a": np.asarray(x)}, copy=False)):
        found = told(mapped, "values")
        assert "min" not in str(found)
    assert told(x)["note"].startswith("mapped from a file")


def test_masked_arrays_say_so() -> None:
    assert told(np.ma.masked_array([1, 2], [True, False]))["note"] == "masked"


def test_xarray_tells_dimensions_and_what_is_in_memory() -> None:
    array = xr.DataArray(np.ones((2, 3)), dims=("t", "x"), coords={"t": [1, 2]}, name="a")
    found = told(array, "samples")
    assert (found["shape"], found["index"], found["min"]) == ([2, 3], "(t, x)", "1")
    both = told(xr.Dataset({"a": array, "lazy": array.chunk()}))
    assert both["index"] == "t: 2, x: 3"
    assert {entry["name"] for entry in both["columns"]} == {"a (t, x)", "t (t)", "lazy (t, x)"}
    lazy = told(array.chunk(), "values")
    assert lazy["note"].startswith("lazy")
    assert "min" not in lazy


def test_arrow_tells_its_schema_and_ranges_only_where_computing_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = pa.table({"n": [1, None, 3], "s": ["a", "b", None]})
    assert column(x, "n") | {"min": "1", "max": "3"} == {
        "name": "n",
        "dtype": "int64",
        "nulls": 1,
        "min": "1",
        "max": "3",
    }
    monkeypatch.delitem(sys.modules, "pyarrow.compute", raising=False)
    assert "min" not in column(x, "n")
    assert "pyarrow.compute" not in sys.modules
    assert told(pa.array([1, None]))["nulls"] == 1
    assert told(pa.chunked_array([[1], [None]]))["shape"] == [2]
    assert told(x.to_batches()[0])["shape"] == [3, 2]


def test_a_pydantic_model_tells_what_it_keeps() -> None:
    class Settings(pydantic.BaseModel):
        rate: float = 0.5
        password: str = "hunter2"

        @pydantic.computed_field  # type: ignore[prop-decorator]
        @property
        def costly(self) -> int:
            raise AssertionError

    found = told(Settings(), "values")
    assert found["fields"] == [{"name": "rate", "type": "float"}, {"name": "password", "type": "str"}]
    assert found["value"] == "rate=0.5, password=…"


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stand in for a library that is not installed: modules that hold classes of the right names."""

    def make(**modules: dict[str, type]) -> None:
        for dotted, classes in modules.items():
            name = dotted.replace("__", ".")
            module = types.ModuleType(name)
            for key, cls in classes.items():
                cls.__module__, cls.__qualname__, cls.__name__ = name, key, key
                setattr(module, key, cls)
            monkeypatch.setitem(sys.modules, name, module)

    return make


def test_a_torch_tensor_and_a_module(library: Any) -> None:
    class Tensor:
        shape = (2, 3)
        dtype = "torch.float32"
        device = "cuda:0"
        layout = "torch.strided"
        requires_grad = True

        def element_size(self) -> int:
            return 4

        def detach(self) -> Any:
            raise AssertionError("a tensor on a device is not waited for")

    class Module:
        def __init__(self, **children: Any) -> None:
            self.__dict__.update(_parameters={"weight": Tensor()}, _modules=children, training=True)

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    library(torch={"Tensor": Tensor}, torch__nn={"Parameter": type("P", (Tensor,), {}), "Module": Module})
    found = told(Tensor(), "values")
    assert (found["shape"], found["dtype"], found["memory"]) == ([2, 3], "torch.float32", 24)
    assert found["note"] == "on cuda:0, requires grad"
    found = told(Module(inner=Module(), same=None))
    assert found["note"] == "12 parameters in 2 modules, on cuda:0, training"
    assert found["fields"][0]["name"] == "inner"
    assert "not looked into" in told(type("Own", (Tensor,), {})())["note"]


def test_an_estimator_tells_its_parameters_and_whether_it_is_fitted(library: Any) -> None:
    class BaseEstimator:
        def __repr__(self) -> str:
            raise AssertionError

    class Ridge(BaseEstimator):
        def __init__(self) -> None:
            self.alpha = 0.5

    library(sklearn__base={"BaseEstimator": BaseEstimator})
    ridge = Ridge()
    assert told(ridge, "samples")["value"] == "alpha=0.5"
    assert told(ridge)["note"] == "not fitted"
    ridge.coef_ = np.ones(3)  # type: ignore[attr-defined]
    assert told(ridge)["note"] == "fitted"
    assert {"name": "coef_", "type": "numpy.ndarray"} in told(ridge)["fields"]


def test_a_figure_tells_its_size(library: Any) -> None:
    class Bbox:
        def __init__(self) -> None:
            self._points = np.array([[0.0, 0.0], [6.4, 4.8]])

    class Figure:
        def __init__(self) -> None:
            self.bbox_inches = Bbox()
            self._localaxes = [1, 2]

    library(matplotlib__figure={"Figure": Figure})
    found = told(Figure(), "values")
    assert (found["note"], found["length"]) == ("6.4 × 4.8 inches", 2)


def test_no_library_is_loaded_by_looking() -> None:
    import subprocess

    code = (
        "import sys; from tether_jupyter.context.probe import look; before = set(sys.modules)\n"
        "class DataFrame: __module__ = 'pandas'\n"
        "look({'x': DataFrame(), 'y': 1}, level='values'); print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
