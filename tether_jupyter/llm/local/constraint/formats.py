"""What `format` promises, as patterns: each takes only texts that are of its format, though not all of them.

They are written for `patterns`, so they may use neither looks around nor flags.
"""

from __future__ import annotations

YEAR = "[12][0-9]{3}"
LEAP = "(?:[12][0-9](?:0[48]|[2468][048]|[13579][26])|(?:12|16|20|24|28)00)"
DATE = (
    f"(?:{YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    f"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{LEAP}-02-29)"
)
TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
CLOCK = "(?:[0-9]{1,4}H(?:[0-9]{1,4}M)?(?:[0-9]{1,4}S)?|[0-9]{1,4}M(?:[0-9]{1,4}S)?|[0-9]{1,4}S)"
CALENDAR = "(?:[0-9]{1,4}Y(?:[0-9]{1,4}M)?(?:[0-9]{1,4}D)?|[0-9]{1,4}M(?:[0-9]{1,4}D)?|[0-9]{1,4}D)"
LABEL = "[a-z](?:[a-z0-9]{0,30}[a-z0-9])?"
HOST = rf"{LABEL}(?:\.{LABEL}){{0,5}}"
BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = rf"{BYTE}(?:\.{BYTE}){{3}}"
HEX = "[0-9a-fA-F]{1,4}"
IPV6 = f"(?:(?:{HEX}:){{7}}{HEX}|" + "|".join(
    f"(?:{HEX}(?::{HEX}){{0,{left - 1}}})::(?:{HEX}(?::{HEX}){{0,{5 - left}}})?" for left in range(1, 6)
)
IPV6 += f"|::(?:{HEX}(?::{HEX}){{0,5}})?)"
SEGMENT = "(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})"
PATH = rf"(?:/{SEGMENT}*)*(?:\?(?:{SEGMENT}|[=&/])*)?(?:#{SEGMENT}*)?"
URI = f"(?:(?:https?|ftp|ws|wss)://{HOST}(?::[1-9][0-9]{{0,3}})?{PATH}|(?:urn|mailto|tel):[A-Za-z0-9][A-Za-z0-9.:@_-]*)"
EMAIL = rf"[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*@{HOST}"
POINTER = "(?:/(?:[^~/]|~[01])*)+"
NAME = "[A-Za-z_][A-Za-z0-9_]*"

PATTERNS = {
    "date": DATE,
    "time": TIME,
    "date-time": f"{DATE}T{TIME}",
    "duration": f"P(?:{CALENDAR}(?:T{CLOCK})?|T{CLOCK}|[0-9]{{1,4}}W)",
    "email": EMAIL,
    "idn-email": EMAIL,
    "hostname": HOST,
    "idn-hostname": HOST,
    "ipv4": IPV4,
    "ipv6": IPV6,
    "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    "uri": URI,
    "iri": URI,
    "uri-reference": f"(?:{URI}|{PATH})",
    "iri-reference": f"(?:{URI}|{PATH})",
    "uri-template": rf"(?:https?://{HOST})?(?:/(?:[A-Za-z0-9._~-]+|\{{{NAME}\}}))+",
    "json-pointer": POINTER,
    "relative-json-pointer": f"(?:0|[1-9]{{1,3}})(?:#|{POINTER})",
    "regex": r"\^?(?:(?:[A-Za-z0-9_ ,:;=@/-]|\\[dwsDWS.]|\[[a-z0-9]+\])[+*?]?)+\$?",
    "byte": "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
    "binary": "",
    "password": "",
}
"""Patterns for whole texts; an empty one takes every text."""


def whole(name: str) -> str:
    """Return the pattern that finds exactly the texts of a format."""
    return f"^(?:{PATTERNS[name]})$" if PATTERNS[name] else ""


BOUNDS = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint8": (0, 2**8 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
"""Formats of whole numbers, with the least and the greatest."""
INEXACT = ("float", "double")
