"""Secrets that a name gives away: assignments, settings, dictionaries and options of commands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tether_jupyter.context.literals import (
    LONGEST_EXPRESSION,
    OPENING,
    OTHERWISE,
    elements,
    expression,
    literal,
)
from tether_jupyter.context.secret_names import (
    LONGEST_NAME,
    SUSPICIOUS,
    Strength,
    is_secret,
    strength,
    whole_name,
)
from tether_jupyter.core.secret_shapes import Span, random_looking

LONGEST_BARE = 300
# `name: KEY`, `value: …` as in settings of containers; `<add key="…" value="…">`.
BESIDE = re.compile(
    r"\\{0,2}[\"']?\s{0,80},?\s{0,200}\\{0,2}[\"']?[Vv]alue\\{0,2}[\"']?[ \t]{0,4}[:=][ \t]{0,4}\\{0,2}"
    r"(?:[\"'](?P<quoted>)|(?=[^\s\"']))(?P<value>(?(quoted)[^\"'\n]{1,4000}+|[^\s\"',;(){}]{4,4000}+))"
)
# What stands between a name and its value. `T` in `name: T = value` is one type.
BETWEEN = re.compile(
    r"""
    (?P<quote>\\{0,3}["'`])? (?P<bracket>\])? [ \t]{0,40}
    (?: (?P<typed>:[ \t]{0,4}[A-Za-z_.]{1,40}(?:\[[^\]\n]{0,120}\]{1,3})?(?:[ \t]?\|[ \t]?None)?
          [ \t]{0,4}=(?!=))
      | (?P<equals>=>|:=|==|!=|<-|=) | (?P<colon>:(?!:)) | (?P<comma>,) )
    [ \t]{0,40} (?P<line>\\?\r?\n[ \t]{0,200})?
    """,
    re.VERBOSE | re.ASCII,
)
# The next literal of the same value: beside it, added to it, or on the line after.
# Without a backslash or a plus, a literal on the next line is of the same value only where it is indented.
CONTINUED = re.compile(
    r"[ \t]{0,40}(?:\+[ \t]{0,40})?(?:\\\r?\n[ \t]{0,200}|\r?\n[ \t]{1,200})?(?:\+[ \t]{0,40})?"
    r"(?=[rRbBfFuU]{0,2}[\"'])"
)
BARE = re.compile(r"[^\s\"'`,;)}\]&<>|]{1,300}+", re.ASCII)
MORE = re.compile(r"[^\s\"'`,;)}\]&<>|]*+", re.ASCII)
WHOLE = re.compile(r"[^\s\"'`(){}\[\]]{1,4000}+(?=[ \t]{0,80}(?:\r?\n|\Z)|[ \t]{1,80}#)")
SIGNS = re.compile(r"[,;&<>|]")
# `str|bytes32`, `Vec<u8>`.
TYPE = re.compile(r"[A-Za-z_][\w.]*(?:\|[A-Za-z_][\w.]*)*|[A-Za-z_][\w.:]*<.*>", re.ASCII)
REST_OF_LINE = re.compile(r"[^\r\n]{0,4000}")
LINE_START = re.compile(
    r"[ \t]{0,40}(?:[-*$>!#]{0,3}[ \t]{0,4})?"
    r"(?:(?:export|setx|set|env|ENV|ARG|declare -x|%env|%set_env|-e|--env)[ \t]{1,4})?"
    r"[\"']?[A-Za-z0-9_.-]{0,100}\Z",
    re.ASCII,
)
# `user, password = …`: the names before one of several that are assigned together, and those after it.
TARGET = r"\*?[A-Za-z_][\w.]{0,80}(?:\[[^\]\n=]{0,60}\])?"
BEFORE = re.compile(
    rf"[ \t]*(?:(?:const|let|var)[ \t]+)?[(\[]?[ \t]*(?P<names>(?:{TARGET}[ \t]*,[ \t]*){{0,20}})\Z", re.ASCII
)
AFTER = re.compile(rf"(?P<names>(?:[ \t]*,[ \t]*{TARGET}){{0,20}})[ \t]*[)\]]?[ \t]*=(?!=)[ \t]*", re.ASCII)
EACH = re.compile(TARGET, re.ASCII)
KEYWORD = re.compile(r"[A-Za-z_]\w*[ \t]?=(?!=)", re.ASCII)


def found(text: str, lower: str, words: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """Yield where a value begins and ends that its name makes a secret, and what kind it is.

    Parameters
    ----------
    lower, words:
        The text in small letters, and the places of suspicious words in it.
    """
    done = 0
    for begin, end in words:
        if begin < done:
            continue
        start, end = whole_name(text, begin, end, done)
        done = end
        if end - start > LONGEST_NAME:
            continue
        name = text[start:end].strip(".-")
        power = strength(name)
        if power:
            for span in values(text, start, end, name, power):
                yield span
                done = max(done, span.end)


def values(text: str, start: int, end: int, name: str, power: Strength) -> Iterator[Span]:
    """Yield the value of one name that stands at `start` to `end`."""
    kind = kind_of(name)
    own = among(text, start, end)
    if own is not None:
        yield from given(text, own, name, power, kind)
        return
    between = BETWEEN.match(text, end)
    if text[end : end + 1] == ">" and text[start - 1 : start] == "<":
        element = ELEMENT.match(text, end)
        if element and is_secret(element["value"], name, power):
            yield Span(*element.span("value"), kind)
        return
    beside = BESIDE.match(text, end)
    if beside is not None:
        value = beside["value"].rstrip("\\")
        if is_secret(value, name, power):
            yield Span(beside.start("value"), beside.start("value") + len(value), kind)
        return
    if between is None:
        flag = (
            text[max(0, start - 2) : start + 2].lstrip(" ").startswith("--")
            or text[start : start + 2] == "--"
        )
        if flag:
            yield from after_flag(text, end, name, power, kind)
        else:
            yield from after_space(text, start, end, name, power, kind)
        return
    quoted_name = between["quote"] is not None
    if between["comma"] and not (
        quoted_name and text[max(0, start - 3) : start].rstrip("\"'\\").endswith("(")
    ):
        return
    at = between.end()
    opening = OPENING.match(text, at)
    doubtful = between["comma"] is not None or between["equals"] in ("==", "!=")
    if opening is not None:
        yield from literals(text, opening, name, power, kind, between, doubtful=doubtful)
    elif not doubtful and not between["line"]:
        yield from bare(text, start, at, name, power, kind, between)
    if not doubtful and (quoted_name or not between["colon"]):
        yield from others(text, at, name, power, kind)


def among(text: str, start: int, end: int) -> int | None:
    """Return where the value begins of a name that is one of several assigned together, each with its own."""
    if "," not in text[max(0, start - 3) : start] and "," not in text[end : end + 3]:
        return None
    line = text.rfind("\n", max(0, start - 300), start) + 1
    before = BEFORE.match(text, line, start) if start - line < 300 else None
    after = AFTER.match(text, end) if before else None
    if before is None or after is None:
        return None
    place, more = len(EACH.findall(before["names"])), len(EACH.findall(after["names"]))
    found = elements(text, after.end())
    # As many values as names, and none with a name of its own: those are arguments of a call.
    if not place + more or len(found) != place + more + 1 or any(KEYWORD.match(text, at) for at in found):
        return None
    return found[place]


def given(text: str, at: int, name: str, power: Strength, kind: str) -> Iterator[Span]:
    """Yield the literals that an expression gives its name."""
    opening = OPENING.match(text, at)
    if opening is not None:
        yield from literals(text, opening, name, power, kind)
    yield from others(text, at, name, power, kind)


def others(text: str, at: int, name: str, power: Strength, kind: str) -> Iterator[Span]:
    """Yield the literals that a value may be besides the first: behind `or`, `else`, in `get("X", …)`."""
    if OTHERWISE.search(text, at, at + LONGEST_EXPRESSION) is None:
        return
    found = expression(text, at)
    for opening in found.others:
        yield from literals(text, opening, name, power, kind)
    for opening in found.fallbacks:
        yield from literals(text, opening, name, power, kind, doubtful=True)


def literals(
    text: str,
    opening: re.Match[str],
    name: str,
    power: Strength,
    kind: str,
    between: re.Match[str] | None = None,
    *,
    doubtful: bool = False,
) -> Iterator[Span]:
    """Yield the quoted value of a name, with the literals that it goes on in.

    Parameters
    ----------
    between:
        What stands before the value, where that is not an expression's other signs.
    doubtful:
        Whether it need not be the name's value: it is compared, or the next argument.
    """
    spans: list[tuple[int, int]] = []
    whole = ""
    first: re.Match[str] | None = opening
    while first is not None and len(spans) < 200:
        span = literal(text, first)
        if span is None:
            break
        spans.append(span)
        content = text[slice(*span)]
        if "f" in first["prefix"].lower():
            content = re.sub(r"\{[^{}]{0,200}\}", "", content)
        whole += content
        if first["delimiter"].startswith("\\"):
            break
        following = CONTINUED.match(text, span[1] + len(first["delimiter"]))
        first = OPENING.match(text, following.end()) if following else None
    if not spans:
        return
    unquoted = between is None or between["quote"] is None
    if (unquoted and whole[:1] in (")", ",", "]", "}")) or (whole[:1] == " " and whole[-1:] == " "):
        return
    value = whole.strip().replace("\\\n", "")
    if doubtful:
        secret = any(c.isdigit() for c in value) and is_secret(value, name, power) and len(value) >= 6
    elif between is not None and between["colon"] and unquoted and any(c.isspace() for c in value):
        secret = False
    else:
        secret = is_secret(value, name, power)
    if secret:
        for begin, stop in spans:
            if stop > begin:
                yield Span(begin, stop, kind, value)


def bare(
    text: str, start: int, at: int, name: str, power: Strength, kind: str, between: re.Match[str]
) -> Iterator[Span]:
    """Yield a value without quotes, where it is no expression of code."""
    line = text.rfind("\n", max(0, start - 300), start) + 1
    head = LINE_START.match(text, line, start) if start - line < 300 else None
    begins = head is not None and head.end() == start
    tight = between.end() - between.start() == 1
    shell = begins and between["equals"] == "=" and tight and name.upper() == name
    exported = begins and EXPORT.search(text, line, start) is not None
    if (shell or exported) and not between["quote"]:
        rest = REST_OF_LINE.match(text, at)
        value = rest[0].split(" #")[0].strip() if rest else ""
        if not EXPRESSION.match(value) and is_secret(value, name, power):
            yield Span(at, at + len(value), kind)
            return
    if begins and power != "weak" and not between["quote"]:
        whole = WHOLE.match(text, at)
        value = whole[0].rstrip(",;") if whole else ""
        if has_signs(value, name, power, setting=between["colon"] is not None):
            yield Span(at, at + len(value), kind)
            return
    match = BARE.match(text, at)
    if match is None:
        return
    value = match[0].rstrip(".:")
    end = at + len(value)
    if CODE.search(value) or text[end : end + 1] in ("(", "["):
        return
    alone = not text[end : end + 80].split("\n")[0].split("#")[0].strip(" \t,;\r")
    setting = between["colon"] is not None and alone
    if value.isdigit():
        secret = (
            power == "strong" and len(value) >= 4 and ((begins and alone) or between["quote"] is not None)
        )
    else:
        secret = no_code(value, power, setting=setting, begins=begins) and is_secret(value, name, power)
    if secret:
        # Only what is one is read to its end: a text of nothing but names would be read again for each.
        more = MORE.match(text, end) if match.end() - at == LONGEST_BARE else None
        yield Span(at, more.end() if more else end, kind)


def has_signs(value: str, name: str, power: Strength, *, setting: bool) -> bool:
    """Return whether a value, alone on its line, is a secret with signs that code has between two values.

    Parameters
    ----------
    setting:
        Whether it stands behind a colon, where code has types and hardly anything else.
    """
    parts = SIGNS.split(value)
    if len(parts) == 1 or TYPE.fullmatch(value) or not is_secret(value, name, power):
        return False
    if any(CODE.search(part) for part in parts):
        return False
    drawn = setting and power == "strong" and len(value) >= 6 and any(c.isdigit() for c in value)
    return drawn or any(
        no_code(part, power, setting=False, begins=True) and is_secret(part, name, power) for part in parts
    )


def no_code(value: str, power: Strength, *, setting: bool, begins: bool) -> bool:
    """Return whether a value without quotes is a value, and not the name of one or a sum.

    Parameters
    ----------
    setting:
        Whether it stands behind a colon, alone on the rest of its line: as in YAML.
    begins:
        Whether its own name begins the line.
    """
    strong = power == "strong"
    digits = any(c.isdigit() for c in value)
    drawn = random_looking(value, 10 if strong else 20)
    if IDENTIFIER.fullmatch(value):
        if SUSPICIOUS.search(value) and not drawn:
            return False
        word = strong and setting and begins and value.islower()
        return word or (strong and digits and len(value) >= 6) or random_looking(value, 16)
    attribute = ATTRIBUTE.fullmatch(value) is not None
    if attribute or DOTTED.fullmatch(value):
        settled = strong and setting and digits and len(value) >= 6
        return settled or (drawn and (strong or not attribute))
    return len(value) >= 4


EXPORT = re.compile(r"\b(?:export|setx?|env|ENV|ARG)\b|%set_env|-[xe] |--env")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
ATTRIBUTE = re.compile(r"[A-Za-z_]\w{0,60}(?:\.[A-Za-z_]\w{0,60})+", re.ASCII)
DOTTED = re.compile(r"-?[\w]*(?:[.:/][\w-]*)+|[\w.]+(?:[-+*/%@][\w.]+)+|-?[\d.eE+-]+", re.ASCII)
CODE = re.compile(r"[(\[{]|^[-~*]?[A-Za-z_][\w.]*=(?!=*\Z)|^lambda\b|^\\n")
EXPRESSION = re.compile(r"[\w.]*[(\[{\"']|lambda\b|.* (?:if|or|and|in|for|\+|is|==|%) ")


def after_flag(text: str, end: int, name: str, power: Strength, kind: str) -> Iterator[Span]:
    """Yield the value of an option of a command line: `--password hunter2`."""
    match = FLAG_VALUE.match(text, end)
    if match and is_secret(match["value"], name, power) and not match["value"].startswith("-"):
        yield Span(*match.span("value"), kind)


ELEMENT = re.compile(r">\s{0,200}(?P<value>[^<>\s][^<>]{0,2000}+)</")
FLAG_VALUE = re.compile(r"[ \t]{1,4}[\"']?(?P<value>[^\s\"'`;|&<>()]{4,2000}+)", re.ASCII)


def after_space(text: str, start: int, end: int, name: str, power: Strength, kind: str) -> Iterator[Span]:
    """Yield a value that only a space divides from its name: `%env KEY …`, `.netrc`, a column of one row."""
    line = text.rfind("\n", max(0, start - 300), start) + 1
    before = text[line:start] if start - line < 300 else ""
    match = FLAG_VALUE.match(text, end)
    if match is None:
        wide = WIDE_VALUE.match(text, end)
        if wide and not before.strip(" \t│|") and is_secret(wide["value"], name, power):
            yield Span(*wide.span("value"), kind)
        return
    value = match["value"]
    setting = re.search(
        r"(?:%env|%set_env|setx|ENV|configure set|config(?: --\w+)*|secret set)[ \t]+\Z", before
    )
    netrc = re.search(r"\blogin[ \t]+\S+[ \t]+\Z", before) or (
        not before.strip() and "machine " in text[max(0, line - 300) : line]
    )
    quoted = text[match.start("value") - 1] in "\"'" and power == "strong" and any(c.isdigit() for c in value)
    if (setting or netrc or quoted) and is_secret(value, name, power):
        yield Span(*match.span("value"), kind)
    elif match.end() - end - len(value) > 1 and not before.strip(" \t│|") and is_secret(value, name, power):
        rest = text[match.end() : match.end() + 100].split("\n")[0]
        if not rest.strip(" \t│|") and not value.isalpha():
            yield Span(*match.span("value"), kind)


WIDE_VALUE = re.compile(r"[ \t]{2,200}(?P<value>[^\s\"'`;|&<>()]{4,2000}+)(?=[ \t]*(?:\r?\n|\Z))", re.ASCII)


def kind_of(name: str) -> str:
    """Return what a secret of this name is called in a list of what was masked."""
    lower = name.lower()
    if "pass" in lower or "pwd" in lower or "pw" in lower:
        return "password"
    if "token" in lower or "jwt" in lower or "bearer" in lower or "session" in lower or "cookie" in lower:
        return "token"
    return "API key" if "key" in lower else "secret"
