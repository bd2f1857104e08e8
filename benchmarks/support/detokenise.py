"""Random runs of tokens made into text by Tether, by llama.cpp, and by `llama_cpp.Llama`.

A process of its own, because llama.cpp may end the one that it is in. It takes a vocabulary's file, a number
of runs and a seed, and writes what happened as JSON to standard output.
"""

from __future__ import annotations

import ctypes
import json
import random
import sys
from collections.abc import Sequence
from typing import Any

from tether_jupyter.llm.local import bindings
from tether_jupyter.llm.local.engine.text import TextStream
from tether_jupyter.llm.local.engine.vocabulary import Vocabulary

LONGEST_RUN = 64
LEAD = "a"
"""What stands before each run, as a prompt does before an answer; some families drop a text's first space."""
LONG = 33
"""Bytes of a token from which it does not fit where `llama_cpp.Llama` puts it."""


def main(path: str, runs: int, seed: int) -> dict[str, Any]:
    """Return how many runs there were, how many tokens of each kind, and how many texts were the same."""
    llama = bindings.load()
    llama.llama_backend_init()
    high = llama.Llama(path, vocab_only=True, verbose=False)
    vocabulary = Vocabulary(llama, high._model.vocab)
    every = range(vocabulary.size)
    pieces = [vocabulary.piece(token) for token in every]
    kinds = {
        "any": list(every),
        "partial": [token for token in every if partial(pieces[token])],
        "long": [token for token in every if len(pieces[token]) >= LONG],
    }
    lead = pieces.index(LEAD.encode())
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    found: dict[str, Any] = {
        "runs": runs,
        "same": 0,
        "same_high": 0,
        **dict.fromkeys(kinds, 0),
        "different": [],
    }
    for _ in range(runs):
        run = some(chance, kinds, found)
        text = detokenised(llama, vocabulary, [lead, *run]).removeprefix(LEAD)
        ours = stream(vocabulary, run)
        found["same"] += ours == text
        simple = high.detokenize([lead, *run]).decode("utf-8", "replace").removeprefix(LEAD)
        found["same_high"] += simple == text
        if ours != text and len(found["different"]) < 3:
            found["different"].append(run)
    return found


def some(chance: random.Random, kinds: dict[str, list[int]], counts: dict[str, Any]) -> list[int]:
    """Return a run in which half of the tokens are partial characters or long, where there are such."""
    present = [name for name in ("any", "any", "partial", "long") if kinds[name]]
    names = [chance.choice(present) for _ in range(chance.randint(1, LONGEST_RUN))]
    for name in names:
        counts[name] += 1
    return [chance.choice(kinds[name]) for name in names]


def partial(piece: bytes) -> bool:
    """Return whether a token is no whole characters."""
    try:
        piece.decode()
    except UnicodeDecodeError:
        return True
    return False


def stream(vocabulary: Vocabulary, run: Sequence[int]) -> str:
    """Return the text as an answer of Tether shows it: piece by piece."""
    text = TextStream()
    return "".join([*(text.feed(vocabulary.piece(token)) for token in run), text.finish()])


def detokenised(llama: Any, vocabulary: Vocabulary, run: Sequence[int]) -> str:
    """Return the text that llama.cpp makes of the whole run."""
    tokens = (llama.llama_token * len(run))(*run)
    size = 64 * len(run)
    while True:
        buffer = ctypes.create_string_buffer(size)
        length = llama.llama_detokenize(vocabulary.handle, tokens, len(run), buffer, size, False, False)
        if length >= 0:
            return bytes(buffer.raw[:length]).decode("utf-8", "replace")
        size = -length


if __name__ == "__main__":
    outcome = main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(json.dumps(outcome))
