"""The names in a question's sections, and the words of the question that mean one of them.

"delays", "Delay" and "zip code" mean the columns `delay` and `zip_code` of the frame above. A small model
cannot look through spelling, and need not: the chat template writes the column's own name in their place
(TEMPLATE does what this file does).
"""

from __future__ import annotations

MOST = 96
"""Names that are looked for; a chat template has its time."""
BEFORE = " \n'\"`("
AFTER = [many + sign for sign in " \n'\"`),.?!:;/" for many in ("", "s", "es")]
"""What may stand before the first word of a name that is said in several, and after the last one."""


def told(text: str) -> tuple[list[str], int]:
    """The names that begin the lines of the sections, and where the question itself begins."""
    start = text.find("\n", text.rfind("</")) if "</" in text else -1
    names: list[str] = []
    for line in text[: max(start, 0)].split("\n"):
        name = line.strip().split(":")[0]
        if ":" in line and name.isidentifier() and name not in names and len(names) < MOST:
            names.append(name)
    return names, start if names else len(text)


def spoken(name: str) -> str:
    """A name as it is said: its words with spaces between them."""
    if "_" in name or name.isupper():
        return name.replace("_", " ")
    return "".join(f" {c.lower()}" if i and c.isupper() else c for i, c in enumerate(name))


def joined(asked: str, names: list[str]) -> str:
    """The question with each name in its own spelling that is said in several words, long names first."""
    asked += " "
    for _, name in sorted(((len(name), name) for name in names), reverse=True):
        said = spoken(name)
        if " " in said and said.lower() in asked.lower():
            for form in (said, said.lower(), said.capitalize(), said.title()):
                for before in BEFORE:
                    for after in AFTER:
                        asked = asked.replace(before + form + after, before + name + after)
    return asked[:-1]


def meant(word: str, names: list[str]) -> str:
    """The name that a word means but for its case, or as one or many of it; else the word itself."""
    low = word.lower()
    for name in names:
        if name.lower() == low:
            return name
    for name in names:
        if many(name.lower(), low) or many(low, name.lower()):
            return name
    return word


def many(one: str, other: str) -> bool:
    """Whether the other is the plural of the one."""
    return other in (one + "s", one + "es") or (one.endswith("y") and other == one[:-1] + "ies")
