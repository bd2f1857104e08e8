"""`@df` in a question: which of the user's variables go along, and what is said of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from tether_jupyter.errors import NotFound
from tether_jupyter.magics.names import as_kept

ROOT = re.compile(r"[^\W\d]\w*")
WORD = re.compile(r"(?<![\w@.])[^\W\d]\w*")
SHORTEST = 3
"""Of names that stand in a question without `@`, shorter ones are more often words: `i`, `x`, `is`."""
MOST = 20
MOST_BYTES = 16_384
SECONDS = 0.3
COMMON = frozenset(
    re.findall(
        r"\w+",
        """
        all and any are but can did for from get had has have her here him his how into its just let like
        make many may more most much need new next not now off old one only our out per put run said same
        say see set she some such than that the them then there they this time too two type use
        very want was way well what when where which while who why will with would yes you your
        """,
    )
)


def named(question: str) -> list[str]:
    """Return the variables that a question names with `@`, such as `df`, `df.price` or `df['price']`."""
    from tether_jupyter.context.variables import asked

    roots = {mention: root_of(mention) for mention in asked(question)}
    # Names of columns are kept as they were written.
    return list(dict.fromkeys(as_kept(root) + mention[len(root) :] for mention, root in roots.items()))


def items(variables: dict[str, Any], question: str, *, automatic: bool) -> list[dict[str, Any]]:
    """Return context items for the variables that a question names.

    Parameters
    ----------
    variables:
        The user's own.
    automatic:
        Whether variables go along as well whose names stand in the question as words, without `@`: only what
        holds data, names of three letters and more, and no common English word.

    Raises
    ------
    NotFound
        A name with `@` is no variable, or no column; the message has names that are near it.
    """
    mentions = named(question) if "@" in question else []
    roots = {mention: root_of(mention) for mention in mentions}
    for root in roots.values():
        if root not in variables:
            raise missing(root, variables)
    whole = [
        mention for mention, root in roots.items() if mention == root or is_attribute(mention, variables)
    ]
    wanted = dict.fromkeys(roots[mention] if mention in whole else mention for mention in mentions)
    if automatic:
        wanted |= dict.fromkeys(by_word(question, variables)[:MOST])
    # Where all of a table goes along, a column of it is there already.
    names = [name for name in wanted if name in variables or root_of(name) not in wanted]
    if not names:
        return []
    from tether_jupyter.context import probe

    seen = probe.look(variables, names, level="values", max_bytes=MOST_BYTES, seconds=SECONDS)
    for name in seen["missing"]:
        if name in roots:
            raise missing_part(name, variables)
    found = {each["name"]: each for each in seen["variables"]}
    return [
        {"kind": "variable", "name": name, "data": found.get(name) or undescribed(name, variables)}
        for name in names
    ]


def undescribed(name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands for a variable that there was no room or no time to describe."""
    kind = type(variables.get(root_of(name)))
    return {
        "name": name,
        "type": f"{kind.__module__}.{kind.__qualname__}",
        "note": "left out for want of room",
    }


def columns(variables: dict[str, Any], name: str) -> list[str]:
    """Return the names of a table's columns, or of a mapping's or an object's fields; nothing is computed."""
    from tether_jupyter.context import probe

    seen = probe.look(variables, [name], level="schema")["variables"]
    known = seen[0] if seen else {}
    return [str(each["name"]) for each in (known.get("columns") or known.get("fields") or [])]


def root_of(mention: str) -> str:
    """Return the variable's name in `df`, `df.price` or `df['price']`."""
    found = ROOT.match(mention)
    return found[0] if found else mention


def is_attribute(mention: str, variables: Mapping[str, Any]) -> bool:
    """Return whether a mention ends in what every value of the kind has, as `df.shape` does."""
    path = mention.split(".")
    return len(path) == 2 and path[0] in variables and hasattr(type(variables[path[0]]), path[1])


def by_word(question: str, variables: Mapping[str, Any]) -> list[str]:
    """Return the variables whose names stand in a question as words, in that order."""
    words = dict.fromkeys(map(as_kept, WORD.findall(question)))
    return [
        word
        for word in words
        if word in variables
        and len(word) >= SHORTEST
        and word not in COMMON
        and not isinstance(variables[word], (ModuleType, FunctionType, BuiltinFunctionType, type))
    ]


def missing_part(mention: str, variables: dict[str, Any]) -> NotFound:
    """Return the error for a column, or a key, that a variable does not have."""
    root = root_of(mention)
    part = mention[len(root) :].strip(".[]'\"")
    return NotFound(
        f"`{root}` has no column or entry `{part}`.{near(part, columns(variables, root))}", hint=NOTHING_SENT
    )


def missing(name: str, variables: Mapping[str, Any]) -> NotFound:
    """Return the error for a name that is no variable."""
    return NotFound(f"There is no variable `{name}` here.{near(name, list(variables))}", hint=NOTHING_SENT)


NOTHING_SENT = "Nothing was sent. An @ that names no variable stands between backticks: `@name`."


def near(name: str, known: list[str]) -> str:
    """Return the question whether one of the names was meant that are near; empty where none is."""
    lower = {each.lower(): each for each in known}
    found = get_close_matches(name.lower(), lower, n=3, cutoff=0.6)
    if not found:
        return ""
    names = [f"`{lower[each]}`" for each in found]
    return f" Did you mean {' or '.join([', '.join(names[:-1]), names[-1]] if names[1:] else names)}?"
