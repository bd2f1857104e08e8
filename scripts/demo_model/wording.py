"""How people ask: openings for a task ("sort it"), for a thing ("the mean price"), and names.

Idioms and manual entries are written once as a task, a thing or a sentence of its own; the forms
here multiply them, so that each entry meets every way of asking.
"""

from __future__ import annotations

import random

from . import grammar, phrases

FORMS = phrases.lists("openings")


PLAIN = 0.3  # of the questions have no opening at all
DOUBLED = {"get", "cut", "put", "drop", "plot", "set", "stop", "swap", "split", "begin", "quit", "run"}


def gerund(task: str) -> str:
    """ "sort it" as "sorting it"."""
    verb, space, rest = task.partition(" ")
    if verb in DOUBLED:
        verb += verb[-1]
    elif verb.endswith("e") and not verb.endswith("ee"):
        verb = verb[:-1]
    return f"{verb}ing{space}{rest}"


def opening_for_task(task: str, rng: random.Random) -> str:
    """A whole sentence that asks for this task."""
    if rng.random() < 0.03 and task.split(" ")[0].isalpha():
        return grammar.expand(rng.choice(FORMS["gerund"]), rng).replace("$X", gerund(task))
    if rng.random() < PLAIN:
        return task
    return grammar.expand(rng.choice(FORMS["task"]), rng).replace("$X", task)


def opening_for_thing(thing: str, rng: random.Random) -> str:
    """A whole sentence that asks for this thing."""
    if rng.random() < PLAIN:
        return thing
    return grammar.expand(rng.choice(FORMS["thing"]), rng).replace("$Y", thing)


def ask(item: phrases.Item, rng: random.Random) -> str:
    """One template of the item, opened as a task, a thing or a sentence of its own."""
    forms = (
        [("task", t) for t in item.do] + [("thing", t) for t in item.thing] + [("say", t) for t in item.say]
    )
    kinds = sorted({kind for kind, _ in forms})
    kind = rng.choices(kinds, [{"task": 4, "thing": 3, "say": 3}[k] for k in kinds])[0]
    text = grammar.expand(rng.choice([t for k, t in forms if k == kind]), rng)
    if kind == "task":
        return opening_for_task(text, rng)
    if kind == "thing":
        if text.startswith("the ") and text.count("@") == 1 and rng.random() < 0.06:
            text = "$n's " + text[4:].replace("@", "")
        return opening_for_thing(text, rng)
    return text


QUOTES = ("{}", "{}", "{}", "{}", "{}", "`{}`", "'{}'", '"{}"')
AS_COLUMN = ("column {}", "the column {}", "the {} column", "{} column", "col {}", "the {}")


def decorate(
    names: dict[str, str], rng: random.Random, frames: str = "nm", columns: str = "cde"
) -> dict[str, str]:
    """How the names are written in this question: bare, quoted, or called a column."""
    shown = dict(names)
    quote = rng.choice(QUOTES)
    word = rng.choice(AS_COLUMN) if rng.random() < 0.08 else "{}"
    for slot in names:
        if slot in columns:
            shown[slot] = word.format(quote.format(names[slot]))
        elif slot in frames and "`" in quote:
            shown[slot] = quote.format(names[slot])
    return shown


def place_frame(text: str, rng: random.Random, mode: str) -> str:
    """Say which frame is meant: by name, by "it" (a context shows it), or as any frame.

    ``@`` in the text is the place for "in sales"; ``$n`` is the frame as an object.
    """
    if mode == "named":
        if rng.random() < 0.05:
            few = rng.choice(FORMS["frame_columns"][: 3 if "$e" in text else None])
            return grammar.expand(few, rng) + text.replace("@", "")
        if "@" not in text:
            return text
        if rng.random() < 0.22:
            return grammar.expand(rng.choice(FORMS["frame_front"]), rng) + text.replace("@", "")
        inside = text.partition("@")[2].strip("?. ")
        places = [p for p in FORMS["frame_in"] if p.startswith(" ") and " - " not in p and " is " not in p]
        place = rng.choice(places if inside else FORMS["frame_in"])
        return text.replace("@", grammar.expand(place, rng), 1).replace("@", "")
    kind = "here" if mode == "context" else "any"
    text = text.replace("@", rng.choice(FORMS[f"frame_{kind}"]), 1).replace("@", "")
    return text.replace("$n", rng.choice(FORMS[f"object_{kind}"]))
