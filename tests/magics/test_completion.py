"""Completion behind `%tether`: commands, options, names and variables, with jedi and without."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from tests.support.fake_tether import FakeTether, model
from tests.support.kernels import Kernel
from tether_jupyter.client.sync import Client

Complete = Callable[[str], list[str]]


@pytest.fixture(params=[True, False], ids=["jedi", "no jedi"])
def complete(shell: InteractiveShell, tether: FakeTether, request: pytest.FixtureRequest) -> Complete:
    """Return what would be offered at the end of a cell, as the whole words that would stand there."""
    shell.Completer.use_jedi = request.param
    tether.models = {"models": [model("tiny"), model("gpt", backend="openai"), model("far", installed=False)]}
    tether.presets["magic"] = {"presets": [{"name": "kind", "values": {}, "active": False}], "active": None}
    shell.user_ns |= {"sales": pd.DataFrame({"price": [1], "two words": [2]}), "rate": 1}

    def run(cell: str) -> list[str]:
        with provisionalcompleter():
            return [found.text for found in shell.Completer.completions(cell, len(cell))]

    return run


@pytest.mark.parametrize(
    ("cell", "offered"),
    [
        ("%tether hist", ["history"]),
        ("%tether ex", ["explain", "export"]),
        ("%tether --sch", ["--schema"]),
        ("%tether -t 0 --pres", ["--presence-penalty", "--preset", "--presets"]),
        ("%%tether --see ", ["off", "samples", "schema", "values"]),
        ("%tether --see sa", ["samples"]),
        ("%tether -m ", ["local:tiny", "openai:gpt"]),
        ("%tether --model open", ["openai:gpt"]),
        ("%tether --preset k", ["kind"]),
        ("%tether use ki", ["kind"]),
        ("%tether what of @sa", ["@sales"]),
        ("%%tether\nwhat of @sa", ["@sales"]),
        ("%%tether\nwhat of @sales.pr", ["@sales.price"]),
        ("x = 1\n%tether what of @SAL", ["@sales"]),
    ],
)
def test_what_is_offered(complete: Complete, cell: str, offered: list[str]) -> None:
    assert complete(cell) == offered


@pytest.mark.parametrize(
    "cell", ["%tether why is it so", "%tether mail ada@exam", "%%tether\nwrite `@sa", "print(sal", "@sal"]
)
def test_nothing_of_this_is_offered_elsewhere(complete: Complete, cell: str) -> None:
    assert not [found for found in complete(cell) if found.startswith(("@", "-", "his"))]


def test_python_is_completed_as_ever(complete: Complete) -> None:
    assert "sales" in complete("sal")


def test_typing_never_waits_for_a_server_and_has_its_names_the_next_time(
    complete: Complete, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, goes_on = threading.Event(), threading.Event()
    models = Client.models

    def late(self: Client) -> dict[str, Any]:
        assert goes_on.wait(20)
        return models(self)

    def presets(self: Client, client_id: str = "api") -> dict[str, Any]:
        answered.set()
        return {"presets": []}

    monkeypatch.setattr(Client, "models", late)
    monkeypatch.setattr(Client, "presets", presets)
    assert "local:tiny" not in complete("%tether -m "), "the server is still silent"
    goes_on.set()
    assert answered.wait(20)
    assert complete("%tether -m ") == ["local:tiny", "openai:gpt"]


def test_it_goes_with_the_extension(shell: InteractiveShell, tether: FakeTether) -> None:
    shell.extension_manager.reload_extension("tether_jupyter.magics")
    with provisionalcompleter():
        assert [found.text for found in shell.Completer.completions("%tether hist", 12)] == ["history"]
    shell.extension_manager.unload_extension("tether_jupyter.magics")
    with provisionalcompleter():
        assert "history" not in [found.text for found in shell.Completer.completions("%tether hist", 12)]


def test_a_notebook_is_offered_the_same(kernel: Kernel, tether: FakeTether) -> None:
    kernel.run("revenue = 7")
    request = kernel.client.complete("%%tether\nwhat of @reven")
    reply = kernel.client.get_shell_msg(timeout=20)
    assert reply["parent_header"]["msg_id"] == request
    assert reply["content"]["matches"] == ["@revenue"]
