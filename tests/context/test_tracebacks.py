"""A traceback keeps the user's frames and the message, and counts the libraries' frames."""

import json
import sys
import types

import pytest
from IPython.core.ultratb import FormattedTB

from tether_jupyter.context.tracebacks import LONGEST_MESSAGE, reduced


def library(source, name="/env/lib/python3.11/site-packages/sklearn/base.py"):
    """Return a module that stands in a library's file, as far as a traceback can tell."""
    module = types.ModuleType("sklearn")
    exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102
    return module


def traceback(raising, mode="Context", colours="nocolor"):
    """Return what IPython puts into an error output."""
    try:
        raising()
    except BaseException:  # noqa: BLE001
        kind, value, trace = sys.exc_info()
    try:
        formatter = FormattedTB(mode=mode, theme_name=colours)
    except TypeError:  # before IPython 9
        formatter = FormattedTB(mode=mode, color_scheme={"nocolor": "NoColor", "linux": "Linux"}[colours])
    lines = formatter.structured_traceback(kind, value, trace.tb_next)
    return reduced(kind.__name__, str(value), lines)


FIT = library(
    "def fit(x):\n    return check(x)\ndef check(x):\n    return deep(x)\ndef deep(x):\n    return x['no']\n"
)


def mine():
    before = {"a": 1}
    return FIT.fit(before)


@pytest.mark.parametrize("mode", ["Context", "Verbose", "Plain"])
@pytest.mark.parametrize("colours", ["nocolor", "linux"])
def test_the_users_frame_stays_and_the_librarys_are_counted(mode, colours):
    text = traceback(mine, mode, colours)
    assert "return FIT.fit(before)" in text
    assert ", in mine" in text
    assert text.count("3 frames in sklearn") == 1
    assert text.endswith("KeyError: 'no'")
    assert "\x1b" not in text
    assert "deep" not in text
    assert "Traceback (most recent call last)" not in text


def test_the_minimal_mode_has_its_message():
    assert traceback(mine, "Minimal").strip() == "KeyError: 'no'"


def test_values_in_a_verbose_traceback_stay_behind():
    def f(secret):
        return secret / 0

    value = int("7" * 9)
    text = traceback(lambda: f(value), "Verbose")
    assert "7" * 9 not in text
    assert "return secret / 0" in text


def test_the_chain_is_kept():
    def g():
        try:
            mine()
        except KeyError as error:
            raise RuntimeError("no luck") from error

    text = traceback(g)
    assert text.index("KeyError: 'no'") < text.index("direct cause") < text.index("RuntimeError: no luck")


def test_an_endless_recursion_is_short():
    def again(n):
        return again(n + 1)

    text = traceback(lambda: again(0))
    assert len(text) < 5_000
    assert "RecursionError: maximum recursion depth exceeded" in text


@pytest.mark.skipif(sys.version_info < (3, 11), reason="groups came with 3.11")
@pytest.mark.parametrize("mode", ["Context", "Plain"])
def test_a_group_tells_its_members(mode):
    def several():
        raise ExceptionGroup("two", [ValueError("first one"), TypeError("second one")])

    text = traceback(several, mode)
    assert "two (2 sub-exceptions)" in text


PLAIN_GROUP = [
    "  + Exception Group Traceback (most recent call last):",
    '  |   File "/home/ann/a.py", line 3, in several',
    '  |     raise ExceptionGroup("two", found)',
    "  | ExceptionGroup: two (2 sub-exceptions)",
    "  +-+---------------- 1 ----------------",
    "    | Traceback (most recent call last):",
    '    |   File "/home/ann/a.py", line 9, in one',
    "    |     check(x)",
    '    |   File "/usr/lib/python3.11/site-packages/pydantic/main.py", line 10, in check',
    "    |     raise ValueError",
    "    | ValueError: first one",
    "    +---------------- 2 ----------------",
    "    | TypeError: second one",
    "    +------------------------------------",
]


def test_a_group_in_plain_text_keeps_its_shape():
    text = reduced("ExceptionGroup", "two (2 sub-exceptions)", PLAIN_GROUP)
    assert "    | ValueError: first one" in text
    assert "    | TypeError: second one" in text
    assert "… 1 frame in pydantic" in text
    assert "/home/ann/a.py, line 9, in one" in text


def test_a_syntax_error_keeps_its_line_and_caret():
    try:
        compile("x = = 1", "/tmp/ipykernel_1/22.py", "exec")
    except SyntaxError as error:
        lines = FormattedTB(mode="Plain").structured_traceback(*sys.exc_info())
        text = reduced("SyntaxError", str(error), lines)
    assert "x = = 1" in text
    assert "^" in text
    assert text.count("invalid syntax") == 1
    assert "a cell, line 1" in text


OLD = """\
---------------------------------------------------------------------------
ZeroDivisionError                         Traceback (most recent call last)
<ipython-input-6-b2e110f6fc8f> in <module>()
      1 a = 1
      2 b = 0
----> 3 func(a, b)
      4 print(a)
      5 print(b)
      6 print(a)

~/anaconda3/lib/python3.7/site-packages/pandas/core/frame.py in apply(self, func, axis)
     12     x
---> 13     return op()

~/project/tools.py in func(a=1, b=0)
      1 def func(a, b):
----> 2     return a / b

ZeroDivisionError: division by zero"""


def test_the_form_of_old_ipython_is_read():
    assert reduced("ZeroDivisionError", "division by zero", OLD.split("\n")).split("\n") == [
        "In [6]",
        "      1 a = 1",
        "      2 b = 0",
        "----> 3 func(a, b)",
        "      4 print(a)",
        "      5 print(b)",
        "… 1 frame in pandas",
        "~/project/tools.py, in func",
        "      1 def func(a, b):",
        "----> 2     return a / b",
        "ZeroDivisionError: division by zero",
    ]


@pytest.mark.parametrize(
    ("name", "value", "lines", "last"),
    [
        ("E", "no", [], "E: no"),
        ("E", "", [], "E"),
        ("E", "", ["E: "], "E:"),
        (
            "ValidationError",
            "1 error\n\nfield\n  missing",
            ["ValidationError: 1 error", "", "field", "  missing"],
            "missing",
        ),
        ("E", "not in the lines", ["Traceback (most recent call last):", "something"], "E: not in the lines"),
    ],
)
def test_the_message_is_always_there_once(name, value, lines, last):
    text = reduced(name, value, lines)
    assert text.rstrip().endswith(last)
    assert text.count(name) == 1


def test_a_message_that_is_too_long_loses_its_middle():
    text = reduced("E", "a b " * 12_500, [])
    assert len(text) < LONGEST_MESSAGE + 100
    assert text.startswith("E: a b a")


def test_many_frames_of_the_users_are_counted():
    lines = [
        line for n in range(50) for line in (f'  File "/home/ann/a.py", line {n}, in f{n}', f"    f{n + 1}()")
    ]
    text = reduced("E", "no", [*lines, "E: no"])
    assert "… 38 more of your frames" in text
    assert "in f0\n" in text
    assert "in f49\n" in text


def test_a_huge_traceback_is_cut():
    lines = [json.dumps(list(range(50)))] * 20_000
    assert len(reduced("E", "no", lines)) < 60_000
