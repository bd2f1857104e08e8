"""Secrets are masked before a text leaves: by their shape, by their name, and wherever else they stand."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from tether_jupyter.context import assigned, brackets, columns, forms
from tether_jupyter.context.secret_names import is_secret, lowered, spreads, strength, suspicious
from tether_jupyter.core import secret_shapes
from tether_jupyter.core.redact import MASK
from tether_jupyter.core.secret_shapes import Span
from tether_jupyter.errors import Internal

Rule = Callable[[str], str] | tuple[str, str | re.Pattern[str]]
"""A hub's own: a text in, a text out; or what it is called, and its pattern (all, or the group `secret`)."""

BOLD = 16
"""From this length on, a known secret is masked inside of other words too."""
LONG = 24
"""From this length on, a part of a known secret is masked too: half of one that was cut or broken."""
MOST_SEARCHED = 100
"""So many known secrets are searched for as they are; more are looked up word by word."""
WORD = re.compile(r"[^\s\"'`,;:=()\[\]{}<>|&]+")
BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")
FAILED = (
    "A rule of this server for hiding secrets failed, so nothing was sent. "
    "Ask whoever runs the server to look at its rules."
)


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without its secrets, and how many of which kind there were: `{"kind", "count"}`."""

    text: str
    found: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MaskedAll:
    """The texts of one request without their secrets, in order, and what was found in all of them."""

    texts: list[str]
    found: list[dict[str, Any]] = field(default_factory=list)


def mask(text: str, rules: Sequence[Rule] = ()) -> Masked:
    """Return a text without its secrets.

    Raises
    ------
    Internal
        One of the rules failed: the text must not be sent.
    """
    done = Masker(rules).mask_all([text])
    return Masked(done.texts[0], done.found)


class Masker:
    """Masks the texts of one request together: what is a secret in one is masked in all.

    It knows what it has found for as long as it lives, so one must not serve two people.

    Parameters
    ----------
    rules:
        A hub's own, which come first and see each text as it is.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)
        self._known: dict[str, str] = {}

    @property
    def knows(self) -> bool:
        """Whether it has found any secret yet."""
        return bool(self._known)

    def mask_all(self, texts: Sequence[str]) -> MaskedAll:
        """Return the texts without their secrets.

        Raises
        ------
        Internal
            One of the rules failed: nothing of it must be sent.
        """
        counts: Counter[str] = Counter()
        ruled = [self._obey(text, counts) for text in texts]
        spans = [self._look(text) for text in ruled]
        known = Known(self._known)
        done = []
        for text, own in zip(ruled, spans, strict=True):
            merged = union([*own, *known.found(text)])
            counts.update(span.kind for span in merged)
            done.append(replaced(text, merged))
        return MaskedAll(done, [{"kind": kind, "count": count} for kind, count in sorted(counts.items())])

    def mask_variables(self, variables: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return descriptions of variables whose names say that their values are secrets, without these.

        `name`, `fields` and `columns` are the contract's; what else of a value stands in a text is found when
        that is masked.
        """
        return [self._mask_variable(variable) for variable in variables]

    def _mask_variable(self, variable: dict[str, Any]) -> dict[str, Any]:
        name = str(variable.get("name", ""))
        done = dict(variable)
        for key in ("value", "min", "max"):
            shown = done.get(key)
            if isinstance(shown, str):
                done[key] = self._mask_value(shown, name)
        named = done.get("columns")
        if isinstance(named, list):
            done["columns"] = [self._mask_variable(one) if isinstance(one, dict) else one for one in named]
        return done

    def _mask_value(self, shown: str, name: str) -> str:
        bare = shown.strip()
        quoted = re.fullmatch(r"[rbuf]{0,2}(['\"])(.*)\1(?:…|\.\.\.)?", bare, re.DOTALL)
        value = quoted[2] if quoted else bare
        if not is_secret(value, name, strength(name)):
            return shown
        self._learn(value, assigned.kind_of(name))
        return shown.replace(value, MASK)

    def _obey(self, text: str, counts: Counter[str]) -> str:
        for rule in self._rules:
            try:
                text = obeyed(rule, text, counts)
            except Exception:  # noqa: BLE001 - whatever a rule does, what it was to hide must not be sent or shown
                raise Internal(FAILED) from None
        return text

    def _look(self, text: str) -> list[Span]:
        lower = lowered(text)
        words = suspicious(text, lower)
        spans = [
            *secret_shapes.found(text),
            *assigned.found(text, lower, words),
            *brackets.found(text, words),
            *forms.found(text, lower, words),
            *columns.found(text, words),
        ]
        for span in spans:
            if span.kind != secret_shapes.PRIVATE:
                self._learn(span.value or text[span.start : span.end], span.kind)
                if span.value:
                    self._learn(text[span.start : span.end], span.kind)
            else:
                for line in re.split(r"\\n|[^A-Za-z0-9+/=]+", text[span.start : span.end]):
                    if len(line) >= LONG:
                        self._learn(line, span.kind)
        return spans

    def _learn(self, value: str, kind: str) -> None:
        value = value.strip()
        if spreads(value):
            self._known.setdefault(value, kind)


class Known:
    """Secrets by their value, and the forms in which they stand elsewhere."""

    def __init__(self, known: dict[str, str]) -> None:
        self._searched = dict(sorted(known.items(), key=lambda one: -len(one[0]))[:MOST_SEARCHED])
        self._words = known if len(known) > MOST_SEARCHED else {}
        self._forms = [form for value, kind in self._searched.items() for form in spellings(value, kind)]

    def found(self, text: str) -> Iterator[Span]:
        """Yield where one stands in a text."""
        for needle, kind, whole in self._forms:
            at, covered = text.find(needle), 0
            while at >= 0:
                span = Span(*grown(text, at, needle, whole, covered), kind)
                if len(needle) >= BOLD or whole is None or stands_alone(text, span.start, span.end):
                    yield span
                covered = max(span.end, at + 1)
                at = text.find(needle, covered)
        if self._words:
            for match in WORD.finditer(text):
                kind = self._words.get(match[0], "")
                if kind:
                    yield Span(*match.span(), kind)


def spellings(value: str, kind: str) -> Iterator[tuple[str, str, str | None]]:
    """Yield what to search for: a text, its kind, and the whole of which it is a part (`None`: of base64)."""
    spelled = {value, json.dumps(value)[1:-1], repr(value)[1:-1], *quoted(value)}
    if len(value) >= 6:
        spelled.add(value.encode(errors="replace").hex())
    for text in spelled:
        yield text, kind, text
    if len(value) >= LONG:
        yield value[:BOLD], kind, value
        yield value[-BOLD:], kind, value
    raw = value.encode(errors="replace")
    for shift in range(3):
        encoded = b64encode(b"\0" * shift + raw).decode()
        # Without the characters that depend on what stands before and after.
        core = encoded[(0, 2, 3)[shift] : len(encoded) - 4 if (shift + len(raw)) % 3 else None]
        if len(core) >= 8:
            yield core, kind, None
            if "+" in core or "/" in core:
                yield core.replace("+", "-").replace("/", "_"), kind, None


def quoted(value: str) -> tuple[str, str]:
    """Return a value as it stands in a URL."""
    return quote(value, safe="", errors="replace"), quote_plus(value, errors="replace")


def grown(text: str, at: int, needle: str, whole: str | None, covered: int) -> tuple[int, int]:
    """Return the place of a form with as much around it as belongs to it, none of it before `covered`."""
    start, end = at, at + len(needle)
    if whole is None:
        while start > covered and text[start - 1] in BASE64:
            start -= 1
        while end < len(text) and text[end] in BASE64:
            end += 1
    elif len(whole) == len(needle):
        pass
    elif whole.startswith(needle):
        while end < len(text) and end - at < len(whole) and text[end] == whole[end - at]:
            end += 1
    else:
        while start > covered and end - start < len(whole) and text[start - 1] == whole[start - 1 - end]:
            start -= 1
    return start, end


def stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether no letter or digit goes on where a text begins or ends."""
    before, after = text[start - 1 : start], text[end : end + 1]
    escaped = before in ("n", "r", "t") and text[start - 2 : start - 1] == "\\"
    return (not before.isalnum() or escaped or not text[start].isalnum()) and (
        not after.isalnum() or not text[end - 1].isalnum()
    )


def union(spans: Iterable[Span]) -> list[Span]:
    """Return spans in order, with those that overlap made one of the first one's kind."""
    done: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end)):
        if done and span.start < done[-1].end:
            if span.end > done[-1].end:
                done[-1] = done[-1]._replace(end=span.end)
        elif span.end > span.start:
            done.append(span)
    return done


def replaced(text: str, spans: Sequence[Span]) -> str:
    """Return a text with a mask in place of each span. A private key's lines stay apart from its own."""
    parts = []
    at = 0
    for span in spans:
        lines = "\n" if span.kind == secret_shapes.PRIVATE and "\n" in text[span.start : span.end] else ""
        parts += [text[at : span.start], lines, MASK, lines]
        at = span.end
    parts.append(text[at:])
    return "".join(parts)


def obeyed(rule: Rule, text: str, counts: Counter[str]) -> str:
    """Return what a hub's rule makes of a text.

    Raises
    ------
    TypeError
        It made something else, or is no rule.
    """
    if callable(rule):
        done = rule(text)
        if not isinstance(done, str):
            raise TypeError("a rule returns a text")
        counts["rule"] += done != text
        return done
    name, pattern = rule
    compiled = re.compile(pattern)
    group: str | int = "secret" if "secret" in compiled.groupindex else 0
    spans = union(Span(*match.span(group), str(name)) for match in compiled.finditer(text) if match[group])
    counts.update(span.kind for span in spans)
    return replaced(text, spans)
