"""The training text: questions and answers, made afresh from a seed.

``gen(rng)`` returns an Example; ``held=True`` draws names from held-out words. The spans of an
example are the places of the answer that repeat the question.
"""

from __future__ import annotations

import random
import re
from typing import NamedTuple

from . import basics, context, grammar, names, offtopic, phrases, rough, wording
from .grammar import Spans
from .phrases import Item


class Example(NamedTuple):
    """One question with its answer."""

    kind: str
    question: str
    answer: str
    spans: Spans


FRAME_IDIOMS = phrases.read("rows") + phrases.read("columns")
FRAME_PLOTS = phrases.read("frame_plots")
NAMED_ONLY = phrases.read("joins") + phrases.read("files")
ARRAYS = phrases.read("numpy") + phrases.read("array_plots")
PROBLEMS = [
    problem
    for name in ("errors_names", "errors_types", "errors_values", "errors_fixed")
    for problem in phrases.read(name)
]
MANUAL = [entry for name in ("manual_using", "manual_setup", "manual_about") for entry in phrases.read(name)]
ASK_ERROR = phrases.lists("ask_error")
DOUBLE_OF = re.compile(r"\$W (of|in|for|value)\b")
ROWS = re.compile(r"\b(rows?|entries|entry|records?|observations?)\b")
ONE = re.compile(r"\b(the|a|each|which|what|every|one|first) \$q\b(?! (have|are|come))")
LIST_COLUMNS = next(i for i in FRAME_IDIOMS if ".columns)" in i.answer)
WHOLE_COLUMN = next(i for i in FRAME_IDIOMS if "Take the column" in i.answer)

KINDS = {"n": "frame", "m": "frame", "c": "column", "d": "column", "e": "column", "f": "function"}
ERROR_KINDS = KINDS | {"g": "function", "p": "package"}
TEXTS = ["n/a", "12.5", "1,000", "-", "abc", "3 apples", "unknown", "N/A", "hello", "1e5x", "$5", "?"]


def weighted(rng: random.Random, items: list[Item]) -> Item:
    """One of the items: what is asked most is practised more than its share."""
    return rng.choices(items, [item.weight**1.5 for item in items])[0]


def numbers(rng: random.Random, count: int) -> list[str]:
    """Different whole numbers, mostly small."""
    limit = rng.choice((10, 20, 100, 100, 100, 1000, 10000))
    return [str(i) for i in rng.sample(range(1, limit + 1), count)]


UNITS = ("{} in s", "{} (kg)", "{} in %", "{} [m]", "{} per day", "{} in EUR", "{} (2024)", "the {}")


def phrase(rng: random.Random, held: bool) -> str:
    """A text value: one word or a few, with or without capitals."""
    words = [names.identifier(rng, "column", held) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]
    text = " ".join(words)
    if rng.random() < 0.1:
        text = rng.choice(UNITS).format(text)
    return text.capitalize() if rng.random() < 0.4 else text


def _similar(column: str, rng: random.Random) -> str:
    """The column as a person says it: lower case, spaces, a plural."""
    text = column
    if rng.random() < 0.6:
        text = text.replace("_", " ")
    if rng.random() < 0.6:
        text = text.lower()
    if rng.random() < 0.3 and text[-1:].isalpha() and not text.endswith("s"):
        text = text[:-1] + "ies" if text.endswith("y") else text + "s"
    return text


def _new(slot: str, answer: str) -> bool:
    """Whether the answer makes this column: no section of the context can show it yet."""
    made = f"['${slot}'] = " in answer or f": '${slot}'" in answer
    return made and answer.count(f"${slot}") == 1


def _resemble(slots: dict[str, str], rng: random.Random) -> None:
    """Give two columns names that look alike: one is part of the other, or has a typo."""
    one, other = rng.sample("cde", 2)
    if rng.random() < 0.4:
        made = rough.typo(slots[one], rng)
    else:
        end = rng.choice(("old", "new", "2", "id", "eur", "total", "name", "rate", names.syllable(rng)))
        made = f"{slots[one]}_{end}" if rng.random() < 0.7 else f"{end}_{slots[one]}"
    if made.isidentifier() and made not in slots.values():
        slots[other] = made


def idiom(rng: random.Random, held: bool = False) -> Example:
    """A how-to question on a frame, an array or a plot."""
    kind = rng.random()
    if kind < 0.66:
        item, modes = weighted(rng, FRAME_IDIOMS), ("named", "context", "default")
    elif kind < 0.78:
        item, modes = weighted(rng, FRAME_PLOTS), ("named", "context")
    elif kind < 0.87:
        item, modes = weighted(rng, NAMED_ONLY), ("named",)
    else:
        item, modes = weighted(rng, ARRAYS), ("named",)
    array = item in ARRAYS
    mode = rng.choices(modes, (0.52, 0.38, 0.10)[: len(modes)])[0]
    if item is LIST_COLUMNS and rng.random() < 0.4:
        mode = "context"  # only there it copies several names in a row
    slot_kinds = dict(KINDS)
    if array:
        slot_kinds.update(n=rng.choice(("value", "frame")), m="value", c="value", d="value")
    slots = names.distinct(rng, slot_kinds, held)
    slots["a"], slots["b"], slots["k"] = numbers(rng, 3)
    if rng.random() < 0.12 and any(x in item.answer for x in ("$A $a]", "fillna($a)", "where(")):
        slots["a"] = rng.choice((f"{slots['a']}.{rng.randint(0, 99)}", "0", "0", "-1", "0.5"))
        if "where(" in item.answer and "." in slots["a"]:
            slots["a"], slots["k"] = slots["k"], slots["a"]
    slots["s"], slots["t"] = phrase(rng, held), phrase(rng, held)
    if item.pick:
        words, slots["A"] = rng.choice(item.pick)
        slots["W"] = rng.choice(words.split("|"))
    if "'$s.$t'" in item.answer:
        slots["t"] = rng.choice(("png", "png", "pdf", "svg", "jpg"))
    if "$s." in item.answer or "$s.csv" in item.answer:
        slots["s"] = names.identifier(rng, "frame", held)
        if rng.random() < 0.25:
            slots["s"] = slots["n"] + rng.choice(("_clean", "_2", "_new", "_final", "_2024", "2", "_out"))
        elif rng.random() < 0.15:
            slots["s"] = rng.choice(("data/", "../", "raw/")) + slots["s"]
    if not held and not array and rng.random() < 0.08:
        _resemble(slots, rng)
    text = wording.ask(item, rng)
    if DOUBLE_OF.search(text):  # "the sum of" and "of price"
        slots["W"] = slots["W"].removesuffix(" of").removesuffix(" in").removesuffix(" value")
    slots["q"] = names.identifier(rng, "frame", held)
    if rng.random() < (
        0.25 if mode == "context" else 0.1
    ):  # people say "trips" where the templates say "rows"
        text = ROWS.sub("$q", text, count=1)
        if mode == "context" and rng.random() < 0.6:
            slots["q"] = slots["n"]
    if mode == "context" and slots["q"] == slots["n"] and ONE.search(text):
        slots["q"] = slots["n"].removesuffix("s")
    if mode == "default":
        slots["n"] = "df"
    asked_by_name = mode == "context" and rng.random() < 0.35
    if mode != "named" or "@" in text:
        text = wording.place_frame(text, rng, "named" if asked_by_name else mode)
    if asked_by_name:  # "@sales" is how a variable goes along
        text = (
            text.replace("$n", "@$n") if "$n" in text else text.rstrip("?. ") + rng.choice((" @$n", "? @$n"))
        )
    if mode == "named" and "$n" in item.answer and "$n" not in text:
        text = grammar.expand(rng.choice(wording.FORMS["frame_front"]), rng) + text
    unsaid = mode == "default" and not re.search(r"\b(df|data ?frame|pandas|frame|table)\b", text)
    if unsaid and (item is WHOLE_COLUMN or "$q" in text or rng.random() < 0.6):
        text = rng.choice(("in pandas, ", "pandas: ", "with pandas: ", "df: ", "in a dataframe, ")) + text
    text = rough.rough(text, rng)
    # Names in the question may differ a little from those of the frame when a section shows them.
    shown = wording.decorate(slots, rng, columns="" if array else "cde")
    before = ""
    if mode == "context" or (mode == "named" and not array and rng.random() < 0.1):
        there = [x for x in "cde" if f"${x}" in item.answer and not _new(x, item.answer)]
        used = [slots[x] for x in there]
        if mode == "context" and rng.random() < 0.5:
            for x in there:
                shown[x] = _similar(slots[x], rng)
        columns = context.more_columns(rng, used) or [names.identifier(rng, "column")]
        parts = [context.frame_section(rng, slots["n"], columns)]
        if "$m" in item.answer:
            parts.append(context.frame_section(rng, slots["m"], context.more_columns(rng, used) or ["a"]))
        elif mode == "named" and rng.random() < 0.5:
            parts.append(context.unrelated(rng))
            rng.shuffle(parts)
        before = "\n\n".join(parts) + "\n\n"
        if item is LIST_COLUMNS and len(columns) > 6:
            return idiom(rng, held)
        if item is LIST_COLUMNS:
            return _columns_in_words(before + grammar.fill(text, shown), slots["n"], columns)
    return Example("do", before + grammar.fill(text, shown), *grammar.fill_spans(item.answer, slots))


def _columns_in_words(question: str, frame: str, columns: list[str]) -> Example:
    marks = [f"`${chr(97 + i)}`" for i in range(len(columns))]
    listed = marks[0] if len(marks) == 1 else ", ".join(marks[:-1]) + " and " + marks[-1]
    template = f"`$n` has the column{'s' if len(marks) > 1 else ''} {listed}."
    slots = {chr(97 + i): column for i, column in enumerate(columns)} | {"n": frame}
    return Example("do", question, *grammar.fill_spans(template, slots))


TYPES = ["list", "str", "dict", "int", "DataFrame", "Series", "float", "tuple", "set", "Index", "bool"]
TYPES += ["numpy.ndarray", "function"]
COMMANDS = (  # what `%tether fix` and `explain` ask, and the buttons on an error
    "How do I fix this {}? Write the whole corrected cell in one Python code block, and say what was wrong.",
    "Explain this {}: what went wrong, where, and how to mend it.",
    "Fix the {} in cell {}: why does it happen, and what is the corrected cell?",
    "Explain the {} in cell {}.",
    "Why does cell {1} fail with {0}, and how do I fix it?",
)
BARE_TYPES = ("ZeroDivisionError", "KeyError: '$c'", "IndexError: [", "StopIteration")


def error(rng: random.Random, held: bool = False) -> Example:
    """A question on an error: message alone, with its line, as a traceback or a section."""
    problem = weighted(rng, PROBLEMS)
    kinds = dict(ERROR_KINDS)
    for slot in "nme":
        kinds[slot] = rng.choice(("frame", "value"))
    slots = names.distinct(rng, kinds, held)
    slots["a"], slots["b"], slots["k"] = numbers(rng, 3)
    if rng.random() < 0.1:
        slots["a"] = "0"
    slots["s"] = names.identifier(rng, "column", held)
    if problem.message.startswith("ValueError") and rng.random() < 0.4:
        slots["s"] = rng.choice(TEXTS) if rng.random() < 0.6 else phrase(rng, held)
    if "concatenate" in problem.message or problem.message.startswith("AssertionError"):
        slots["s"] = phrase(rng, held) + rng.choice(("", "", ": ", " = ", " ", "!", " is "))
    slots["x"] = rng.choice(("csv", "csv", "csv", "txt", "json", "xlsx", "png", "parquet"))
    slots["T"] = rng.choice(TYPES)
    if problem.pick:
        slots["W"], slots["A"] = rng.choice(problem.pick)
    if rng.random() < 0.1 and problem.message.startswith(("FileNotFound", "Permission")):
        slots["s"] = rng.choice(("data/", "../", "/home/me/")) + slots["s"]
    message = grammar.fill(grammar.expand(problem.message, rng), slots)
    line = grammar.fill(rng.choice(problem.line), slots) if problem.line else ""
    slots["L"] = line
    answer = problem.answer or problem.alone
    form = rng.random()
    if problem.alone and (form < 0.26 or not line):
        slots["E"] = message if rng.random() < 0.92 else message.split(": ", 1)[-1]
        text = grammar.fill(_polish(grammar.expand(rng.choice(ASK_ERROR["alone"]), rng), rng), slots)
        return Example("err", text, *grammar.fill_spans(problem.alone, slots))
    if form < 0.68:
        bare = problem.message.startswith(BARE_TYPES) and rng.random() < 0.12
        slots["E"] = message.split(":")[0] if bare else message
        if not bare and rng.random() < 0.06:
            slots["E"] = message.split(": ", 1)[-1]
        form = "chat" if rng.random() < 0.3 else "with_line"
        text = grammar.fill(_polish(grammar.expand(rng.choice(ASK_ERROR[form]), rng), rng), slots)
        return Example("err", text, *grammar.fill_spans(answer, slots))
    trace = context.traceback(rng, message, line)
    ask = rng.choice(ASK_ERROR["section"])
    if rng.random() < 0.3:
        ask = rough.rough(ask, rng)
    if form < 0.85:
        text = rng.choice((trace, trace, f"{trace}\n\n{ask}", f"{trace}\n{ask}", f"{ask}\n\n{trace}",
                           f"{ask}\n{trace}", f"{ask}\n```\n{trace}\n```"))  # fmt: skip
        return Example("err", text, *grammar.fill_spans(answer, slots))
    name = message.split(":")[0].split(".")[-1].strip()
    number = rng.randint(1, 60)
    title, parts = name, []
    way = rng.random()
    if way < 0.7:  # as Tether's own commands and its sidebar send it
        told = context.told_error if way < 0.4 else context.brief_error
        body = told(rng, message, line, number)
        if told is context.brief_error:
            title = f"{name} in cell {number}"
            if rng.random() < 0.3:
                parts.append(context.section("error", name, context.told_error(rng, message, line, number)))
        if rng.random() < 0.6:
            ask = rng.choice(COMMANDS).format(name, rng.randint(1, 60))
    else:
        body = trace if rng.random() < 0.85 or not problem.alone else message
    if body is message:
        answer = problem.alone
    parts.insert(0, context.section("error", title, body))
    other = rng.random()
    if other < 0.35:
        source = [context.code_line(rng) for _ in range(rng.randint(0, 2))] + [line]
        place = rng.choice((f"In [{number}]", f"In [{number}]", str(number)))
        parts.insert(0, context.section("cell", place, "\n".join(source)))
    elif other < 0.45:
        parts.insert(rng.randrange(2), context.unrelated(rng))
    text = "\n\n".join(parts) + "\n\n" + ask
    return Example("err", text, *grammar.fill_spans(answer, slots))


def _polish(text: str, rng: random.Random) -> str:
    """Small variations of a template; names and messages come in later."""
    if rng.random() < 0.08:
        text = rng.choice(rough.HEADS) + " " + text
    if rng.random() < 0.08:
        text += " " + rng.choice(rough.TAILS)
    if rng.random() < 0.5 and text[:1].islower() and text.split(" ")[0].isalpha():
        text = text[0].upper() + text[1:]
    return text.strip("\n")


AROUND = [
    "{} [in|with|for|using] tether",
    "tether[:|,] {}",
    "{} (tether)",
    "{} [here|in jupyter|in the notebook|in this thing|with you]",
    "in jupyter[lab|], {}",
    "[I am stuck|ok|hello|sorry|one question|I am new|quick question|hi tether]: {}",
]


def about(rng: random.Random) -> Example:
    """A question on Tether itself."""
    entry = weighted(rng, MANUAL)
    text = wording.ask(entry, rng)
    if entry.do and rng.random() < 0.22:
        text = grammar.expand(rng.choice(AROUND), rng).replace("{}", text)
    text = grammar.fill(text, {"n": names.invent(rng)})
    text = rough.rough(text, rng)
    if rng.random() < 0.05:
        text = context.unrelated(rng) + "\n\n" + text
    return Example("tether", text, entry.answer, [])


def basic(rng: random.Random) -> Example:
    """A question that names nothing."""
    return Example("basic", *basics.question(rng))


def other(rng: random.Random) -> Example:
    """A question that is refused."""
    text = offtopic.question(rng)
    if rng.random() < 0.09:
        step = idiom(rng).question if rng.random() < 0.7 else basics.question(rng)[0]
        text = offtopic.elsewhere(step, rng) or text
    if rng.random() < 0.03:
        body = "\n".join(context.code_line(rng) for _ in range(rng.randint(1, 4)))
        tag = rng.choice(("selection", "cell"))
        text = context.section(tag, "" if tag == "selection" else str(rng.randint(1, 50)), body)
        text += "\n\n" + grammar.fill(rng.choice(offtopic.FORMS["code"]), {"w": names.invent(rng)})
    elif rng.random() < 0.07:
        text = context.unrelated(rng) + "\n\n" + text
    return Example("off", text, offtopic.REFUSAL, [])


def drill(rng: random.Random) -> Example:
    """Copy practice: short and without meaning."""
    keys = [names.invent(rng) for _ in range(rng.randint(2, 5))]
    if rng.random() < 0.5:
        question = "repeat: " + " ".join(f"`{w}`" for w in keys)
        template = " ".join("$" + chr(97 + i) for i in range(len(keys)))
        return Example(
            "drill", question, *grammar.fill_spans(template, dict(zip("abcde", keys, strict=False)))
        )
    values = [names.invent(rng) for _ in keys]
    i = rng.randrange(len(keys))
    question = "\n".join(f"{a} = {b}" for a, b in zip(keys, values, strict=True))
    return Example("drill", f"{question}\nvalue of {keys[i]}", *grammar.fill_spans("`$a`", {"a": values[i]}))


def indomain(rng: random.Random, held: bool = False) -> Example:
    """A question on an error or an idiom."""
    return error(rng, held) if rng.random() < 0.42 else idiom(rng, held)


LONG = 0.07
"""How often much else stands above the question: what was always short derails a model where it is long."""


def gen(rng: random.Random, drills: float = 0.0) -> Example:
    """One example of the mixture."""
    if rng.random() < drills:
        return drill(rng)
    make = rng.choices((error, idiom, about, basic, other), (0.12, 0.36, 0.13, 0.11, 0.28))[0]
    example: Example = make(rng)
    if rng.random() < LONG:
        return example._replace(question=context.long_sections(rng) + "\n\n" + example.question)
    return example


def _template_words() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(phrases.FOLDER.glob("*.txt"))]
    return sorted({word.lower() for t in texts for word in re.findall(r"[A-Za-z]{2,}", t)})


names.fragments += _template_words()
