"""A question on one line ends with a question mark, which IPython would take for a plea for help."""

from __future__ import annotations

import re

QUESTION = re.compile(r"^([ \t]*)%tether[ \t]+(\S.*\?)[ \t]*(\n?)$")


def keep_question_marks(lines: list[str]) -> list[str]:
    """Turn `%tether why?` into the call that it stands for; `%tether?` still asks for help."""
    if not lines or lines[0].lstrip().startswith("%%"):
        return lines
    return [QUESTION.sub(_call, line) for line in lines]


def _call(found: re.Match[str]) -> str:
    indent, question, end = found.groups()
    return f"{indent}get_ipython().run_line_magic('tether', {question!r}){end}"
