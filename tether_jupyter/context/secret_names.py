"""Names that say that a secret stands beside them, and values that only stand for one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from tether_jupyter.core.secret_shapes import random_looking, starting

Strength = Literal["", "weak", "key", "strong"]
"""What a name says of its value: nothing; a secret if it looks drawn; if it is one word; in any case."""

LONGEST_NAME = 100
NAME_SIGNS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
REST = re.compile(r"[A-Za-z0-9_-]*+(?:\.[A-Za-z0-9_-]++)*+", re.ASCII)
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", re.ASCII)
STRONG = frozenset({
    "password", "passwd", "passphrase", "passcode", "pwd", "psw", "passwort", "kennwort", "senha", "secret",
    "secrets", "credential", "credentials", "apikey", "apisecret",
})  # fmt: skip
SHORT = frozenset({"pass", "pw", "auth"})
"""Words that mean one only as the last of several: `db_pass`, `smtp_pw`."""
LAST = frozenset({"key", "token", "keys", "tokens", "sid"})
QUALIFIERS = frozenset({
    "api", "access", "secret", "private", "auth", "account", "encryption", "encrypt", "signing", "sign",
    "master", "shared", "subscription", "storage", "service", "license", "bearer", "refresh", "session",
    "bot", "deploy", "personal", "hf", "github", "gitlab", "openai", "anthropic", "aws", "azure",
    "google", "slack", "stripe", "wandb", "kaggle", "jwt", "admin", "client", "app", "db", "database",
    "read", "write", "registry", "csrf", "hmac", "oauth", "hub", "webhook", "huggingface",
    "huggingfacehub", "telegram", "discord", "twilio", "sendgrid", "mailgun", "cohere", "groq", "mistral",
    "tavily", "pinecone", "langchain", "langsmith", "replicate", "nvidia", "deepseek", "together",
    "serpapi", "neptune", "comet", "mlflow", "datadog", "host", "user", "login", "security", "root",
    "jupyter", "id", "npm", "pypi", "vault", "consul", "databricks", "snowflake", "maps", "fernet", "aes",
})  # fmt: skip
TAILS = frozenset({
    "value", "string", "str", "raw", "plain", "text", "b64", "base64", "prod", "production", "dev",
    "development", "staging", "test", "local", "default", "env", "old", "new", "current", "my", "hex",
    "encoded", "hash",
})  # fmt: skip
JOINED = ("apikey", "secretkey", "accesskey", "authkey", "privatekey", "accesstoken", "authtoken", "apitoken")
"""What names end in that are written in one: `openaiapikey`."""
WEAK = frozenset(
    {
        "key",
        "token",
        "auth",
        "sig",
        "signature",
        "cookie",
        "session",
        "jwt",
        "sas",
        "bearer",
        "salt",
        "sessionid",
        "jsessionid",
        "phpsessid",
        "csrftoken",
    }
)

PLACEHOLDER = re.compile(
    r"""
      [<{\[%*•.#?_xX0-]*$
    | \$\{\w+\}$ | (?-i:\$(?:[A-Z_][A-Z0-9_]*|[a-z_]+)$) | \$\(.* | %\(\w+\)s | %\w+%$
    | <.*>$ | \{[^{}]*\}$ | \[.*\]$
    | (?:your|my|the|an?|insert|enter|replace|paste|put|set|add|some|dummy|fake|example|sample|placeholder
        |redacted|change|todo|fixme|env|vault|secret)[-_ :.][A-Za-z_ .:-]*$
    | (?:none|null|nil|true|false|undefined|nan|n/a|default|required|optional|hidden|masked|missing|unset
        |redacted|placeholder|todo|changeme
        |password|passwd|pass|pwd|passphrase|secret|token|key|api[-_ ]?key|credentials?|username|user
        |string|str|text|bytes|int|float|bool|object|any|foo|bar|baz|test|abc|auto
        |bearer|basic|oauth2?|header|cookie)$
    | [A-Za-z_-]{0,12}x{6,}[A-Za-z0-9_-]{0,8}$ | .{0,12}(?:\*{3,}|•{3}|\.\.\.|…).{0,12}$
    | [A-Za-z_ -]*(?:[-_ ]here|[-_ ]goes[-_ ]here)\W*$
    """,
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)
ONE_SIGN = re.compile(r"(.)\1*$", re.DOTALL)
SUSPICIOUS = re.compile(
    r"pass(?:word|wd|phrase|code|wort)?(?![a-z])|pass(?:word|wd|phrase)s?|p(?:s)?wd?(?![a-z])"
    r"|secret|token|credential|apikey|key(?![a-z])|auth(?![a-z])|sig(?![a-z])|signature|cookie|session|jwt|sas(?![a-z])|bearer|salt|kennwort|senha(?![a-z])",
    re.IGNORECASE | re.ASCII,
)
BEGINNINGS = (
    "pass", "pw", "psw", "secret", "token", "credential", "apikey", "key", "auth", "sig", "cookie", "session",
    "jwt", "sas", "bearer", "salt", "kennwort", "senha",
)  # fmt: skip
"""What `SUSPICIOUS` begins with, in small letters."""
COMMON = frozenset({
    "postgres", "postgresql", "root", "admin", "administrator", "guest", "mysql", "mariadb", "mongodb",
    "redis", "rabbitmq", "minio", "minioadmin", "test", "tester", "changeme", "password", "passw0rd",
    "password1", "password123", "letmein", "welcome", "qwerty", "sa", "user", "username", "demo",
    "jupyter", "default", "localhost", "example", "docker", "spark", "hadoop", "hunter2hunter", "secret",
    "database", "production", "development",
})  # fmt: skip
"""Words that are not masked wherever else they stand, though somebody uses them as a password."""


def lowered(text: str) -> str:
    """Return a text in small letters with each character at its place."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text.translate(SMALL)


SMALL = {ord(c): ord(c.lower()) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def suspicious(text: str, lower: str) -> list[tuple[int, int]]:
    """Return where the words of names of secrets begin and end, in order.

    Parameters
    ----------
    lower:
        The text in small letters.
    """
    found = {match.span() for match in starting(text, lower, BEGINNINGS, SUSPICIOUS)}
    return sorted(found)


def whole_name(text: str, start: int, end: int, least: int = 0) -> tuple[int, int]:
    """Return where the name begins and ends that a word is a part of, none of it before `least`."""
    least = max(least, start - LONGEST_NAME)
    while start > least and text[start - 1] in NAME_SIGNS:
        start -= 1
    rest = REST.match(text, end)
    return start, rest.end() if rest else end


@lru_cache(4096)
def strength(name: str) -> Strength:
    """Return what a name says of its value: one of code, settings or columns, `dbPassword`, `X-Api-Key`."""
    words = [word.lower() for word in WORDS.findall(name[-100:])]
    while len(words) > 1 and (words[-1] in TAILS or words[-1].isdigit()):
        words.pop()
    if not words:
        return ""
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in STRONG or (last in SHORT and len(words) > 1 and last != "auth"):
        return "strong"
    if len(last) > 6 and last.endswith(
        ("password", "passwd", "passphrase", "secret", "credentials", "kennwort")
    ):
        return "strong"
    if last == "pw":
        return "key"
    if last.endswith(JOINED) and last not in LAST:
        return "key"
    if last in LAST and (before in QUALIFIERS or before in STRONG):
        return "key"
    shouted = name.upper() == name and len(words) > 1
    if shouted and any(word in STRONG or word in LAST for word in words):
        return "key" if last in LAST else "weak"
    if any(word in STRONG for word in words) or any(word in WEAK for word in words):
        return "weak"
    return ""


def stands_for_one(value: str, name: str = "") -> bool:
    """Return whether a value only says where a secret goes: `<your key>`, `${TOKEN}`, `OPENAI_API_KEY`."""
    value = value.strip()
    if not value or ONE_SIGN.match(value) or PLACEHOLDER.match(value[:300]):
        return True
    if name and value.casefold() == name.casefold():
        return True
    # The name of an environment variable, a field or a function.
    parted = re.fullmatch(r"[A-Za-z_]*[_.-][A-Za-z_.-]*|[A-Z_]+|[a-z]+(?:[A-Z][a-z]+)+", value)
    return parted is not None and SUSPICIOUS.search(value) is not None


def is_secret(value: str, name: str, power: Strength) -> bool:
    """Return whether a quoted value is a secret, under a name of some strength."""
    value = value.strip()
    if not power or stands_for_one(value, name):
        return False
    if power == "strong":
        return not value.startswith(("/", "./", "~/", "http://", "https://")) or random_looking(value)
    if power == "key":
        if len(value) < 6 or any(c.isspace() for c in value) or value.startswith(("/", "./", "~/", "http")):
            return random_looking(value)
        return any(c.isdigit() for c in value) or random_looking(value, 12)
    hexadecimal = re.fullmatch(r"[0-9a-fA-F-]+", value) is not None
    return not hexadecimal and random_looking(value, 20)


def spreads(value: str) -> bool:
    """Return whether a secret is told from ordinary words, so that it is masked wherever it stands."""
    if value.casefold() in COMMON or stands_for_one(value):
        return False
    if value.isdigit():
        return len(value) >= 8
    if value.isalpha():
        return len(value) >= 8
    return len(value) >= 6
