"""`%tether export`: the conversation as a file."""

from __future__ import annotations

import re
from pathlib import Path

from IPython.core.error import UsageError

from tether_jupyter.core.sizes import human
from tether_jupyter.errors import InvalidRequest, NotFound
from tether_jupyter.magics import options
from tether_jupyter.magics.asking import tell
from tether_jupyter.magics.commands import Asked, plain
from tether_jupyter.magics.past import ROOT

FORMATS = {".md": "md", ".ipynb": "ipynb", ".json": "json"}


def export(asked: Asked) -> None:
    """`%tether export [FILE] [--force] [-c NAME]`: the suffix says what is written, Markdown by default.

    Markdown and a notebook hold the branch that the next question goes on from, JSON the whole conversation.
    """
    line = asked.line
    name = ""
    if line and not line.startswith("-"):
        name, line = options.named(line)
    given = plain(Asked(asked.session, asked.parser, line, asked.cell), conversation="text", force="flag")
    name = name or given["rest"].strip("\"'")
    session = asked.session
    conversation = session.conversation(given["conversation"])
    try:
        path = Path(name).expanduser() if name else Path(file_name(session.client.conversation(conversation)))
    except RuntimeError:
        raise NotFound(f"There is no home folder for {name}. Check its path.") from None
    if path.name in ("", "..") or path.is_dir():
        raise UsageError(f"{name} is a folder. Add a file's name.")
    if not path.suffix:
        path = path.with_suffix(".md")
    if path.suffix not in FORMATS:
        raise UsageError(f"A conversation is saved as .md, .ipynb or .json, and not as {path.suffix}.")
    tip = session.tip(conversation)
    if tip == ROOT:
        raise NotFound(
            "The next question is a first one: there is nothing before it. `%tether branch` lists more."
        )
    content = session.client.export(conversation, FORMATS[path.suffix], message=tip)
    write(path, content, force=given["force"])
    tell(f"Saved as {path} ({human(len(content))}).")


def write(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file; one that is there stays, unless `force` says otherwise."""
    try:
        with path.open("wb" if force else "xb") as file:
            file.write(content)
    except FileExistsError:
        raise InvalidRequest(
            f"{path} is there already, and stays as it is. --force writes over it."
        ) from None
    except OSError as reason:
        raise InvalidRequest(f"{path} cannot be written: {reason.strerror or 'it is no file'}.") from None


def file_name(conversation: dict[str, object]) -> str:
    """Return a file's name for a conversation, made of its title."""
    words = re.findall(r"\w+", str(conversation.get("title") or ""))
    return f"{'-'.join(words)[:60].strip('-').lower() or 'conversation'}.md"
