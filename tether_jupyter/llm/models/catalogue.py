"""A short list of openly licensed models that are good in notebooks, so that nobody has to know names.

Sizes are what the hub's pages showed, rounded, and serve to choose by. What a pull checks is the hub's own
list of sizes and SHA-256 sums, never a figure from here.
"""

from __future__ import annotations

from dataclasses import dataclass

MB, GB = 10**6, 10**9


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A model worth having.

    Parameters
    ----------
    name:
        What to type after `tether pull`, and the file's name on the shelf.
    repo, file:
        Where the hub keeps it.
    size:
        Bytes to download, approximately.
    memory:
        Bytes of memory that it takes with 4,096 tokens of context, approximately.
    license:
        The licence's SPDX identifier, in lower case as the hub has it.
    purpose:
        What it is good for, in one line.
    """

    name: str
    repo: str
    file: str
    size: int
    memory: int
    license: str
    purpose: str


SUGGESTIONS = (
    Suggestion(
        "qwen2.5-coder-0.5b",
        "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        491 * MB,
        800 * MB,
        "apache-2.0",
        "Completes code as you type, on any machine; too small to explain much.",
    ),
    Suggestion(
        "qwen2.5-coder-1.5b",
        "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        1117 * MB,
        1600 * MB,
        "apache-2.0",
        "Completes and explains short code on a laptop without a GPU.",
    ),
    Suggestion(
        "smollm3-3b",
        "ggml-org/SmolLM3-3B-GGUF",
        "SmolLM3-Q4_K_M.gguf",
        1915 * MB,
        2500 * MB,
        "apache-2.0",
        "General questions in six European languages; weights, data and recipe are open.",
    ),
    Suggestion(
        "qwen3-4b",
        "unsloth/Qwen3-4B-Instruct-2507-GGUF",
        "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
        2497 * MB,
        3400 * MB,
        "apache-2.0",
        "The one to try first: code, text and tools in 4 GB of memory.",
    ),
    Suggestion(
        "qwen2.5-coder-7b",
        "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF",
        "qwen2.5-coder-7b-instruct-q4_k_m.gguf",
        4683 * MB,
        5300 * MB,
        "apache-2.0",
        "Writes and repairs Python well; completes in the middle of a cell.",
    ),
    Suggestion(
        "granite-3.3-8b",
        "ibm-granite/granite-3.3-8b-instruct-GGUF",
        "granite-3.3-8b-instruct-Q4_K_M.gguf",
        4943 * MB,
        5900 * MB,
        "apache-2.0",
        "Summaries, extraction and tools; made for business text.",
    ),
    Suggestion(
        "gpt-oss-20b",
        "ggml-org/gpt-oss-20b-GGUF",
        "gpt-oss-20b-mxfp4.gguf",
        12110 * MB,
        12800 * MB,
        "apache-2.0",
        "Thinks before it answers; for a GPU of 16 GB or plenty of memory.",
    ),
    Suggestion(
        "qwen3-coder-30b",
        "unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF",
        "Qwen3-Coder-30B-A3B-Instruct-Q4_K_M.gguf",
        18557 * MB,
        19500 * MB,
        "apache-2.0",
        "The strongest coder here, quick for its size: 3 of its 30 billion weights work at a time.",
    ),
)


def find(name: str) -> Suggestion | None:
    """Return the suggestion of that name, whatever its case."""
    wanted = name.strip().lower()
    return next((known for known in SUGGESTIONS if known.name == wanted), None)
