"""Answers in a given form: JSON of a schema, a regular expression, a grammar.

`forms` reads what is asked for; `reading`, `layout` and `writing` turn a schema into a grammar; `matching`
keeps an answer to it, and `ending` brings it to its end in time. What cannot be kept is refused by name: a
constraint that is dropped in silence is worse than none.
"""

from tether_jupyter.llm.local.constraint.ending import Ending
from tether_jupyter.llm.local.constraint.forms import check
from tether_jupyter.llm.local.constraint.matching import Constraint, Constraints

__all__ = ["Constraint", "Constraints", "Ending", "check"]
