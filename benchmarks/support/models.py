"""Models whose steps cost real time, made on the spot; nothing is trained, and only a vocabulary is read.

Their tokens are the first of GPT-2's, which llama.cpp's sources hold, so that texts are cut as real ones are.
Weights are random bytes of `q8_0`. What must not be said can not be: the output rows of tokens that end an
answer, control it, or are no whole characters are zero, and zero is never among the forty best.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.support import peer_builds
from tests.support.tiny_gguf import CHATML, SPECIALS, alphabet, spelled

Weights = np.ndarray[Any, np.dtype[np.uint8]]

VOCABULARY = 32_000
BLOCK = 32
MADE_AS = 1
"""Part of the files' names; one more whenever a model of the same name would be written differently."""


@dataclass(frozen=True)
class Shape:
    """A model's measures; the default is 125 million parameters, 134 MB."""

    layers: int = 12
    width: int = 768
    heads: int = 12
    kv_heads: int = 4
    inner: int = 2048
    context: int = 32_768


SMALL = Shape(layers=1, width=128, heads=4, kv_heads=4, inner=128)
"""Hardly a model, with the whole vocabulary: what choosing a token costs is not lost in computing it."""


@dataclass(frozen=True)
class Chain:
    """Answers that are the same every time: each token's successor is fixed.

    The layers are as large as ever and compute as long, but add nothing, so the last token alone decides.

    Parameters
    ----------
    says:
        The pieces of the answer, all different, none of them a line end.
    added:
        Those of them that are no tokens yet.
    """

    says: Sequence[str]
    added: Sequence[str] = field(default=())


def random_model() -> Path:
    """Return a model of 125 million random weights; every answer is as long as it may be."""
    return cached("random-125m", Shape())


def small_model() -> Path:
    """Return a model that computes next to nothing and has 32,000 tokens, with random weights."""
    return cached("random-small", SMALL)


def cached(name: str, shape: Shape, chain: Chain | None = None) -> Path:
    """Return the file of a model; write it where there is none yet."""
    path = peer_builds.folder() / f"{name}-{MADE_AS}.gguf"
    if not path.exists():
        half = path.with_suffix(f".{os.getpid()}")
        write(half, shape, chain)
        half.rename(path)
    return path


def words(count: int, seed: int) -> list[str]:
    """Return different words, each of which is one token with the space before it."""
    known = known_words()
    order = np.random.default_rng(seed).permutation(len(known))
    if count > len(known):
        raise ValueError(f"there are {len(known)} words that are one token, and {count} are asked for")
    return [known[place] for place in order[:count]]


def text(tokens: int, seed: int) -> str:
    """Return a text of so many words, one token each, that is different for each seed."""
    known = known_words()
    return " ".join(known[n] for n in np.random.default_rng(seed).integers(0, len(known), tokens))


_known: list[str] = []


def known_words() -> list[str]:
    """Return the words that are one token, as they stand in a list beside the models."""
    if not _known:
        path = peer_builds.folder() / f"words-{MADE_AS}.txt"
        if not path.exists():
            tokens, _ = vocabulary(0)
            found = [token[1:] for token in tokens if re.fullmatch("Ġ[a-z]{3,10}", token)]
            path.write_text("\n".join(found), encoding="ascii")
        _known.extend(path.read_text(encoding="ascii").split("\n"))
    return _known


def vocabulary(added: int) -> tuple[list[str], list[str]]:
    """Return GPT-2's first tokens, with room for the special ones and some more, and their merges."""
    import gguf

    reader = gguf.GGUFReader(peer_builds.vocabulary("gpt-2"))

    def texts(name: str, count: int) -> list[str]:
        found = reader.fields[f"tokenizer.ggml.{name}"]
        return [bytes(found.parts[place]).decode() for place in found.data[:count]]

    count = VOCABULARY - len(SPECIALS) - added
    return texts("tokens", count), texts("merges", count - 256)


def write(path: Path, shape: Shape, chain: Chain | None) -> None:
    """Write a model."""
    import gguf

    tokens, merges = vocabulary(len(chain.added) if chain else 0)
    tokens += [spelled(piece) for piece in chain.added] if chain else []
    end = len(tokens) + SPECIALS.index("<|im_end|>")
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("benchmark")
    writer.add_vocab_size(VOCABULARY)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")  # With GPT-2's own, llama.cpp takes spaces away when it makes text.
    writer.add_token_list([*tokens, *SPECIALS])
    kinds = [gguf.TokenType.NORMAL] * len(tokens) + [gguf.TokenType.CONTROL] * len(SPECIALS)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(len(tokens))
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)
    for name, array in tensors(shape, tokens, end, chain):
        kind = gguf.GGMLQuantizationType.Q8_0 if array.dtype == np.uint8 else None
        writer.add_tensor(name, array, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(
    shape: Shape, tokens: Sequence[str], end: int, chain: Chain | None
) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield the weights, the same ones every time."""
    random = np.random.default_rng(0)
    width, inner, kv = shape.width, shape.inner, shape.width // shape.heads * shape.kv_heads
    embedding = blocks(random, VOCABULARY, width, deviation=1.0)
    output = np.zeros_like(embedding) if chain else blocks(random, VOCABULARY, width, deviation=0.1)
    if chain:
        said = [tokens.index(spelled(piece)) for piece in chain.says]
        newline = tokens.index(spelled("\n"))
        if len({newline, *said}) != len(said) + 1:
            raise ValueError("every piece of a chain must be another one, and none a line end")
        output[[*said, end]] = embedding[[newline, *said]]
    else:
        output[[n for n in range(VOCABULARY) if n >= len(tokens) or not whole(tokens[n])]] = 0
    yield "token_embd.weight", embedding
    yield "output.weight", output
    yield "output_norm.weight", np.ones(width, np.float32)
    shapes = {"attn_q": (width, width), "attn_k": (kv, width), "attn_v": (kv, width)}
    shapes |= {"ffn_gate": (inner, width), "ffn_up": (inner, width)}
    writes = {"attn_output": (width, width), "ffn_down": (width, inner)}
    for layer in range(shape.layers):
        for norm in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{norm}.weight", np.ones(width, np.float32)
        for name, (rows, columns) in (shapes | writes).items():
            deviation = 0.0 if chain and name in writes else 0.02
            yield f"blk.{layer}.{name}.weight", blocks(random, rows, columns, deviation)


def blocks(random: np.random.Generator, rows: int, columns: int, deviation: float) -> Weights:
    """Return a random matrix in `q8_0`: for each 32 numbers a scale in half precision, then 32 bytes."""
    found = np.empty((rows, columns // BLOCK, 2 + BLOCK), np.uint8)
    scale = np.array(deviation * 3**0.5 / 127, np.float16)
    found[:, :, :2] = np.frombuffer(scale.tobytes(), np.uint8)
    found[:, :, 2:] = random.integers(-127, 128, (rows, columns // BLOCK, BLOCK), np.int8).view(np.uint8)
    return found.reshape(rows, -1)


_bytes = {letter: byte for byte, letter in enumerate(alphabet())}


def whole(token: str) -> bool:
    """Return whether a token stands for whole characters that a terminal can show."""
    try:
        return bytes(_bytes[letter] for letter in token).decode().isprintable()
    except UnicodeDecodeError:
        return False
