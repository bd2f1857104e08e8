"""A schema as people type it: `name, age int?, tags list[str], mood one of glad|sad: how it sounds`.

Fields stand between commas, line ends or semicolons. Each is a name, then a type (text where there is none),
`?` where it may be null, and a description behind a colon. The types are `str`, `int`, `float`, `bool`,
`date`, `datetime`, `list[T]`, `dict`, `dict[T]` (free names, values of one type) and `one of a|b|c`. Python's
way, `name: str`, is understood as well. A comma within a description or a choice stands in quotes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import NoReturn

from tether_jupyter.client.schema_fields import Field, Kind
from tether_jupyter.errors import InvalidRequest

TYPES: dict[str, Kind] = {
    "str": "str", "string": "str", "text": "str", "int": "int", "integer": "int", "float": "float",
    "number": "float", "bool": "bool", "boolean": "bool", "date": "date", "datetime": "datetime",
}  # fmt: skip
KNOWN = [*TYPES, "list", "dict", "one of"]
TOKEN = re.compile(
    r"""
    (?P<space>[^\S\n]+)
    | (?P<quoted>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    | (?P<mark>[,;:?|\[\]\n])
    | (?P<word>(?:(?![,;:?|\[\]"'])\S)+)
    """,
    re.VERBOSE,
)
NAME = re.compile(r"[^\W\d]\w*")
MOST_FIELDS = 100
DEEPEST = 6
HOW = "Write fields such as 'name, age int, tags list[str], mood one of glad|sad'."


class SchemaError(InvalidRequest):
    """A schema that cannot be read; the message shows the place."""


def read(text: str) -> tuple[Field, ...]:
    """Return the fields that a text names.

    Raises
    ------
    SchemaError
        The text cannot be read; the message shows where, and what may stand there.
    """
    return Reader(text).fields()


class Reader:
    """One pass over a schema's text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        # Kind, text and position of each token.
        self.tokens: list[tuple[str, str, int]] = []
        place = 0
        while place < len(text):
            found = TOKEN.match(text, place)
            if found is None:
                self.fail("A quotation mark is open here: close it.", place)
            kind = str(found.lastgroup)
            if kind != "space":
                self.tokens.append((kind, found[0], place))
            place = found.end()

    def fields(self) -> tuple[Field, ...]:
        """Return all fields."""
        found: list[Field] = []
        while self.at < len(self.tokens):
            if self.peek() in (",", ";", "\n"):
                self.at += 1
                continue
            place = self.place()
            field = self.field()
            if field.name in [each.name for each in found]:
                self.fail(f"The field `{field.name}` stands twice.", place)
            found.append(field)
            if len(found) > MOST_FIELDS:
                self.fail(f"There are more than {MOST_FIELDS} fields.", place)
        if not found:
            raise SchemaError(f"The schema names no field. {HOW}")
        return tuple(found)

    def field(self) -> Field:
        """Read a name, its type and its description."""
        kind, name, place = self.tokens[self.at]
        if kind != "word" or not NAME.fullmatch(name):
            self.fail(f"A field's name must stand here: letters, digits and `_`. {HOW}", place)
        self.at += 1
        field = Field(name)
        if self.peek() not in (",", ";", "\n", ":", "?", None):
            field = self.type(name)
        field = self.question_mark(field)
        if self.take(":"):
            before = self.at
            # `name: str` is how Python says it: what can be read as a type is one.
            if field == Field(name) and self.begins_type():
                typed = self.question_mark(self.type(name))
                if self.peek() in (",", ";", "\n", ":", None):
                    field = typed
                    if not self.take(":"):
                        return self.ended(field)
                else:
                    self.at = before
            field = replace(field, description=self.description())
        return self.ended(field)

    def ended(self, field: Field) -> Field:
        """Return the field, if nothing else follows it before the next."""
        if self.peek() not in (",", ";", "\n", None):
            self.fail("A comma must stand before the next field, or a colon before a description.")
        return field

    def begins_type(self) -> bool:
        """Return whether a type may stand here."""
        word = (self.peek() or "").lower()
        return word in TYPES or word in ("list", "dict") or (word == "one" and self.peek(1) == "of")

    def question_mark(self, field: Field) -> Field:
        """Return the field, optional if a question mark follows."""
        return replace(field, optional=True) if self.take("?") else field

    def type(self, name: str, depth: int = 0) -> Field:
        """Read a type."""
        place = self.place()
        word = (self.peek() or "").lower()
        if depth > DEEPEST:
            self.fail("The types are nested too deeply.", place)
        if word == "one" and self.peek(1) == "of":
            self.at += 2
            return Field(name, "choice", choices=self.choices())
        if word in ("list", "dict"):
            self.at += 1
            kind: Kind = "list" if word == "list" else "dict"
            items = Field("") if word == "list" else None
            if self.take("["):
                items = self.question_mark(self.type("", depth + 1))
                if not self.take("]"):
                    self.fail("A `]` must stand here.")
            return Field(name, kind, items=items)
        if word not in TYPES:
            near = get_close_matches(word, KNOWN, 1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            shown = f"`{word}` is no type" if word.strip() else "A type must stand here"
            self.fail(f"{shown}.{hint} The types are {', '.join(KNOWN[:-1])} and `one of a|b`.", place)
        self.at += 1
        return Field(name, TYPES[word])

    def choices(self) -> tuple[str, ...]:
        """Read what stands between vertical lines."""
        found: list[str] = []
        while True:
            place = self.place()
            words = []
            while self.at < len(self.tokens) and self.tokens[self.at][0] in ("word", "quoted"):
                words.append(unquoted(self.tokens[self.at][1]))
                self.at += 1
            if not words:
                self.fail("A choice must stand here, such as `one of glad|sad`.", place)
            choice = " ".join(words)
            if choice in found:
                self.fail(f"The choice `{choice}` stands twice.", place)
            found.append(choice)
            if not self.take("|"):
                return tuple(found)

    def description(self) -> str:
        """Read up to the next comma or line end, as it was typed."""
        start, end = self.place(), self.place()
        tokens = []
        while self.at < len(self.tokens) and self.tokens[self.at][1] not in (",", ";", "\n"):
            kind, word, place = self.tokens[self.at]
            tokens.append(kind)
            end = place + len(word)
            self.at += 1
        if not tokens:
            self.fail("A description must stand behind the colon.", start)
        said = self.text[start:end]
        return unquoted(said) if tokens == ["quoted"] else said

    def peek(self, ahead: int = 0) -> str | None:
        """Return the text of a token that comes, or `None` at the end."""
        where = self.at + ahead
        return self.tokens[where][1] if where < len(self.tokens) else None

    def take(self, mark: str) -> bool:
        """Go past a mark, if it is next."""
        if self.peek() != mark:
            return False
        self.at += 1
        return True

    def place(self) -> int:
        """Return where the next token begins."""
        return self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)

    def fail(self, why: str, place: int | None = None) -> NoReturn:
        """Raise, and show the line with a mark below the place."""
        where = self.place() if place is None else place
        start = self.text.rfind("\n", 0, where) + 1
        line = self.text[start:].partition("\n")[0].replace("\t", " ")
        column = where - start
        # A long schema shows the part around the place.
        cut = max(0, column - 60)
        raise SchemaError(
            f"The schema cannot be read: {why}\n  {line[cut : cut + 100]}\n  {' ' * (column - cut)}^"
        )


def unquoted(word: str) -> str:
    """Return a token without its quotation marks."""
    if len(word) > 1 and word[0] in "\"'" and word[-1] == word[0]:
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    return word
