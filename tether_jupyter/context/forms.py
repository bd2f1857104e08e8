"""Secrets in forms of their own: addresses, headers, connection strings, pairs, commands, keys of clouds."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Sequence

from tether_jupyter.context.assigned import ATTRIBUTE, CODE
from tether_jupyter.context.secret_names import stands_for_one
from tether_jupyter.core.secret_shapes import Span, random_looking, starting

# The password of a URL, also in a connection string of a database. An address has no blank in it, and its
# password goes to the last `@` before the path; one with a sign that begins a path is taken up to the first.
URL = re.compile(
    r"://(?P<user>[^\s/@:\"'`<>\\]{0,200}+)"
    r":(?P<secret>[^\s\"'`<>/\\?#]{1,500}|[^\s@\"'`<>/\\?#]{1,500}+[/?#][^\s@\"'`<>/\\?#]{1,100}+)@"
)
PORT = re.compile(r"\d{1,5}[/?#]")
URL_USER = re.compile(r"://(?P<secret>[^\s/@:\"'`<>\\]{16,500}+)@")
QUERY = re.compile(
    r"[?&](?P<name>[A-Za-z0-9_.-]{0,60}?"
    r"(?:key|token|secret|sig|signature|password|passwd|pwd|credential|auth|code))"
    r"=(?P<secret>[^\s&#\"'`<>\\{}]{6,4000}+)",
    re.IGNORECASE | re.ASCII,
)
HEADER = re.compile(
    r"(?P<scheme>(?<![A-Za-z0-9])(?:bearer|basic|token|apikey|digest|negotiate))(?:[ \t]|%20){1,4}"
    r"(?P<secret>[A-Za-z0-9._~+/=-]{6,8000}+)",
    re.IGNORECASE | re.ASCII,
)
SCHEMES = ("bearer", "basic ", "token ", "apikey ", "digest ", "negotiate ")
SETTING = re.compile(r"(?:[;\"'] ?|\A)[A-Za-z ]{0,20}\Z")
CONNECTION = re.compile(r"[ \t]?=[ \t]?(?P<secret>[^;\"'\s\\]{1,1000}+)(?=[;\"'\s\\]|\Z)")
DSN = re.compile(r"=(?P<secret>[^\s\"'{}<>;,()\[\]]{1,500}+)(?=[ \"'])")
PAIR = re.compile(
    r"""(?:auth|login|credentials?)[ ]?=?[ ]?\(\s{0,80}(?:[rbf]?["'][^"'\n]{0,200}["']|[\w.]{1,80}),
    \s{0,80}[rbf]?(?P<quote>["'])(?P<secret>[^"'\n]{1,500})(?P=quote)""",
    re.VERBOSE | re.IGNORECASE,
)
CURL = re.compile(
    r"(?<=[\s\"'])(?:-u|--user|--proxy-user)[ =\"',]{1,6}"
    r"(?P<user>[^\s:\"']{1,100}+):(?P<secret>[^\s\"']{1,300}+)"
)
SHORT_FLAG = re.compile(
    r"(?:sshpass[ \t]+-p|mysql(?:dump|admin)?\b[^\n]{0,200}?[ \t]-p)[ \t]?[\"']?"
    r"(?P<secret>[^\s\"'-][^\s\"']{3,200}+)"
)
SET_PASSWORD = re.compile(
    r"""set_password\(\s{0,80}[^,()\n]{1,200}+,\s{0,80}[^,()\n]{1,200}+,\s{0,80}[rbf]?["'](?P<secret>[^"'\n]{1,500}+)["']"""
)
ENCODED = re.compile(r"b64encode\(\s{0,80}[rbf]{0,2}[\"'][^:\"'\n]{1,200}+:(?P<secret>[^\"'\n]{1,500}+)[\"']")
IDENTIFIED = re.compile(r"identified by [\"'](?P<secret>[^\"'\n]{1,500}+)[\"']", re.IGNORECASE)
LOGIN = re.compile(r"login[ \t]+(?P<secret>[A-Za-z0-9_.-]{16,200}+)")
MARK = r"""\\{0,2}["']"""
KAGGLE = re.compile(
    rf"username{MARK}\s?:\s?{MARK}[^\"'\\\n]{{1,100}}{MARK}\s?,\s?"
    rf"{MARK}key{MARK}\s?:\s?{MARK}(?P<secret>[0-9a-fA-F]{{16,100}})"
)
PGPASS = re.compile(
    r"^[\w.*-]{1,200}+:(?:\d{2,5}|\*):[\w*-]{1,100}+:[\w*.-]{1,100}+:(?P<secret>\S{1,300}+)[ \t]*$",
    re.MULTILINE,
)
CRYPT = re.compile(
    r"(?P<secret>\$(?:2[aby]|5|6|y|argon2(?:id|i|d)|pbkdf2-sha256)\$[A-Za-z0-9./$=,+-]{20,300})"
)
AZURE_KEY = re.compile(r"(?<![A-Za-z0-9+/])(?P<secret>[A-Za-z0-9+/]{86}==)(?![A-Za-z0-9+/=])")
AWS_KEY = re.compile(r"(?<=[\"'\s=:,])(?P<secret>[A-Za-z0-9/+]{40})(?=[\"'\s,;)\]}]|\Z)")
AWS_ID = re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])")

FORMS = (
    (("auth", "login", "credential"), PAIR, "password"),
    (("-u", "--user", "--proxy-user"), CURL, "password"),
    (("sshpass", "mysql"), SHORT_FLAG, "password"),
    (("username",), KAGGLE, "API key"),
    (("set_password(",), SET_PASSWORD, "password"),
    (("b64encode(",), ENCODED, "password"),
    (("identified by ",), IDENTIFIED, "password"),
    (("$2", "$5$", "$6$", "$y$", "$argon2", "$pbkdf2"), CRYPT, "password"),
)


def found(text: str, lower: str, words: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Yield secrets that stand in forms of their own: addresses, headers, connection strings, commands."""
    for match in starting(text, text, ["://"], URL):
        secret = match["secret"]
        if not (stands_for_one(secret) or "{" in secret or PORT.match(secret)):
            yield Span(*match.span("secret"), "password in a URL")
    for match in starting(text, text, ["://"], URL_USER):
        if random_looking(match["secret"]):
            yield Span(*match.span("secret"), "password in a URL")
    for match in starting(text, text, ["?", "&"], QUERY):
        secret = match["secret"]
        if not stands_for_one(secret) and (random_looking(secret, 6) or secret.isdigit() or len(secret) > 24):
            yield Span(*match.span("secret"), "key in a URL")
    yield from connections(text, lower, words)
    for match in starting(text, lower, SCHEMES, HEADER):
        if is_credential(match["secret"], text, match):
            yield Span(*match.span("secret"), "token")
    for match in starting(text, text, ["login"], LOGIN):
        if random_looking(match["secret"]):
            yield Span(*match.span("secret"), "token")
    for needles, pattern, kind in FORMS:
        for match in starting(text, lower, needles, pattern):
            if not stands_for_one(match["secret"]):
                yield Span(*match.span("secret"), kind)
    for match in PGPASS.finditer(text):
        yield Span(*match.span("secret"), "password")
    yield from cloud_keys(text)


def connections(text: str, lower: str, words: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Yield what stands in connection strings: `;Password=…;`, `host=db password=…`."""
    for start, end in words:
        if lower[start:end] not in CONNECTION_WORDS:
            continue
        before = text[max(0, start - 24) : start]
        match = CONNECTION.match(text, end) if SETTING.search(before) else None
        if match is None and before[-1:] in (" ", '"', "'"):
            match = DSN.match(text, end)
        secret = match["secret"] if match else ""
        if match and not (stands_for_one(secret) or CODE.search(secret) or ATTRIBUTE.fullmatch(secret)):
            yield Span(*match.span("secret"), "password")


CONNECTION_WORDS = frozenset({"password", "passwd", "pwd", "key", "secret", "sig", "signature"})


def cloud_keys(text: str) -> Iterator[Span]:
    """Yield keys that only their length gives away: of Azure's storage, of AWS where its ids stand too."""
    at = text.find("==")
    while at >= 0:
        match = AZURE_KEY.match(text, at - 86) if at >= 86 else None
        if match is not None:
            yield Span(*match.span("secret"), "API key")
        at = text.find("==", at + 2)
    if ("AKIA" in text or "ASIA" in text) and AWS_ID.search(text):
        for match in AWS_KEY.finditer(text):
            if random_looking(match["secret"]) and not re.fullmatch("[0-9a-f]+", match["secret"]):
                yield Span(*match.span("secret"), "API key")


def is_credential(value: str, text: str, match: re.Match[str]) -> bool:
    """Return whether what stands behind `Bearer` and the like is one, and not the next word of a sentence."""
    if stands_for_one(value):
        return False
    scheme = match["scheme"].lower()
    header = "authorization" in text[max(0, match.start() - 40) : match.start()].lower()
    if scheme == "basic":
        return names_a_user(value) or (header and random_looking(value, 8))
    if header:
        return any(c.isdigit() for c in value) or random_looking(value, 8)
    return random_looking(value, 12 if scheme == "bearer" else 20) and any(c.isdigit() for c in value)


def names_a_user(value: str) -> bool:
    """Return whether a text is base64 for `user:password`."""
    try:
        plain = b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (NotBase64, ValueError):
        return False
    return b":" in plain and plain.isascii() and plain.decode("ascii").isprintable()
