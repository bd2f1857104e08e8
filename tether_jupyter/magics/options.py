"""The words behind `%tether`: options first, then the question, exactly as it was typed."""

from __future__ import annotations

import argparse
import json
import keyword
import re
from collections.abc import Callable

from IPython.core.error import UsageError

from tether_jupyter.magics.names import as_kept

NAME = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|(\S+))\s*""")
TOKEN = re.compile(r"""\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(\S+))""")
OPTION = re.compile(r"\s*(--?[A-Za-z][\w-]*)(=)?")
END = re.compile(r"\s*--(?=\s|$)")


def split(parser: argparse.ArgumentParser, line: str) -> tuple[argparse.Namespace, str]:
    """Return the options at the line's beginning and the rest of it.

    A shell's rules for words would take an apostrophe in the question for a quotation.

    Raises
    ------
    UsageError
        An option does not exist, lacks its value or has one that it cannot take.
    """
    known = parser._option_string_actions
    tokens: list[str] = []
    rest = line
    while found := OPTION.match(rest):
        name = found[1]
        rest = rest[found.end() :]
        if name not in known and name[1] != "-" and name[:2] in known and known[name[:2]].nargs != 0:
            # The value stands right behind a short option.
            name, rest = name[:2], name[2:] + (found[2] or "") + rest
        action = known.get(name)
        if action is None:
            from tether_jupyter.magics.mentions import near

            raise UsageError(f"There is no option {name}.{near(name, list(known))} %%tether? lists them all.")
        if action.nargs == 0:
            tokens.append(name)
            continue
        value = TOKEN.match(rest)
        if value is None:
            raise UsageError(f"{name} needs a value. See %%tether? for what it takes.")
        word = unquoted(*value.groups())
        rest = rest[value.end() :]
        tokens.append(f"{action.option_strings[-1]}={word}")
    if end := END.match(rest):
        rest = rest[end.end() :]
    return parser.parse_args(tokens), rest.strip()


def unquoted(double: str | None, single: str | None, bare: str | None) -> str:
    r"""Return a value without its quotes, and `\"` in it as `"`: other backslashes are its own."""
    if double is not None:
        return double.replace('\\"', '"')
    return single.replace("\\'", "'") if single is not None else bare or ""


def named(line: str) -> tuple[str, str]:
    """Return the name at a line's beginning, without the quotes that it may stand in, and the rest."""
    found = NAME.match(line)
    return (next(filter(None, found.groups())), line[found.end() :]) if found else ("", line)


def variable_name(text: str) -> str:
    """Return a name that can be assigned to, for argparse."""
    name = as_kept(text)
    if not name.isidentifier() or keyword.iskeyword(name):
        raise argparse.ArgumentTypeError(f"{text!r} is not a variable's name")
    return name


def number(low: float, high: float) -> Callable[[str], float]:
    """Return a reader of numbers between two, for argparse."""

    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"it must lie between {low:g} and {high:g}")
        return value

    read.__name__ = "number"
    return read


def whole(low: int, high: int = 2**32 - 1) -> Callable[[str], int]:
    """Return a reader of whole numbers from the first on, for argparse."""

    def read(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"it must be at least {low}")
        if value > high:
            raise argparse.ArgumentTypeError(f"it must be at most {high}")
        return value

    read.__name__ = "whole number"
    return read


def unescaped(text: str) -> str:
    r"""Return a text with `\n` and `\t` for what they stand for, for argparse."""
    return text.replace("\\n", "\n").replace("\\t", "\t")


def biases(text: str) -> dict[str, float]:
    """Return what is added to tokens' logits, from JSON such as `{"13": -5}`, for argparse."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(each, (int, float)) for each in found.values()):
        raise argparse.ArgumentTypeError('it must be JSON such as {"13": -5}')
    return found
