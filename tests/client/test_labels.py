"""A model is named `backend:model`, and either may have colons of its own."""

from __future__ import annotations

import pytest

from tether_jupyter.client import labels


@pytest.mark.parametrize(
    ("label", "usual", "parts"),
    [
        ("local:tiny", "local", ("local", "tiny")),
        ("openai:llama3:8b", "local", ("openai", "llama3:8b")),
        (r"local:C:\models\tiny.gguf", "local", ("local", r"C:\models\tiny.gguf")),
        ("our.backends:Ours:fast:8b", "our.backends:Ours", ("our.backends:Ours", "fast:8b")),
        ("our.backends:Ours:fast:8b", None, ("our.backends", "Ours:fast:8b")),
        ("tiny", "local", ("tiny", "")),
    ],
)
def test_a_label_is_taken_apart_where_the_backend_ends(
    label: str, usual: str | None, parts: tuple[str, str]
) -> None:
    assert labels.split(label, usual) == parts
