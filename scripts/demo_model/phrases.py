"""Reads the phrase files (phrases/*.txt): answers and the many ways to ask for them.

A stanza is a block of ``key:`` lines with indented lines below, and ends at an empty line:

    answer:                 the sentence, and the code below it
    message: line: alone:   of an error: its text, lines that raise it, the answer without a line
    pick:                   "code <- word|word": $W is one of the words, $A the code they stand for
    weight:                 how often it is asked, 1 if left out
    plain:                  tasks in the few words that are typed first ("sort a table")
    do: thing: say:         tasks ("sort it"), things ("the mean price"), sentences of their own

``choice NAME:`` defines a shared choice {NAME}; ``picks NAME:`` a pick that others refer to.
Slots: $n $m frames, $c $d $e columns, $a $b $k numbers, $f $g functions, $p a package, $s $t texts,
$x an extension, $T a type, $L the line, $E the message; ``@`` is the place for "in sales".
``[a|b]`` is a choice; ``⟦⟧ ⦃⦄`` are literal brackets and braces. ``#`` starts a comment line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import grammar

FOLDER = Path(__file__).with_name("phrases")
Pick = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Item:
    """One answer and the ways to ask for it; an error has a message, lines and two answers."""

    answer: str
    do: tuple[str, ...] = ()
    thing: tuple[str, ...] = ()
    say: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    pick: Pick = ()
    weight: float = 1.0
    message: str = ""
    line: tuple[str, ...] = ()
    alone: str = ""


def _answer(lines: list[str]) -> str:
    """The sentence, and the code in a fence if there is any."""
    if not lines:
        return ""
    code = "\n".join(lines[1:])
    return f"{lines[0]}\n```python\n{code}\n```" if code else lines[0]


def _choice(lines: list[str]) -> str:
    return "|".join(lines).replace("∅", "")


def _stanzas(text: str) -> list[dict[str, list[str]]]:
    found: list[dict[str, list[str]]] = []
    for block in text.split("\n\n"):
        stanza: dict[str, list[str]] = {}
        key = ""
        for line in block.split("\n"):
            if line.startswith("  "):
                stanza[key].append(line[2:])
            elif line.strip() and not line.startswith("#"):
                key, _, rest = line.partition(":")
                stanza[key] = [rest.strip()] if rest.strip() else []
        if stanza:
            found.append(stanza)
    return found


def read(name: str) -> list[Item]:
    """All items of one file; shared choices are registered on the way."""
    items, shared = [], {}
    for stanza in _stanzas((FOLDER / f"{name}.txt").read_text(encoding="utf-8")):
        head = next(iter(stanza))
        kind, _, label = head.partition(" ")
        if kind == "choice":
            grammar.macros[label] = _choice(stanza[head])
            continue
        lines = stanza.get("pick", stanza[head] if kind == "picks" else [])
        if len(lines) == 1 and lines[0] in shared:
            pick = shared[lines[0]]
        else:
            pairs = (line.split(" <- ") for line in lines)
            pick = tuple((words, code) for code, words in pairs)
        if kind == "picks":
            shared[label] = pick
            continue
        items.append(
            Item(
                answer=_answer(stanza.get("answer", [])),
                alone=_answer(stanza.get("alone", [])),
                message="\n".join(stanza.get("message", [])),
                weight=float(stanza.get("weight", ["1"])[0]),
                pick=pick,
                **{k: tuple(stanza.get(k, ())) for k in ("do", "thing", "say", "plain", "line")},
            )
        )
    return items


def lists(name: str) -> dict[str, list[str]]:
    """A file of plain lists; ¶ stands for a new line, and shared choices are registered."""
    found = {}
    for stanza in _stanzas((FOLDER / f"{name}.txt").read_text(encoding="utf-8")):
        for key, lines in stanza.items():
            if key.startswith("choice "):
                grammar.macros[key.removeprefix("choice ")] = _choice(lines)
            else:
                found[key] = [line.replace("¶", "\n").replace("∅", "") for line in lines]
    return found


def words(name: str) -> dict[str, list[str]]:
    """A file of words, separated by bars."""
    return {key: "|".join(lines).split("|") for key, lines in lists(name).items()}
