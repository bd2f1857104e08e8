"""What keys and tokens look like wherever they stand: shapes that need no name beside them."""

from __future__ import annotations

import math
import re
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import NamedTuple

KEY, TOKEN, PRIVATE = "API key", "token", "private key"
MOST_LOOKED_AT = 256
"""Characters from which it is told whether a text looks drawn."""
WORDY = re.compile(
    r"[a-z]{1,24}(?:[A-Z][a-z]+){0,5}\d{0,4}|(?:[A-Z][a-z]+){1,6}\d{0,4}|[A-Z]{1,16}\d{0,4}|\d{1,8}|[vV]?\d{1,3}[a-zA-Z]?",
    re.ASCII,
)
"""A part of a name that people give: a word, a number, a version."""


def random_looking(text: str, least: int = 16) -> bool:
    """Return whether a text looks drawn by a machine: long enough, mixed, and no words with signs between."""
    text = text[:MOST_LOOKED_AT]
    if len(text) < least or not text.isascii() or any(c.isspace() for c in text):
        return False
    digits = sum(c.isdigit() for c in text)
    upper = sum(c.isupper() for c in text)
    lower = sum(c.islower() for c in text)
    if digits + upper + lower < 0.7 * len(text) or not (upper or lower):
        return False
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", text) if part]
    if all(WORDY.fullmatch(part) for part in parts):
        return False
    if not digits and changes(text) < len(text) / 4:
        return False
    counts = Counter(text)
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return entropy >= min(3.0, math.log2(len(text)) * 0.75)


def changes(text: str) -> int:
    """Return how often a text goes from small letters to capitals and back, as words do not."""
    return sum((a.islower() and b.isupper()) or (a.isupper() and b.islower()) for a, b in pairwise(text))


def drawn(text: str) -> bool:
    """Return whether what stands behind a known prefix is a key, and not the name of a style or a package."""
    parts = re.split(r"[^A-Za-z0-9]+", text)[1:]
    return any(
        len(part) >= 8
        and not WORDY.fullmatch(part)
        and (any(c.isdigit() for c in part) or changes(part) >= 3)
        for part in parts
    )


class Span(NamedTuple):
    """Where a secret stands: from `start` to before `end`; `value` is the whole where this is a part."""

    start: int
    end: int
    kind: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """One form of secret.

    Parameters
    ----------
    needles:
        Texts of which one begins every secret of the form: a search for them is far cheaper than a pattern.
    pattern:
        Its whole, or what is to be masked as the group `secret`.
    test:
        What else must be true of it.
    before:
        Characters of the secret that stand before the needle.
    """

    kind: str
    needles: tuple[str, ...]
    pattern: str
    test: Callable[[str], bool] | None = None
    before: int = 0

    def found(self, text: str) -> Iterator[Span]:
        """Yield where secrets of this shape stand."""
        if not any(needle in text for needle in self.needles):
            return
        pattern = compiled(self.pattern)
        group: str | int = "secret" if "secret" in pattern.groupindex else 0
        for match in starting(text, text, self.needles, pattern):
            if self.test is None or self.test(match[group]):
                start, end = match.span(group)
                yield Span(max(0, start - self.before), end, self.kind)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern, compiled when it is first needed: all of them would take a tenth of a second."""
    return re.compile(pattern, re.ASCII)


def starting(
    text: str, searched: str, needles: Iterable[str], pattern: re.Pattern[str]
) -> Iterator[re.Match[str]]:
    """Yield where a pattern matches from one of some needles on, which are searched for in `searched`."""
    for needle in needles:
        at = searched.find(needle)
        while at >= 0:
            match = pattern.match(text, at)
            if match is not None:
                yield match
            at = searched.find(needle, max(at + 1, match.end() if match else 0))


def shape(
    kind: str,
    needles: str,
    pattern: str,
    test: Callable[[str], bool] | None = None,
    *,
    edge: bool = True,
    before: int = 0,
) -> Shape:
    """Return a shape; `needles` are divided by spaces, and `edge` is that of a word."""
    return Shape(kind, tuple(needles.split()), (EDGE if edge else "") + pattern, test, before)


# A line break that is written as two characters ends a word too.
EDGE = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"

SHAPES = (
    # OpenAI, Anthropic, OpenRouter, DeepSeek and whoever took the prefix over.
    shape(KEY, "sk-", r"sk-[A-Za-z0-9_-]{16,300}", drawn),
    shape(KEY, "sk_ pk_ rk_", r"(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,250}"),
    shape(KEY, "whsec_", r"whsec_[A-Za-z0-9+/=]{20,100}"),
    shape(KEY, "AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    shape(KEY, "AIza", r"AIza[A-Za-z0-9_-]{30,40}"),
    shape(TOKEN, "ya29.", r"ya29\.[A-Za-z0-9_-]{20,1000}"),
    shape(KEY, "GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{20,50}"),
    shape(TOKEN, "1//0", r"1//0[A-Za-z0-9_-]{30,200}"),
    shape(KEY, "8Q~ 7Q~", r"(?<=[A-Za-z0-9_~.-]{3})[78]Q~[A-Za-z0-9_~.-]{31,34}", edge=False, before=3),
    shape(TOKEN, "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{16,255}"),
    shape(TOKEN, "github_pat_", r"github_pat_[A-Za-z0-9_]{20,255}"),
    shape(
        TOKEN,
        "glpat- gloas- gldt- glrt- glptt- glft- glimt- glagent- glcbt- glsoat- glffct-",
        r"gl(?:pat|oas|dt|rt|ptt|ft|imt|agent|cbt|soat|ffct)-[A-Za-z0-9_.-]{16,300}",
    ),
    shape(TOKEN, "xox xapp-", r"(?:xox[abceoprs](?:\.xox[bp])?|xapp)-[A-Za-z0-9-]{10,300}"),
    shape(
        TOKEN,
        "hooks.slack.com/",
        r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[A-Za-z0-9/_-]{20,200})",
    ),
    shape(
        TOKEN, "webhook.office.com/", r"webhook\.office\.com/(?P<secret>[A-Za-z0-9/@_-]{20,400})", edge=False
    ),
    shape(TOKEN, "/api/webhooks/", r"/api/webhooks/(?P<secret>\d+/[A-Za-z0-9_-]{20,100})", edge=False),
    shape(TOKEN, ":AA", r":AA[A-Za-z0-9_-]{32,34}(?![A-Za-z0-9_-])", edge=False),
    shape(TOKEN, "hf_ api_org_", r"(?:hf|api_org)_[A-Za-z0-9]{16,100}", drawn),
    shape(KEY, "gsk_", r"gsk_[A-Za-z0-9]{16,100}", drawn),
    shape(
        KEY,
        "nvapi- xai- pplx- tvly- PMAK- NRAK- key- HRKU- fw_ csk- jina_",
        r"(?:nvapi-|xai-|pplx-|tvly-|PMAK-|NRAK-|key-|HRKU-|fw_|csk-|jina_)[A-Za-z0-9_-]{20,200}",
        drawn,
    ),
    shape(KEY, "r8_", r"r8_[A-Za-z0-9]{30,60}", drawn),
    shape(KEY, "lsv2_", r"lsv2_(?:pt|sk)_[A-Za-z0-9_]{20,100}"),
    shape(TOKEN, "npm_", r"npm_[A-Za-z0-9]{30,60}", drawn),
    shape(TOKEN, "pypi-", r"pypi-[A-Za-z0-9_-]{50,400}", drawn),
    shape(KEY, "SG.", r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}"),
    shape(KEY, "SK AC", r"(?:SK|AC)[0-9a-f]{32}(?![A-Za-z0-9])"),
    shape(TOKEN, "dapi", r"dapi[0-9a-f]{32}(?:-\d+)?(?![A-Za-z0-9])"),
    shape(TOKEN, "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[0-9a-f]{64}"),
    shape(TOKEN, "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    shape(TOKEN, "sq0", r"sq0[a-z]{3}-[A-Za-z0-9_-]{22,50}"),
    shape(TOKEN, "EAAA", r"EAAA[A-Za-z0-9_-]{60}(?![A-Za-z0-9_-])", drawn),
    shape(
        KEY,
        "lin_api_ ntn_ secret_ figd_ glsa_ glc_ dckr_pat_ sgp_ rpa_ sbp_",
        r"(?:lin_api|ntn|secret|figd|glsa|glc|dckr_pat|sgp|rpa|sbp)_[A-Za-z0-9_-]{30,200}",
        drawn,
    ),
    shape(TOKEN, "pat", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    shape(TOKEN, "hvs. hvb.", r"hv[sb]\.[A-Za-z0-9_-]{20,300}"),
    shape(TOKEN, "dp.", r"dp\.(?:pt|st|ct|sa)\.[A-Za-z0-9._-]{30,100}"),
    shape(
        TOKEN,
        "eyJ",
        r"(?<![_-])eyJ[A-Za-z0-9_-]{8,4000}+\.[A-Za-z0-9_-]{8,20000}(?:\.[A-Za-z0-9_-]{0,2000})?",
    ),
    shape(KEY, "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{40,70}"),
)

BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|Private-Lines: \d{1,4}", re.ASCII)
END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|Private-MAC: [0-9a-f]+", re.ASCII)
BODY = re.compile(
    r"(?:[\s\"'(),+\\-]|(?<=\\)[nrt]|[A-Za-z0-9+/=]{16,}+|[A-Za-z0-9+/=]{1,15}+(?=\\n|[\"'\r\n]|\Z)"
    r"|(?:Proc-Type|DEK-Info|Comment|Version): [^\n]{0,200}){0,20000}+",
    re.ASCII,
)
LONGEST_PEM = 20_000
NOTHING = "\\n \n\r\t.…\"'-"
"""Signs that stand in place of a key that somebody left out."""


def found(text: str) -> Iterator[Span]:
    """Yield where a secret of a known shape begins and ends in a text, and what kind it is."""
    for one in SHAPES:
        yield from one.found(text)
    if "PRIVATE KEY" in text or "Private-Lines" in text:
        yield from private_keys(text)


def private_keys(text: str) -> Iterator[Span]:
    """Yield private keys between their two lines; one without an end goes as far as it looks like one."""
    begins = [match.span() for match in BEGIN.finditer(text)]
    ends = [match.start() for match in END.finditer(text)]
    for number, (_, start) in enumerate(begins):
        limit = begins[number + 1][0] if number + 1 < len(begins) else len(text)
        at = bisect(ends, start)
        if at < len(ends) and ends[at] <= min(limit, start + LONGEST_PEM):
            stop = ends[at]
        else:
            body = BODY.match(text, start, limit)
            stop = body.end() if body else start
        if text[start:stop].strip(NOTHING):
            yield Span(start, stop, PRIVATE)
