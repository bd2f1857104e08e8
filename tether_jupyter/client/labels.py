"""Which model it is: `backend:model`, as `meta` and the history name it."""

from __future__ import annotations


def split(label: str, usual: str | None = None) -> tuple[str, str]:
    """Return the backend and the model of `backend:model`.

    Parameters
    ----------
    usual:
        The server's usual backend. One that is named by its class has a colon of its own.
    """
    if usual and label.startswith(f"{usual}:"):
        return usual, label.removeprefix(f"{usual}:")
    backend, _, name = label.partition(":")
    return backend, name
