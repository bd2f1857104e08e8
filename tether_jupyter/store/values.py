"""What settings may hold: small JSON that every database can keep, no secret and no address."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from tether_jupyter.errors import InvalidRequest, TooLarge

PARTS = ("llm", "tts", "stt", "ui")
MAX_SIZE = {"llm": 128 * 1024, "tts": 64 * 1024, "stt": 64 * 1024, "ui": 64 * 1024}
"""Bytes of a part as JSON. A system prompt alone may have a hundred thousand characters."""
MAX_DEPTH = 16
MAX_NAME = 80
JOINERS = "\u200c\u200d"
"""Invisible, and yet a part of how Persian, Hindi or an emoji is written."""

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
SECRET_NAMES = re.compile(
    r"\b(?:token|secret|password|passwd|passphrase|pwd|credentials?|authorization|bearer|cookie|jwt"
    r"|(?:api|access|private|secret|account|subscription|encryption|signing|ssh|auth) ?keys?)\b"
)
ADDRESS_NAMES = re.compile(
    r"\b(?:(?:api|base) ?(?:base|path)|(?:api|base)?ur[il]s?|endpoint|host|hostname|proxy)\b"
)
ADDRESS = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]{0,30}://")
SECRET = re.compile(
    r"""
      \b(?:sk|pk|rk|hf|gsk|nvapi|glpat|github_pat|gh[pousr]|xox[abp])[-_]
      (?=[-_A-Za-z]{0,100}[0-9])[-_A-Za-z0-9]{16,}                          # by prefix, with a digit
    | \b(?:AKIA|AIza)[-_A-Za-z0-9]{12,}
    | \beyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,}                          # JWT
    | \b[Bb]earer[ ]+(?=[-._A-Za-z]{0,100}[0-9])[-._A-Za-z0-9]{16,}
    | ://[^/\s@]{1,200}@                                                    # URL userinfo
    | [?&][^=\s&?]{0,64}(?:key|token|secret|sig)[^=\s&?]{0,32}=[^&\s]        # URL query
    | -----BEGIN[ ][A-Z ]{0,40}PRIVATE[ ]KEY-----
    """,
    re.VERBOSE,
)
"""Stricter than what is kept out of logs: a prompt that is refused without need cannot be kept at all. Every
repeat that could be walked again and again has an end, for a long text is looked at as a whole."""

SECRETS_STAY = "Settings hold no keys, tokens or passwords: set them in the server's environment."
ADDRESSES_STAY = "Settings hold no addresses: set those of services in the server's configuration."


def check(part: str, values: dict[str, Any]) -> None:
    """See that settings can be kept.

    Parameters
    ----------
    part:
        `llm`, whose fields have been checked by their names, or one whose fields are anybody's own.
    values:
        A JSON object.

    Raises
    ------
    InvalidRequest
        They hold a secret, an address, a number or a character that JSON or a database does not know. The
        message names the field and never its value.
    TooLarge
        They are larger than the part may be, or nested too deeply.
    """
    for path, within, value in leaves(values):
        where = ".".join(path)[:100]
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidRequest(f"`{where}` is no number that JSON knows. Send a smaller one, or null.")
        if any("\x00" in name for name in path) or (isinstance(value, str) and "\x00" in value):
            raise InvalidRequest("A text of the settings holds a NUL character. Leave it out.")
        if not isinstance(value, str) or not value:
            continue
        if SECRET.search(value):
            raise InvalidRequest(f"`{where}` looks like a secret. {SECRETS_STAY}")
        if part == "llm":
            continue
        if any(map(names_secret, within)):
            raise InvalidRequest(f"`{where}` is the name of a secret. {SECRETS_STAY}")
        if ADDRESS.match(value) or any(map(names_address, within)):
            raise InvalidRequest(f"`{where}` holds an address. {ADDRESSES_STAY}")
    size, most = len(json.dumps(values, ensure_ascii=False).encode()), MAX_SIZE[part]
    if size > most:
        raise TooLarge(f"These settings have {size:,} bytes and {most:,} are allowed. Keep less in them.")


def preset_name(text: str) -> str:
    """Return a preset's name in the one form that it is kept in.

    Raises
    ------
    InvalidRequest
        It cannot be a name, or cannot stand in an address.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if not 0 < len(name) <= MAX_NAME or not all(c.isprintable() or c in JOINERS for c in name):
        raise InvalidRequest(f"A preset's name has 1 to {MAX_NAME} printable characters.")
    if "/" in name or name in (".", "..", "import"):
        raise InvalidRequest(
            "A preset's name is a part of its address: it holds no slash, and is not `.`, `..` or `import`."
        )
    return name


def leaves(values: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], Any]]:
    """Yield each value that holds no other, with its path and the names of fields on it."""
    waiting: list[tuple[tuple[str, ...], tuple[str, ...], Any]] = [((), (), values)]
    while waiting:
        path, names, value = waiting.pop()
        if isinstance(value, dict | list) and len(path) >= MAX_DEPTH:
            raise TooLarge(f"The settings are nested more than {MAX_DEPTH} deep. Flatten them.")
        if isinstance(value, dict):
            waiting += [((*path, name), (*names, name), each) for name, each in value.items()]
            if any("\x00" in name for name in value):
                raise InvalidRequest("A name in the settings holds a NUL character. Leave it out.")
        elif isinstance(value, list):
            waiting += [((*path, str(n)), names, each) for n, each in enumerate(value)]
        else:
            yield path, names, value


def words(name: str) -> str:
    """Return the words of a name: `apiKey`, `API_KEY` and `api-key` are the same two."""
    return " ".join(WORDS.findall(name)).lower()


def names_secret(name: str) -> bool:
    """Return whether a text under this name would be a secret."""
    return bool(SECRET_NAMES.search(words(name)))


def names_address(name: str) -> bool:
    """Return whether a text under this name would be an address."""
    return bool(ADDRESS_NAMES.search(words(name)))
