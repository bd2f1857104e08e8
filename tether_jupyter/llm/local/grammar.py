"""From a `response_format` to GBNF, the notation in which llama.cpp is told what an answer may look like.

Only what can be kept exactly is taken; any other keyword of JSON Schema is refused by name, because a
constraint that is dropped in silence is worse than none.
"""

from __future__ import annotations

import json
from typing import Any

from tether_jupyter.errors import InvalidRequest

PRIMITIVES = {
    "ws": r"[ \t\n]{0,16}",
    "string": r'"\"" char* "\"" ws',
    "char": r'[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})',
    "number": r'"-"? ("0" | [1-9] [0-9]{0,15}) ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})? ws',
    "integer": r'"-"? ("0" | [1-9] [0-9]{0,15}) ws',
    "boolean": r'("true" | "false") ws',
    "null": r'"null" ws',
    "any": "object | array | string | number | boolean | null",
    "object": r'"{" ws (string ":" ws any ("," ws string ":" ws any)*)? "}" ws',
    "array": r'"[" ws (any ("," ws any)*)? "]" ws',
}
NOTES = {"title", "description", "default", "examples", "$schema", "$id", "$comment", "$defs", "definitions"}
MAX_DEPTH = 32
MAX_RULES = 1000
MAX_PATHS = 4000
MAX_REPEAT = 200
MAX_REPEATS = 10_000
MAX_PROPERTIES = 100


def from_response_format(response_format: dict[str, Any] | None) -> str:
    """Return the grammar for a `response_format`; empty where any text will do.

    Raises
    ------
    InvalidRequest
        It is not one of OpenAI's three forms, or its schema asks for what no grammar here can keep.
    """
    kind = (response_format or {"type": "text"}).get("type")
    if kind == "text":
        return ""
    if kind == "json_object":
        return compile_schema({"type": "object"})
    if kind == "json_schema":
        wrapper = (response_format or {}).get("json_schema")
        schema = wrapper.get("schema") if isinstance(wrapper, dict) else None
        if not isinstance(schema, dict):
            raise InvalidRequest("`response_format.json_schema.schema` must be a JSON Schema.")
        return compile_schema(schema)
    raise InvalidRequest("`response_format.type` must be `text`, `json_object` or `json_schema`.")


def compile_schema(schema: dict[str, Any]) -> str:
    """Return the grammar that takes what a schema takes."""
    compiler = Compiler(schema)
    root = compiler.rule(schema, 0)
    compiler.check_choices()
    rules = {"root": f"ws {root}", **PRIMITIVES, **compiler.rules}
    return "\n".join(f"{name} ::= {body}" for name, body in rules.items()) + "\n"


class Compiler:
    """One schema on its way to rules: every part becomes a rule, so nothing is written out twice."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self.rules: dict[str, str] = {}
        self.references: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self.repeats = 0

    def rule(self, schema: Any, depth: int) -> str:
        """Return the name of the rule for a part of the schema."""
        if depth > MAX_DEPTH or len(self.rules) > MAX_RULES:
            raise InvalidRequest("The schema in `response_format` is too large. Make it simpler.")
        if schema is True or schema == {}:
            return "any"
        if not isinstance(schema, dict):
            raise InvalidRequest("A part of the schema in `response_format` is no schema.")
        if "$ref" in schema:
            return self.reference(schema["$ref"], depth)
        name = f"r{len(self.rules)}"
        self.rules[name] = ""  # The name is taken before the parts take theirs.
        self.rules[name] = self.body(schema, depth + 1, name)
        return name

    def choice(self, name: str, parts: list[str]) -> str:
        """Return the body that takes any of some rules, and remember that this one leads to them."""
        self.choices[name] = parts
        return " | ".join(parts)

    def check_choices(self) -> None:
        """Refuse choices of choices that lead back to themselves, or to too many ends.

        llama.cpp walks all of them at every token, so `anyOf` of `anyOf` grows like a power of two.
        """
        ends: dict[str, int] = {}

        def count(name: str, above: frozenset[str]) -> int:
            if name in above:
                raise InvalidRequest("A choice in `response_format` leads back to itself.")
            if name not in ends:
                ends[name] = sum(count(part, above | {name}) for part in self.choices.get(name, ())) or 1
                if ends[name] > MAX_PATHS:
                    raise InvalidRequest("The schema in `response_format` has too many choices.")
            return ends[name]

        for name in self.choices:
            count(name, frozenset())

    def reference(self, target: Any, depth: int) -> str:
        """Return the rule for a `$ref` inside the schema, which may lead back to itself."""
        if target in self.references:
            return self.references[target]
        if not isinstance(target, str) or not target.startswith("#"):
            raise InvalidRequest("A `$ref` in `response_format` must point into the schema itself.")
        found: Any = self.schema
        for step in target.lstrip("#/").split("/") if target != "#" else []:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        if not isinstance(found, dict) or "$ref" in found:
            raise InvalidRequest(f"The `$ref` {target[:80]!r} in `response_format` leads nowhere.")
        name = self.references[target] = f"d{len(self.references)}"
        self.rules[name] = ""
        self.rules[name] = self.body(found, depth + 1, name)
        return name

    def body(self, schema: dict[str, Any], depth: int, name: str) -> str:
        """Return the right-hand side for a part."""
        words = {word for word in schema if word not in NOTES}
        if "const" in schema:
            self.only(words, {"const", "type"})
            return literal(schema["const"])
        if "enum" in schema:
            self.only(words, {"enum", "type"})
            choices = schema["enum"]
            if not isinstance(choices, list) or not 0 < len(choices) <= MAX_RULES:
                raise InvalidRequest("An `enum` in `response_format` must be a list with entries.")
            return " | ".join(map(literal, choices))
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                self.only(words, {word})
                parts = schema[word]
                if not isinstance(parts, list) or not parts or (word == "allOf" and len(parts) > 1):
                    raise InvalidRequest(f"`{word}` with these parts cannot be kept in `response_format`.")
                return self.choice(name, [self.rule(part, depth) for part in parts])
        kinds = schema.get("type", "object" if "properties" in schema else None)
        if isinstance(kinds, list) and kinds:
            return self.choice(name, [self.rule({**schema, "type": kind}, depth) for kind in kinds])
        if kinds == "object":
            return self.object(schema, words, depth)
        if kinds == "array":
            return self.array(schema, words, depth)
        if kinds == "string":
            return self.string(schema, words)
        if isinstance(kinds, str) and kinds in ("number", "integer", "boolean", "null"):
            self.only(words, {"type"})
            return kinds
        self.only(words, set())
        return "any"

    def object(self, schema: dict[str, Any], words: set[str], depth: int) -> str:
        """Return the body for an object: the required entries in order, then any of the others in order."""
        self.only(words, {"type", "properties", "required", "additionalProperties"})
        properties, required = schema.get("properties") or {}, schema.get("required") or []
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise InvalidRequest("`properties` and `required` in `response_format` are not well-formed.")
        if len(properties) > MAX_PROPERTIES:
            raise InvalidRequest(f"An object in `response_format` has over {MAX_PROPERTIES} properties.")
        if missing := [str(name) for name in required if name not in properties]:
            raise InvalidRequest(
                f"`required` in `response_format` names {missing[0][:80]!r}, which has no schema."
            )
        if not properties:
            value = self.rule(schema.get("additionalProperties", True) or {"type": "null"}, depth)
            if schema.get("additionalProperties") is False:
                return r'"{" ws "}" ws'
            return rf'"{{" ws (string ":" ws {value} ("," ws string ":" ws {value})*)? "}}" ws'
        pairs = {
            name: f'{quoted(name)} ws ":" ws {self.rule(part, depth)}' for name, part in properties.items()
        }
        firm = [pairs[name] for name in pairs if name in required]
        loose = [pairs[name] for name in pairs if name not in required]
        if firm:
            inner = ' "," ws '.join(firm) + "".join(f' ("," ws {pair})?' for pair in loose)
        else:
            starts = [
                pair + "".join(f' ("," ws {other})?' for other in loose[index + 1 :])
                for index, pair in enumerate(loose)
            ]
            inner = f"({' | '.join(starts)})?"
        return rf'"{{" ws {inner} "}}" ws'

    def array(self, schema: dict[str, Any], words: set[str], depth: int) -> str:
        """Return the body for an array."""
        self.only(words, {"type", "items", "minItems", "maxItems"})
        item = self.rule(schema.get("items", True), depth)
        least, most = self.bounds(schema, "minItems", "maxItems")
        if most == 0:
            return r'"[" ws "]" ws'
        more = f"{{{max(least - 1, 0)},{'' if most is None else most - 1}}}"
        inner = f'{item} ("," ws {item}){more}'
        return rf'"[" ws {inner} "]" ws' if least else rf'"[" ws ({inner})? "]" ws'

    def string(self, schema: dict[str, Any], words: set[str]) -> str:
        """Return the body for a text."""
        self.only(words, {"type", "minLength", "maxLength"})
        least, most = self.bounds(schema, "minLength", "maxLength")
        return rf'"\"" char{{{least},{"" if most is None else most}}} "\"" ws'

    def bounds(self, schema: dict[str, Any], lower: str, upper: str) -> tuple[int, int | None]:
        """Return how often something may stand there; `None` for without end."""
        least, most = schema.get(lower, 0), schema.get(upper)
        for value in (least, most):
            if value is not None and (not isinstance(value, int) or not 0 <= value <= MAX_REPEAT):
                raise InvalidRequest(f"`{lower}` and `{upper}` in `response_format` go up to {MAX_REPEAT}.")
        if most is not None and most < least:
            raise InvalidRequest(f"`{upper}` is below `{lower}` in `response_format`.")
        self.repeats += max(least, most or 0)  # llama.cpp writes every repetition out.
        if self.repeats > MAX_REPEATS:
            raise InvalidRequest("The schema in `response_format` is too large. Make it simpler.")
        return int(least), most

    def only(self, words: set[str], known: set[str]) -> None:
        """Refuse what is not known."""
        if unknown := sorted(words - known):
            raise InvalidRequest(
                f"The local model cannot keep `{unknown[0][:80]}` in `response_format`. Leave it out."
            )


def literal(value: Any) -> str:
    """Return the terminal for one JSON value."""
    return f"{quoted(value)} ws"


def quoted(value: Any) -> str:
    """Return the JSON of a value as a terminal. What JSON cannot write as it is stays escaped in it."""
    text = json.dumps(value, ensure_ascii=False)
    if not text.isprintable():
        text = json.dumps(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
