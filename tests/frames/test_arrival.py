"""Frames have their `.tether` as soon as both sides are loaded, and nothing is loaded for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

HAS = "print(hasattr(pandas.DataFrame, 'tether') and hasattr(pandas.Series, 'tether'))"


def said(code: str, *options: str) -> list[str]:
    """Return what a fresh Python prints."""
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    "code",
    [
        f"import tether_jupyter, pandas; {HAS}",
        f"import pandas, tether_jupyter; {HAS}",
        f"import tether_jupyter, pandas.api.extensions; {HAS}",
        f"import tether_jupyter, dask.dataframe, pandas; {HAS}",
        f"from tether_jupyter import errors; import pandas; {HAS}",
        "import tether_jupyter, polars; print(hasattr(polars.DataFrame, 'tether'))",
        "import tether_jupyter, polars; print(hasattr(polars.Series, 'tether'))",
        "import polars, tether_jupyter; print(hasattr(polars.LazyFrame, 'tether'))",
        "import tether_jupyter, dask.dataframe as dd; print(hasattr(dd.DataFrame, 'tether'))",
        "import dask.dataframe as dd, tether_jupyter; print(hasattr(dd.Series, 'tether'))",
    ],
)
def test_frames_have_it_whoever_comes_first(code: str) -> None:
    assert said(code, "-W", "error::UserWarning") == ["True"]


def test_importing_tether_loads_no_library_and_little_of_itself() -> None:
    code = "import sys; before = set(sys.modules); import tether_jupyter; new = set(sys.modules) - before; "
    code += "print([m for m in new if m.partition('.')[0] in ('pandas', 'polars', 'dask', 'numpy')], "
    code += "sorted(m for m in new if m.startswith('tether_jupyter.')))"
    assert "".join(said(code)) == "[]['tether_jupyter.frames','tether_jupyter.frames.arrival']"


def test_it_goes_when_nothing_is_left_to_wait_for() -> None:
    code = "import sys, tether_jupyter; from tether_jupyter.frames.arrival import Arrival; "
    code += "import pandas, polars, dask.dataframe; "
    code += "print(any(isinstance(each, Arrival) for each in sys.meta_path))"
    assert said(code) == ["False"]


def test_a_module_that_is_not_there_still_is_not() -> None:
    code = "import sys, tether_jupyter\n"
    code += "sys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
    code += "try:\n    import pandas\nexcept ModuleNotFoundError as reason:\n    print(reason.name)"
    assert said(code) == ["pandas"]


def test_the_module_and_its_loader_look_as_if_nobody_had_been_there() -> None:
    code = "import tether_jupyter, pandas, importlib, inspect; "
    code += "print(type(pandas.__loader__).__name__, 'exec_module' in vars(pandas.__loader__), "
    code += "inspect.getsource(pandas)[:3] == '' or 'ok', importlib.reload(pandas) is pandas)"
    assert said(code) == ["SourceFileLoader", "False", "ok", "True"]


def test_a_failure_to_register_never_fails_an_import() -> None:
    code = "import sys, tether_jupyter; sys.modules['tether_jupyter.frames.accessor'] = None; "
    code += "import pandas; print('ok')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "ok"
    assert "pandas has no `.tether`" in done.stderr
    assert "Traceback" not in done.stderr


def test_star_import_leaves_pythons_own_map() -> None:
    assert said("from tether_jupyter import *; print(map.__module__)") == ["builtins"]
