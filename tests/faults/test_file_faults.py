"""Model files that are damaged, hostile, or changed under a model that is running."""

from __future__ import annotations

import asyncio
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import broken_models, gguf_bytes, tiny_gguf
from tests.support import local_models as lm
from tests.support.damage import Damage
from tether_jupyter.errors import ModelNotReady
from tether_jupyter.llm.local import gguf

ANY = {"done", "model_not_ready", "engine_crashed", "context_overflow"}
TEMPLATE_SECONDS = 1.0


def put(path: Path, data: bytes) -> None:
    """Replace a file at once, as whoever fetches a model does."""
    path.with_suffix(".new").write_bytes(data)
    path.with_suffix(".new").replace(path)


@pytest.mark.parametrize("kind", broken_models.DAMAGES)
def test_a_damaged_file_is_refused_or_ends_its_worker_alone(
    kind: str, endless: Path, tmp_path: Path, times: int, damage: Callable[[str], Damage]
) -> None:
    record, sound, path = damage(f"{kind} file"), endless.read_bytes(), tmp_path / "model.gguf"
    put(path, sound)

    async def run() -> None:
        async with lm.running(path) as local, record.bystander():
            for number in range(times):
                await asyncio.to_thread(put, path, broken_models.DAMAGES[kind](sound, number))
                assert await record.turn(local, "hi") in ANY
                await local.cleanup()
                await asyncio.to_thread(put, path, sound)
                await record.recover(local)
                await local.cleanup()

    asyncio.run(run())


def test_a_file_that_is_cut_under_a_running_model_is_told_and_mended_by_the_next_file(
    endless: Path, tmp_path: Path, times: int, damage: Callable[[str], Damage]
) -> None:
    record, sound, path = damage("cut while mapped"), endless.read_bytes(), tmp_path / "model.gguf"
    put(path, sound)

    async def run() -> None:
        async with lm.running(path) as local, record.bystander():
            for _ in range(times):
                await local.initialize()
                assert await record.turn(local, "hi", lambda: os.truncate(path, 4096)) == "engine_crashed"
                with pytest.raises(ModelNotReady, match="no model that can be loaded"):
                    await lm.ask(local, "hi")
                await asyncio.to_thread(put, path, sound)
                await record.recover(local)

    asyncio.run(run())


def test_a_file_that_is_overwritten_under_a_running_model_ends_its_worker_at_most(
    endless: Path, tmp_path: Path, times: int, damage: Callable[[str], Damage]
) -> None:
    record, sound, path = damage("overwritten while mapped"), endless.read_bytes(), tmp_path / "model.gguf"
    put(path, sound)

    def overwrite() -> None:
        with path.open("r+b") as file:
            file.write(os.urandom(len(sound)))

    async def run() -> None:
        async with lm.running(path) as local, record.bystander():
            for _ in range(times):
                await local.initialize()
                assert await record.turn(local, "hi", overwrite) in ANY
                await local.cleanup()
                await asyncio.to_thread(put, path, sound)
                await record.recover(local)

    asyncio.run(run())


TEMPLATES = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "loops while it is compiled": "{{ 7 ** 999999999 }}",
    "allocates": "{% set s = namespace(t='x') %}{% for a in [1] * 99 %}{% set s.t = s.t ~ s.t %}{% endfor %}",
    "allocates at once": "{{ 'x' * 99999999999 }}",
    "writes without end": "{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
    "calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "is deep": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "reaches out": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_hostile_template_ends_the_turn_and_nothing_else(
    kind: str, endless: Path, tmp_path: Path, times: int, damage: Callable[[str], Damage]
) -> None:
    record = damage(f"template {kind}"[:24])
    pieces = [f" w{number}" for number in range(20)]
    path = tiny_gguf.write(tmp_path / "hostile.gguf", says=pieces, again=True, template=TEMPLATES[kind])
    hostile, sound = path.read_bytes(), endless.read_bytes()

    async def run() -> None:
        async with lm.running(path, template_seconds=TEMPLATE_SECONDS) as local, record.bystander():
            await local.initialize()
            pid = local.pid
            for _ in range(times):
                assert await record.turn(local, "hi") == "invalid_request"
            assert local.pid == pid
            await local.cleanup()
            await asyncio.to_thread(put, path, sound)
            await record.recover(local)

    assert hostile != sound
    asyncio.run(run())


@pytest.mark.parametrize(
    "entries",
    [
        {f"general__note{number}": "x" * (1 << 20) for number in range(48)},
        {f"tokenizer__chat_template__{number}": "x" * (1 << 20) for number in range(48)},
        {f"x{number}".ljust(60_000, "k"): number for number in range(800)},
    ],
    ids=["texts", "templates", "keys"],
)
def test_a_head_full_of_long_entries_does_not_fill_the_servers_memory(
    entries: dict[str, str | int], tmp_path: Path
) -> None:
    path = tmp_path / "bomb.gguf"
    path.write_bytes(gguf_bytes.model(**entries))
    tracemalloc.start()
    try:
        refused = False
        try:
            gguf.read_header(path)
        except gguf.GGUFError:
            refused = True
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20
    assert refused is ("general__note0" not in entries and "tokenizer__chat_template__0" not in entries)
