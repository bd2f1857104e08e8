"""Runs of base64, which say nothing to a model and cost the most: out of whatever text they stand in."""

from __future__ import annotations

import re

SHORTEST_LINE = 56
"""Characters of a line of base64: as MIME, PEM and others break it."""
SHORTEST = 160
"""A run of fewer characters may be a name, a hash or a word, and stays."""

DATA_URL = re.compile(
    r"data:(?P<type>[\w.+-]{1,80}/[\w.+-]{1,80})?(?P<rest>;[^,\s\"'<>]{0,200})?,(?P<body>[A-Za-z0-9+/=_%-]++(?:(?:\\n|\s)[A-Za-z0-9+/=_%-]{16,}+)*)",
    re.ASCII,
)
RUN = re.compile(rf"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{{{SHORTEST},}}+={{0,2}}", re.ASCII)
SAFE_RUN = re.compile(rf"(?<![\w-])[\w-]{{{SHORTEST},}}+={{0,2}}", re.ASCII)
# Lines of it, as MIME breaks them: also in a text that holds `\n` as two characters.
LINES = re.compile(
    rf"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{{{SHORTEST_LINE},120}}+(?:\r?\n|\\n)[ \t\"']{{0,40}}){{2,}}"
    r"[A-Za-z0-9+/]{0,120}+={0,2}",
    re.ASCII,
)


def without(text: str) -> str:
    """Return a text with a note in place of each run of base64 and each payload of a `data:` URL."""
    if "data:" in text:
        text = DATA_URL.sub(short_url, text)
    # Hardly any text has so long a word, and to look for one costs a twentieth of looking for the rest.
    if max(map(len, text.split()), default=0) < SHORTEST_LINE:
        return text
    text = LINES.sub(noted_lines, text)
    text = RUN.sub(noted, text)
    return SAFE_RUN.sub(noted_safe, text)


def short_url(match: re.Match[str]) -> str:
    if len(match["body"]) < 24:
        return match[0]
    return f"[data: {match['type'] or 'text/plain'}, {len(match['body']):,} characters]"


def noted(match: re.Match[str]) -> str:
    return f"[{len(match[0]):,} characters without blanks]"


def noted_lines(match: re.Match[str]) -> str:
    sample = match[0][:2_000]
    # Rules of signs and words in capitals have not all three.
    if (
        any(c.isdigit() for c in sample)
        and any(c.islower() for c in sample)
        and any(c.isupper() for c in sample)
    ):
        return f"[base64, {len(match[0]):,} characters]"
    return match[0]


def noted_safe(match: re.Match[str]) -> str:
    sample = match[0][:2_000]
    if not set(sample) - {"_", "-"}:
        return match[0]  # a rule
    return f"[{len(match[0]):,} characters without blanks]"
