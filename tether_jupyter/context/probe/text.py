"""A short text of a value, written from exact builtin types alone; no `__repr__` of anybody is called."""

from __future__ import annotations

import datetime as dt
import decimal
import fractions
import itertools
import pathlib
import re
import uuid
from collections import deque
from enum import Enum
from typing import Any

from .safe import attribute, genuine, is_a, mro, origin, type_text

NAME_CUT = 80
HIDDEN = "hidden: its name says that it is a secret"
SECRETS = frozenset(
    (
        *("password", "passwords", "passwd", "pwd", "passphrase", "passcode", "secret", "secrets"),
        *("token", "tokens", "jwt", "bearer", "cookie", "cookies", "credential", "credentials"),
        *("apikey", "apikeys", "privatekey", "accesskey", "secretkey", "authorization", "dsn"),
    )
)
KEYS = frozenset(
    ("api", "access", "secret", "private", "signing", "encryption", "ssh", "auth", "account", "master")
)
PAIRS = frozenset(
    (("connection", "string"), ("conn", "str"), ("auth", "header"), ("database", "url"), ("db", "url"))
)
# `max_tokens` is a number of tokens, and `tokens_seen` too.
COUNTING = frozenset(
    (
        *("max", "min", "num", "n", "total", "count", "prompt", "completion", "new", "input", "output"),
        *("per", "seen", "left"),
    )
)
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

# Written in C or in the standard library, from their own fields.
PLAIN: dict[type, Any] = {
    dt.datetime: str,
    dt.date: str,
    dt.time: str,
    dt.timedelta: str,
    decimal.Decimal: str,
    fractions.Fraction: str,
    uuid.UUID: str,
    pathlib.PosixPath: str,
    pathlib.WindowsPath: str,
    pathlib.PurePosixPath: str,
    pathlib.PureWindowsPath: str,
    range: repr,
    re.Pattern: repr,
    type(None): repr,
    bool: repr,
    type(...): repr,
    type(NotImplemented): repr,
}
SCALARS = {"pandas": ("Timestamp", "Timedelta", "NaTType", "NAType", "Period", "Interval")}


def secret(name: str) -> bool:
    """Say whether a name says that what it names is a secret."""
    words = [word.lower() for word in WORDS.findall(name[:200])]
    if not SECRETS.isdisjoint(words):
        return not (COUNTING.intersection(words) and SECRETS.intersection(words) == {"tokens"})
    if len(words) > 1 and words[-1] in ("key", "keys") and name.isupper():
        return True  # `OPENAI_KEY`: so are environments written
    pairs = [(words[place], words[place + 1]) for place in range(len(words) - 1)]
    return any(pair in PAIRS or (pair[0] in KEYS and pair[1] in ("key", "keys")) for pair in pairs)


def cut(text: str, most: int) -> str:
    """Return at most so many characters of a text, and say by `…` that there are more."""
    return text if len(text) <= most else text[: max(0, most - 1)] + "…"


def label(x: Any) -> str:
    """Return the name of a column or the key of a dictionary."""
    if is_a(x, str):
        return cut(str.__str__(x), NAME_CUT)
    return short(x, NAME_CUT)


def short(x: Any, most: int = 80, depth: int = 3) -> str:
    """Return at most `most` characters that show a value; a stranger is shown by its type."""
    cls = type(x)
    write = PLAIN_BY_ID.get(id(cls))
    if write is not None:
        return cut(write(x), most)
    for base in mro(cls):
        writer = WRITERS_BY_ID.get(id(base))
        if writer is not None:
            return cut(writer(x, most, depth), most)
        if base is Enum:
            name = attribute(x, "_name_")
            return cut(f"{type_text(cls)}.{name}", most) if type(name) is str else type_text(cls)
        found = library_scalar(x, base)
        if found is not None:
            return cut(found, most)
    return cut(f"<{type_text(cls)}>", most)


def library_scalar(x: Any, base: type) -> str | None:
    """Return the text of a number or a date of numpy or pandas."""
    top = origin(base) if base is type(x) else ""
    if top == "numpy" and type_text(base) not in ("numpy.ndarray", "numpy.void", "numpy.object_"):
        generic = [cls for cls in mro(base) if cls.__name__ == "generic" and genuine(cls)]
        return str(x) if generic else None
    if top == "pandas" and base.__name__ in SCALARS["pandas"]:
        # An interval holds two values that may be anything.
        return None if base.__name__ == "Interval" else str(x)
    return None


def _integer(x: int, most: int, depth: int) -> str:
    bits = int.bit_length(x)
    # Python refuses to write longer ones, and takes long over them.
    return int.__repr__(x) if bits < 4000 else f"<int of {bits:,} bits>"


def _text(x: str, most: int, depth: int) -> str:
    length = str.__len__(x)
    head = str.__getitem__(x, slice(0, most))
    return repr(str.__str__(head)) if length <= most else repr(str.__str__(head))[:-1] + "…"


def _sequence(base: Any, opening: str, closing: str) -> Any:
    def write(x: Any, most: int, depth: int) -> str:
        count = base.__len__(x)
        if depth <= 0:
            return f"{opening}… {count:,}{closing}" if count else opening + closing
        parts, room = [], most - 2
        for item in list(itertools.islice(base.__iter__(x), most)):
            if room <= 0:
                break
            parts.append(short(item, room, depth - 1))
            room -= len(parts[-1]) + 2
        more = f", … {count:,} in all" if len(parts) < count else ""
        comma = "," if base is tuple and count == 1 else ""
        return opening + ", ".join(parts) + comma + more + closing

    return write


def _mapping(x: Any, most: int, depth: int) -> str:
    count = dict.__len__(x)
    if depth <= 0:
        return f"{{… {count:,}}}" if count else "{}"
    parts, room = [], most - 2
    for key, value in list(itertools.islice(dict.items(x), most)):
        if room <= 0:
            break
        name = short(key, max(room, 8), 1)
        hidden = is_a(key, str) and secret(str.__str__(key))
        parts.append(f"{name}: {'…' if hidden else short(value, max(room - len(name), 8), depth - 1)}")
        room -= len(parts[-1]) + 2
    more = f", … {count:,} in all" if len(parts) < count else ""
    return "{" + ", ".join(parts) + more + "}"


WRITERS: dict[type, Any] = {
    int: _integer,
    float: lambda x, most, depth: float.__repr__(x),
    complex: lambda x, most, depth: complex.__repr__(x),
    str: _text,
    bytes: lambda x, most, depth: f"<bytes of {bytes.__len__(x):,}>",
    bytearray: lambda x, most, depth: f"<bytearray of {bytearray.__len__(x):,}>",
    list: _sequence(list, "[", "]"),
    tuple: _sequence(tuple, "(", ")"),
    set: _sequence(set, "{", "}"),
    frozenset: _sequence(frozenset, "frozenset({", "})"),
    deque: _sequence(deque, "deque([", "])"),
    dict: _mapping,
}
# A class as a key would be asked for its hash, which a metaclass may define; these live as long as Python.
PLAIN_BY_ID = {id(cls): write for cls, write in PLAIN.items()}
WRITERS_BY_ID = {id(cls): write for cls, write in WRITERS.items()}
