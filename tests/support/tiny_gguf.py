"""Write tiny GGUF models of the llama architecture: with random weights, or such as say exactly one thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
INFILL = ("<|before|>", "<|after|>", "<|gap|>")
END = 2


@dataclass(frozen=True)
class Shape:
    """A model's measures. The default has about a million parameters and answers 2,000 tokens a second."""

    layers: int = 4
    width: int = 128
    heads: int = 4
    inner: int = 352
    context: int = 512


SLOW = Shape(layers=8, width=512, heads=8, inner=1408, context=4096)
"""About 25 million parameters: an answer of this one lasts long enough to be interrupted."""
ROOMY = Shape(context=2048)
"""As small as the default, for conversations that are longer."""


def write(
    path: str | Path,
    *,
    says: Sequence[str | bytes] | None = None,
    again: bool = False,
    infill: bool = False,
    controls: Sequence[str] = (),
    precise: bool = False,
    shape: Shape = Shape(),
    template: str | None = CHATML,
    tokenizer: str = "gpt-2",
    seed: int = 0,
    **entries: bool | int | str,
) -> Path:
    """Write a model and return its path.

    Parameters
    ----------
    says:
        Pieces, all different, each of which becomes one token: every answer consists of them in this order.
        `None` for random weights, which make random bytes.
    tokenizer:
        llama.cpp's name for the way in which text is cut before it is tokenised.
    again:
        Whether it begins anew after the last piece instead of ending the answer.
    infill:
        Whether it has the tokens for filling in; what it says then comes after the last of them, too.
    controls:
        Those of the pieces that are control tokens.
    precise:
        Weights of 32 bits: logits that were computed in other batches then differ by 0.003 at most, which
        the choices of a random model hardly ever depend on.
    entries:
        Further metadata, such as `tether_demo=True` for `tether.demo`.
    """
    import gguf

    tokens = vocabulary(says or ()) + list(INFILL if infill else ())
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_vocab_size(len(tokens))
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32 if precise else gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(tokenizer)
    writer.add_token_list(tokens)
    control = {*SPECIALS, *INFILL, *controls}
    writer.add_token_types(
        [gguf.TokenType.CONTROL if token in control else gguf.TokenType.NORMAL for token in tokens]
    )
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    for name, token in zip(("pre", "suf", "mid"), INFILL if infill else (), strict=False):
        writer.add_uint32(f"tokenizer.ggml.fim_{name}_token_id", tokens.index(token))
    for name, value in entries.items():
        add_entry(writer, name.replace("_", ".", 1), value)
    chain = [] if says is None else successors(tokens, says, again)
    if chain and infill:
        chain.append((tokens.index(INFILL[-1]), chain[0][1]))
    for name, array in tensors(len(tokens), shape, seed, chain):
        writer.add_tensor(name, array if precise or array.ndim == 1 else array.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return Path(path)


def add_entry(writer: Any, key: str, value: bool | int | str) -> None:
    """Add one entry of metadata, of the type that its value has."""
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    else:
        writer.add_string(key, value)


def alphabet() -> list[str]:
    """Return GPT-2's printable stand-in for each of the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


def spelled(piece: str | bytes) -> str:
    """Return how a piece stands in the vocabulary."""
    letters = alphabet()
    return "".join(letters[byte] for byte in (piece.encode() if isinstance(piece, str) else piece))


def vocabulary(pieces: Sequence[str | bytes]) -> list[str]:
    """Return the tokens: the special ones, the 256 bytes, `he`, and the pieces."""
    known = [*SPECIALS, *alphabet(), "he"]
    return known + [text for text in map(spelled, pieces) if text not in known]


def only(letters: str) -> dict[str, float]:
    """Return a `logit_bias` that leaves a random model no other choice than these letters.

    Between few choices two are seldom so close that it matters how they were rounded.
    """
    tokens = vocabulary(())
    return {str(tokens.index(letter)): 60.0 for letter in letters}


def successors(tokens: Sequence[str], says: Sequence[str | bytes], again: bool) -> list[tuple[int, int]]:
    """Return pairs of a token and the one after it, from the line end that closes a prompt on."""
    said = [tokens.index(spelled(piece)) for piece in says]
    newline = tokens.index(spelled("\n"))
    assert len({newline, *said}) == len(said) + 1, "every piece may stand there once, and none is a line end"
    return list(zip([newline, *said], [*said, said[0] if again else END], strict=True))


def tensors(
    size: int, shape: Shape, seed: int, chain: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield the weights.

    With a chain all layers add nothing, so the last token alone decides: the output row of its successor is
    its own embedding.
    """
    random = np.random.default_rng(seed)
    width, inner = shape.width, shape.inner
    scale = 0.0 if chain else 0.08
    embedding = random.standard_normal((size, width), dtype=np.float32)
    output = (
        np.zeros_like(embedding) if chain else random.standard_normal((size, width), dtype=np.float32) * 0.1
    )
    for token, following in chain:
        output[following] += embedding[token]
    yield "token_embd.weight", embedding
    yield "output.weight", output
    yield "output_norm.weight", np.ones(width, np.float32)
    shapes = dict.fromkeys(["attn_q", "attn_k", "attn_v", "attn_output"], (width, width))
    shapes |= {"ffn_gate": (inner, width), "ffn_up": (inner, width), "ffn_down": (width, inner)}
    for layer in range(shape.layers):
        for norm in ("attn_norm", "ffn_norm"):
            yield f"blk.{layer}.{norm}.weight", np.ones(width, np.float32)
        for name, size_of in shapes.items():
            weights = (
                random.standard_normal(size_of, dtype=np.float32) * scale if scale else np.zeros(size_of)
            )
            yield f"blk.{layer}.{name}.weight", weights.astype(np.float32)
