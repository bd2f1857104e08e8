"""The reader of GGUF headers, on good files and on hostile ones."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import struct
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import local_models as lm
from tests.support import tiny_gguf
from tether_jupyter.errors import ModelNotReady
from tether_jupyter.llm.local import demo
from tether_jupyter.llm.local.gguf import GGUFError, read_header

UINT8, UINT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 0, 4, 6, 7, 8, 9, 10


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def entry(key: str, kind: int, value: bytes) -> bytes:
    return text(key.encode()) + struct.pack("<I", kind) + value


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


ARCHITECTURE = entry("general.architecture", STRING, text(b"llama"))
BLOCKS = entry("llama.block_count", UINT32, u32(2))
CONTEXT = entry("llama.context_length", UINT32, u32(64))
ENTRIES = [ARCHITECTURE, BLOCKS, CONTEXT]
LONG = 2**63


def tensor(name: bytes = b"t", shape: tuple[int, ...] = (4, 4), kind: int = 0, offset: int = 0) -> bytes:
    sizes = b"".join(map(u64, shape))
    return text(name) + u32(len(shape)) + sizes + u32(kind) + u64(offset)


def model(
    *,
    magic: bytes = b"GGUF",
    version: int = 3,
    tensors: list[bytes] | None = None,
    entries: list[bytes] | None = None,
    n_tensors: int | None = None,
    n_entries: int | None = None,
    data: int = 64,
) -> bytes:
    tensors = [tensor()] if tensors is None else tensors
    entries = ENTRIES if entries is None else entries
    head = magic + u32(version)
    head += u64(len(tensors) if n_tensors is None else n_tensors)
    head += u64(len(entries) if n_entries is None else n_entries)
    head += b"".join(entries) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + bytes(data)


GOOD = model()


def with_entry(*more: bytes) -> bytes:
    return model(entries=[*ENTRIES, *more])


def hostile() -> Iterator[tuple[str, bytes]]:
    """Yield files that no loader should see, each with a name."""
    yield "empty", b""
    yield "text", b"this is a text file, and no model at all\n" * 10
    yield "pickle", b"\x80\x04cos\nsystem\n(S'true'\ntR."
    yield "zip", b"PK\x03\x04" + bytes(100)
    yield "safetensors", u64(2) + b"{}" + bytes(64)
    yield "only the magic", b"GGUF"
    yield "big-endian", b"GGUF" + struct.pack(">I", 3) + GOOD[8:]
    for version in (0, 1, 4, 2**32 - 1):
        yield f"version {version}", model(version=version)
    for count in (0, 2, 2**16 + 1, 2**40, 2**63, 2**64 - 1):
        yield f"{count} tensors", model(n_tensors=count)
        yield f"{count} entries", model(n_entries=count if count != 2 else 4)
    for length in (0x8000, 2**20 + 1, 2**31, 2**32, 2**63, 2**64 - 1, 2**64 - 8):
        yield f"key of {length}", model(entries=[u64(length) + ARCHITECTURE[8:], BLOCKS, CONTEXT])
        yield f"text of {length}", with_entry(entry("general.name", STRING, u64(length)))
        yield f"skipped text of {length}", with_entry(entry("x", STRING, u64(length)))
        yield f"tensor name of {length}", model(tensors=[u64(length) + tensor()[8:]])
        yield f"array of {length} numbers", with_entry(entry("x", ARRAY, u32(UINT64) + u64(length)))
        yield f"array of {length} texts", with_entry(entry("x", ARRAY, u32(STRING) + u64(length)))
    yield "array of arrays", with_entry(entry("x", ARRAY, u32(ARRAY) + u64(1) + u32(ARRAY) + u64(1)))
    for kind in (13, 99, 2**32 - 1):
        yield f"type {kind}", with_entry(entry("x", kind, bytes(8)))
        yield f"array of type {kind}", with_entry(entry("x", ARRAY, u32(kind) + u64(1)))
    for alignment in (0, 1, 3, 24, 33, 2**21, 2**31, 2**32 - 1):
        yield f"alignment {alignment}", with_entry(entry("general.alignment", UINT32, u32(alignment)))
    yield "alignment as text", with_entry(entry("general.alignment", STRING, text(b"32")))
    yield "no architecture", model(entries=[BLOCKS, CONTEXT])
    yield "architecture as number", model(entries=[entry("general.architecture", UINT32, u32(1)), BLOCKS])
    yield (
        "architecture with a path",
        model(entries=[entry("general.architecture", STRING, text(b"../../etc/passwd")), BLOCKS, CONTEXT]),
    )
    yield "no layers", model(entries=[ARCHITECTURE, CONTEXT])
    yield "0 layers", model(entries=[ARCHITECTURE, entry("llama.block_count", UINT32, u32(0)), CONTEXT])
    yield (
        "4 billion layers",
        model(entries=[ARCHITECTURE, entry("llama.block_count", UINT32, u32(2**32 - 1)), CONTEXT]),
    )
    yield (
        "layers as float",
        model(entries=[ARCHITECTURE, entry("llama.block_count", FLOAT32, struct.pack("<f", 2)), CONTEXT]),
    )
    yield (
        "context beyond measure",
        model(entries=[ARCHITECTURE, BLOCKS, entry("llama.context_length", UINT64, u64(2**62))]),
    )
    yield "a key twice", with_entry(ARCHITECTURE)
    yield "a key that is no text", with_entry(text(b"\xff\xfe") + u32(UINT8) + b"\0")
    yield "a template that is no text", with_entry(entry("tokenizer.chat_template", STRING, text(b"\xff")))
    yield "a template of another type", with_entry(entry("tokenizer.chat_template", UINT32, u32(1)))
    yield "demo as number", with_entry(entry("tether.demo", UINT32, u32(1)))
    yield "ceiling as text", with_entry(entry("tether.max_tokens", STRING, text(b"1")))
    for shape in ((), (4,) * 5, (0,), (2**63, 2**63), (2**62, 4), (2**64 - 1,), (2**32, 2**32)):
        yield f"tensor of {shape}", model(tensors=[tensor(shape=shape)])
    for offset in (1, 31, 64, 2**40, 2**63, 2**64 - 32):
        yield f"tensor at {offset}", model(tensors=[tensor(offset=offset)])
    yield "rows that do not fill a block", model(tensors=[tensor(shape=(33, 4), kind=8)], data=4096)
    yield "a tensor twice", model(tensors=[tensor(), tensor()])
    yield "no data", GOOD[:-64]
    yield "one byte short", GOOD[:-1]
    for length in range(8, len(GOOD) - 64, 13):
        yield f"cut at {length}", GOOD[:length]


FILES = list(hostile())


def test_there_are_enough_hostile_files() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize(("name", "content"), FILES, ids=[name for name, _ in FILES])
def test_a_hostile_header_is_refused_at_once(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "hostile.gguf"
    path.write_bytes(content)
    began = time.perf_counter()
    with pytest.raises(GGUFError) as refused:
        read_header(path)
    assert time.perf_counter() - began < 1
    assert 5 < len(str(refused.value)) < 250


def test_what_is_good_is_read(tmp_path: Path) -> None:
    path = tmp_path / "good.gguf"
    path.write_bytes(GOOD)
    header = read_header(path)
    assert (header.architecture, header.block_count, header.context_length) == ("llama", 2, 64)
    assert header.size == len(GOOD)
    assert header.chat_template is None
    assert header.demo is False
    assert header.max_tokens is None


def test_our_own_entries_and_the_template_are_read(tmp_path: Path) -> None:
    path = tiny_gguf.write(tmp_path / "a.gguf", says=["x"], tether_demo=True, tether_max_tokens=77)
    header = read_header(path)
    assert header.demo is True
    assert header.max_tokens == 77
    assert header.chat_template == tiny_gguf.CHATML
    assert header.name == "tiny"


def test_the_demo_model_is_read() -> None:
    header = read_header(demo.PATH)
    assert header.architecture == "llama"
    assert header.chat_template


def test_a_large_claim_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "sparse.gguf"
    path.write_bytes(with_entry(entry("x", ARRAY, u32(STRING) + u64(2**21))))
    os.truncate(path, 2**33)
    tracemalloc.start()
    began = time.perf_counter()
    try:
        with pytest.raises(GGUFError):
            read_header(path)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - began < 20


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(GGUFError, match="regular"):
        read_header(tmp_path / "pipe.gguf")
    with pytest.raises((GGUFError, OSError)):
        read_header(tmp_path)


def test_random_damage_never_ends_in_anything_but_an_answer_or_a_refusal(
    speaking: Path, tmp_path: Path
) -> None:
    whole = speaking.read_bytes()
    chance = random.Random(5)  # noqa: S311 - damage, no secret
    path = tmp_path / "damaged.gguf"
    for _ in range(200):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(6000)] = chance.randrange(256)
        path.write_bytes(damaged)
        with contextlib.suppress(GGUFError):
            read_header(path)


def test_the_service_refuses_a_hostile_file_before_any_worker_starts(tmp_path: Path) -> None:
    path = tmp_path / "hostile.gguf"
    path.write_bytes(model(n_entries=2**40))

    async def run() -> None:
        local = lm.service(path)
        with pytest.raises(ModelNotReady, match=r"'hostile\.gguf' is no model") as refused:
            await lm.ask(local, "hi")
        assert str(tmp_path) not in refused.value.message
        assert local.pid is None
        assert "hostile.gguf" in str((await local.describe())["problem"])
        # Once the file is put right, the next question is answered.
        tiny_gguf.write(path, says=["x"])
        assert lm.answer(await lm.ask(local, "hi")) == "x"
        await local.cleanup()

    asyncio.run(run())
