"""The library that keeps answers to a grammar: loaded when it is needed, and held to limits."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tether_jupyter.errors import InvalidRequest, ModelNotReady

if TYPE_CHECKING:
    from llguidance import LLMatcher, LLTokenizer

HEADER = '%llguidance {"no_forcing": true}\n'
"""Any tokens may spell what must come next, not just those that the library would choose."""
LIMITS = {
    "max_items_in_row": 2000,
    "initial_lexer_fuel": 2_000_000,
    "step_lexer_fuel": 500_000,
    "step_max_items": 50_000,
    "max_lexer_states": 50_000,
    "max_grammar_size": 200_000,
    "verbose_errors": False,
}
"""What one grammar may cost: about 0.1 s to begin with, 0.05 s a token at worst, and 100 MB."""
MAX_GRAMMAR = 1_000_000


def library() -> Any:
    """Return the module `llguidance`.

    Raises
    ------
    ModelNotReady
        It is not installed.
    """
    try:
        import llguidance
    except ImportError as reason:
        raise ModelNotReady(
            "An answer in a given form needs a part that is not installed here. "
            'Run `pip install "tether-jupyter[local]"` and start the server again.'
        ) from reason
    return llguidance


@lru_cache(maxsize=1)
def single_bytes() -> LLTokenizer:
    """Return a vocabulary whose tokens are the 256 bytes, for checks that need no model."""
    found: LLTokenizer = library().LLTokenizer("byte")
    return found


def matcher(tokenizer: LLTokenizer, grammar: str) -> LLMatcher:
    """Return the beginning of an answer.

    Parameters
    ----------
    grammar:
        In the library's own form, such as `lark` returns it.

    Raises
    ------
    InvalidRequest
        It is not well-formed, or it is too complex.
    """
    if len(grammar) > MAX_GRAMMAR:
        raise too_complex()
    llguidance = library()
    limits = llguidance.LLParserLimits(**LIMITS)
    found: LLMatcher = llguidance.LLMatcher(tokenizer, grammar, log_level=0, limits=limits)
    if found.is_error():
        raise refused(found.get_error())
    return found


def lark(text: str) -> str:
    """Return a grammar that is written in Lark's notation in the library's form."""
    found: str = library().LLMatcher.grammar_from_lark(HEADER + text)
    return found


def refused(error: str) -> InvalidRequest:
    """Return what to tell people for the library's own error."""
    first = error.strip().splitlines()[0] if error.strip() else ""
    if not first or re.search("panic|fuel|limit|too (?:big|large|many|complex)|TooComplex", first):
        return too_complex()
    return InvalidRequest(f"`response_format` holds a grammar that cannot be read: {first[:200]}")


def too_complex() -> InvalidRequest:
    return InvalidRequest("The schema or grammar in `response_format` is too complex. Make it simpler.")


@lru_cache(maxsize=256)
def matches(expression: str, text: str) -> bool:
    """Return whether an expression for the inside of a JSON text takes a text, in linear time."""
    found = matcher(single_bytes(), lark(f"start: WHOLE\nWHOLE: {terminal(expression)}\n"))
    data = list(json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"))
    return found.try_consume_tokens(data) == len(data) and found.is_accepting()


@lru_cache(maxsize=256)
def possible(definition: str) -> bool:
    """Return whether a terminal takes any text at all."""
    found = matcher(single_bytes(), lark(f'start: WHOLE "."\nWHOLE: {definition}\n'))
    found.compute_bitmask()
    return not found.is_error()


def terminal(expression: str) -> str:
    """Return an expression as a terminal of a grammar."""
    return f"/{expression}/" if expression else '""'
