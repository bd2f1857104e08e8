"""`%tether status`: three lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.fake_tether import FakeTether

Said = Callable[..., str]
GPU = [
    {"name": "CPU", "kind": "cpu", "memory_free": 5},
    {"name": "CUDA0", "description": "H100", "kind": "gpu", "memory_free": 2_000_000_000},
]


def test_is_the_server_the_model_and_the_history(tether: FakeTether, said: Said) -> None:
    tether.health |= {"version": "9.9", "database": {"kind": "sqlite", "problem": None}}
    tether.health["llm_service"] = {"ready": True, "engine": {"running": 2, "progress": 1.0}}
    assert said("status") == (
        f"Server   {tether.url} (this machine), Tether 9.9\n"
        "Model    local:tiny, on this machine, ready, 2 answering\n"
        "History  kept on the server's disk (SQLite)\n"
    )


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({"llm_service": {"ready": False}}, "loads with the first question"),
        ({"llm_service": {"ready": False, "engine": {"progress": 0.38}}}, "loading, 38 %"),
        (
            {"problem": "There is no such file.", "status": "unhealthy"},
            "cannot answer: There is no such file.",
        ),
        ({"demo": True}, "the demo model, which knows little"),
        ({"place": "api.example.org"}, "at api.example.org"),
        (
            {"gpu": {"layers": 33, "layers_on_gpu": 33, "devices": GPU}},
            "33 of 33 layers on H100 (2.00 GB free)",
        ),
        ({"gpu": {"layers": 33, "layers_on_gpu": 0, "devices": []}}, "local:tiny, on this machine, loads"),
        ({"database": {"kind": "memory", "problem": None}}, "in memory, gone when the server ends"),
        ({"database": {"kind": "memory", "problem": "The disk is full."}}, "memory: The disk is full."),
    ],
)
def test_says_what_is_wrong_or_on_its_way(
    tether: FakeTether, said: Said, known: dict[str, Any], told: str
) -> None:
    tether.health |= known
    if known.get("status") == "unhealthy":
        tether.health_status = 503
    assert told in said("status")
