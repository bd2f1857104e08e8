"""What stands around a question: context sections as Tether writes them, and tracebacks."""

from __future__ import annotations

import keyword
import random
import re

from . import grammar
from .names import identifier, invent

DTYPES = ["object", "object", "float64", "float64", "int64", "int64", "datetime64[ns]", "bool",
          "category", "str", "string", "int32", "float32", "datetime64[us]"]  # fmt: skip
DASHES = "-" * 75
HEADER = "Traceback (most recent call last)"
FILLER_LINES = [
    "$x = $k", "import pandas as pd", "import numpy as np", "$x = $y + $k", "$x = pd.read_csv('$y.csv')",
    "print($x)", "for i in range($k):", "    $x += i", "# $x and $y", "$x = [$k, $j]", "$x = {}",
    "$x = '$y'", "def $y($x):", "    return $x", "$x = $y($k)", "if $x > $k:", "$x.append($k)",
    "$x = $y['$z']", "$x = []", "", "$x['$y'] = $k", "import matplotlib.pyplot as plt", "$x = None",
    "$x = $y.$z()", "from $x import $y", "with open('$x.txt') as f:", "plt.plot($x, $y)", "$x = np.zeros($k)",
]  # fmt: skip


def section(tag: str, name: str, body: str) -> str:
    """One section of the context, as the product writes it."""
    attribute = f' name="{name}"' if name else ""
    return f"<{tag}{attribute}>\n{body}\n</{tag}>"


def frame_section(rng: random.Random, name: str, columns: list[str]) -> str:
    """The section of a DataFrame variable: mostly as Tether writes it, else in a shorter form."""
    rows = rng.choice((rng.randint(1, 99), rng.randint(100, 9999), rng.randint(10000, 2000000)))
    if rng.random() < 0.4:
        lines = [f"DataFrame, {rows} rows, {len(columns)} column{'s' if len(columns) != 1 else ''}"]
        lines += [f"{column}: {rng.choice(DTYPES)}" for column in columns]
        return section("variable", name, "\n".join(lines))
    return section("variable", name, "\n".join(frame_lines(rng, name, columns)))


def frame_lines(rng: random.Random, name: str, columns: list[str]) -> list[str]:
    """A DataFrame as Tether writes it."""
    rows = rng.choice((rng.randint(1, 99), rng.randint(100, 9999), rng.randint(10000, 2000000)))
    size = f"{rng.randint(1, 999) / rng.choice((1, 10)):g} {rng.choice(('bytes', 'B', 'kB', 'kB', 'MB'))}"
    index = rng.choice(("RangeIndex", "RangeIndex", "RangeIndex", "Index", "DatetimeIndex"))
    lines = [f"{name}: pandas.DataFrame, {rows:,} × {len(columns)}, {size}, index {index}"]
    for column in columns:
        nulls = rng.randint(1, 50)
        told = f", {nulls} null{'s' if nulls > 1 else ''}" if rng.random() < 0.2 else ""
        lines.append(f"  {column}: {rng.choice(DTYPES)}{told}")
    if rng.random() < 0.1:
        lines += ["  first rows:", "    " + " ".join(columns)]
        lines.append("    " + " ".join(str(rng.randint(0, 999)) for _ in columns))
    return lines


LIBRARIES = ("pandas", "pandas", "pandas", "numpy", "matplotlib", "pandas, numpy", "sklearn")
COMPILED = ("hashtable_class_helper.pxi", "index.pyx", "parsers.pyx", "lib.pyx")
NAME = re.compile(r"(?<![\w.'\"])[a-z_]\w*(?![\w(])")
CAUSE = "The above exception was the direct cause of the following exception:"


def in_libraries(rng: random.Random) -> str:
    """The line that stands for frames of libraries."""
    count = rng.randint(1, 9)
    return f"… {count} frame{'s' if count > 1 else ''} in {rng.choice(LIBRARIES)}"


def locals_of(rng: random.Random, line: str) -> list[str]:
    """The variables of a frame as Tether writes them below its code."""
    found = [name for name in dict.fromkeys(NAME.findall(line)) if not keyword.iskeyword(name)]
    lines = []
    for name in found[:2]:
        if rng.random() < 0.5:
            lines += frame_lines(rng, name, more_columns(rng, [], 4) or ["a"])
        else:
            kind, value = rng.choice((("int", "3"), ("str", "'x'"), ("list", "[1, 2]"), ("float", "0.5")))
            lines += [f"{name}: {kind}", f"  = {value}"]
    return lines


def told_error(rng: random.Random, message: str, line: str, number: int) -> str:
    """The body of an error section as Tether writes it from the kernel: the message, then the frames."""
    above = [code_line(rng) for _ in range(rng.choice((0, 0, 1, 1, 2)))]
    shown = [f"      {i}  {text}" for i, text in enumerate(above, 1)]
    shown.append(f"    → {len(above) + 1}  {line}")
    where = "<module>" if not line.startswith(" ") else invent(rng)
    head = f"cell [{number}], {where}, line {len(above) + 1}:"
    if rng.random() < 0.35:
        shown += [f"    {each}" for each in locals_of(rng, line)]
    if rng.random() < 0.35:
        shown.append(in_libraries(rng))
    cause = []
    if message.startswith("KeyError") and rng.random() < 0.4:
        place = f"pandas/_libs/{rng.choice(COMPILED)} line {rng.randint(90, 8000)}"
        cause = [f"  caused by {message}, in {place}"]
    return "\n".join([message, *cause, head, *shown])


def brief_error(rng: random.Random, message: str, line: str, number: int) -> str:
    """The same as a page sends it: a traceback, in which Tether counts the frames of libraries."""
    above = [code_line(rng) for _ in range(rng.choice((0, 0, 1, 1, 2)))]
    at = len(above) + 1
    shown = [f"Cell In[{number}], line {at}"]
    shown += [f"{i:>7} {text}" for i, text in enumerate(above, 1)]
    shown.append(f"----> {at} {line}")
    if message.startswith("KeyError") and rng.random() < 0.4:
        shown = [in_libraries(rng), message, CAUSE, *shown]
    if rng.random() < 0.45:
        shown.append(in_libraries(rng))
    return "\n".join([*shown, message])


def more_columns(rng: random.Random, have: list[str], most: int = 6) -> list[str]:
    """These columns and some others, in any order."""
    columns = list(have)
    for _ in range(rng.randint(0, max(0, most - len(have)))):
        column = identifier(rng, "column")
        if column not in columns:
            columns.append(column)
    rng.shuffle(columns)
    return columns


def code_line(rng: random.Random) -> str:
    """A line of code that has nothing to do with the error."""
    names = {x: identifier(rng, "value") for x in "xyz"}
    names.update(k=str(rng.randint(0, 200)), j=str(rng.randint(0, 20)))
    return grammar.fill(rng.choice(FILLER_LINES), names)


def traceback(rng: random.Random, message: str, line: str) -> str:
    """The traceback of one cell as Jupyter shows it, in the styles of several versions."""
    kind = message.split(":")[0].split(".")[-1].strip()
    before = [code_line(rng) for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2, 3)))]
    after = [code_line(rng) for _ in range(rng.choice((0, 0, 0, 0, 0, 1, 2)))]
    indent = "    " if rng.random() < 0.12 and not line.startswith(" ") else ""
    number, cell = len(before) + 1, rng.randint(1, 99)
    if rng.random() < 0.08:
        number += rng.randint(1, 30)
    first = number - len(before)
    shown = []
    for i, text in enumerate([*before, indent + line, *after]):
        at = first + i
        shown.append(
            ("----> " if at == number else "      ")[len(str(at)) - 1 :] + f"{at} {text}"
            if at == number
            else f"{at:>7} {text}"
        )
    style = rng.random()
    where = f", in {invent(rng)}({invent(rng)})" if indent else ""
    if style < 0.62:
        place = f"Cell In[{cell}], line {number}{where}"
    elif style < 0.74:
        tag = "".join(rng.choice("0123456789abcdef") for _ in range(12))
        place = f"<ipython-input-{cell}-{tag}> in <module>" + rng.choice(("", "()"))
    elif style < 0.82:
        place = f"Input In [{cell}], in <cell line: {number}>()"
    elif style < 0.92:
        path = f'  File "{invent(rng)}.py", line {number}, in <module>\n    {line}'
        return f"{HEADER}:\n{path}\n{message}"
    else:
        body = f"----> {number} {line}" if rng.random() < 0.6 else line
        return f"{HEADER}:\n  Cell In[{cell}], line {number}\n{body}\n{message}"
    header = kind + " " * max(1, 75 - len(kind) - len(HEADER)) + HEADER
    blocks = [f"{place}\n" + "\n".join(shown)]
    if rng.random() < 0.12:
        package = rng.choice(("pandas/core/frame.py", "pandas/core/indexes/base.py",
                              "numpy/core/fromnumeric.py", f"{invent(rng)}/{invent(rng)}.py"))  # fmt: skip
        deep = rng.randint(20, 4900)
        blocks.append(
            f"File ~/lib/python3.{rng.randint(8, 13)}/site-packages/{package}:{deep}, in "
            f"{invent(rng)}(self, key)\n{deep - 1:>7} {code_line(rng)}\n"
            f"----> {deep} {rng.choice(('raise ' + kind + '(key) from err', code_line(rng)))}"
        )
    text = f"{header}\n" + "\n\n".join(blocks) + f"\n\n{message}"
    return text if rng.random() < 0.15 else f"{DASHES}\n{text}"


def unrelated(rng: random.Random) -> str:
    """A section that the question is not about."""
    kind = rng.random()
    if kind < 0.6:
        return frame_section(rng, identifier(rng, "frame"), more_columns(rng, [], 4) or ["a"])
    body = "\n".join(code_line(rng) for _ in range(rng.randint(1, 4)))
    if kind < 0.8:
        return section("cell", str(rng.randint(1, 60)), body)
    if kind < 0.9:
        return section("selection", "", body)
    name = identifier(rng, "frame") + rng.choice((".csv", ".py", ".txt"))
    return section("file", name, body)


def long_sections(rng: random.Random) -> str:
    """Sections that the question is not about, and many lines of them: cells, and files of figures."""
    parts, room = [], rng.randint(150, 900)
    while room > 0:
        count = rng.randint(3, 20)
        if rng.random() < 0.5:
            body = "\n".join(code_line(rng) for _ in range(count))
            parts.append(section("cell", f"cell {rng.randint(1, 60)}", body))
        else:
            width = rng.randint(1, 4)
            rows = [
                [f"{rng.uniform(0, 999):.{rng.randint(0, 2)}f}" for _ in range(width)] for _ in range(count)
            ]
            body = "\n".join(",".join(row) for row in rows)
            parts.append(section("file", identifier(rng, "frame") + ".csv", body))
        room -= len(body)
    return "\n\n".join(parts)


SHORT = re.compile(r'<variable name="(\w+)">\nDataFrame, (\d+) rows, (\d+) columns?\n((?:.+\n)+?)</variable>')


def as_told(question: str) -> str:
    """A question written by hand, with its frames in the form that Tether sends."""

    def told(match: re.Match[str]) -> str:
        name, rows, count, columns = match.groups()
        head = f"{name}: pandas.DataFrame, {int(rows):,} × {count}, 9.4 kB, index RangeIndex"
        return section("variable", name, "\n".join([head, *(f"  {line}" for line in columns.splitlines())]))

    return SHORT.sub(told, question)
