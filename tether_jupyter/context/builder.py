"""What a question may know, put together: looked at, cut to a level, masked, and fitted into the window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from tether_jupyter.context.masking import Masking
from tether_jupyter.context.piece import Kind, Piece
from tether_jupyter.core.prompt import Question, Section, text_of

if TYPE_CHECKING:
    from tether_jupyter.context.budget import Counted
    from tether_jupyter.context.kernels import Kernels
    from tether_jupyter.context.reading import Notebook
    from tether_jupyter.context.secrets import Masker

Level = Literal["off", "schema", "samples", "values"]
LEVELS: tuple[Level, ...] = ("off", "schema", "samples", "values")
ERROR, RUNNING, NAMED = 4.0, 3.0, 2.0
"""Ranks above those of cells."""
FAR = "Nearer cells take all the room there is."
WITHOUT_WINDOW = 8000
"""Tokens of context for a model whose window nobody knows."""
ROOM_FOR_WORDS = 512
"""Tokens of the window that context leaves for what was said before, where so much was."""
LEAST_CHARACTERS = 3
"""Characters of most texts that make a token."""
ROOM_FOR_MARKS = 48
"""Tokens for what the model's template puts around messages."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one question wants to be seen, settled from all layers.

    Parameters
    ----------
    level:
        One of `LEVELS`: how much of the data.
    names:
        Variables of the kernel to describe.
    cells:
        `off`, `around` or `all`: near `cell_id`, or `cell_index` where the file does not know that id.
    shown_error:
        The error that the question is about, as its cell shows it: another one does not go along.
    """

    level: Level = "schema"
    names: tuple[str, ...] = ()
    cells: Literal["off", "around", "all"] = "off"
    cell_id: str | None = None
    cell_index: int | None = None
    error: bool = False
    shown_error: Mapping[str, Any] | None = None
    running: bool = False
    kernel_id: str | None = None
    notebook: str | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is going to read it.

    Parameters
    ----------
    window:
        Tokens of the model's window; `None` where nobody knows.
    answer:
        Tokens that the answer may have.
    budget:
        Tokens that the context may have; 0 for half of the window.
    model:
        Whose tokens are counted, where counts are exact; `None` where they are guessed.
    count:
        Returns how many of the model's tokens each text has.
    """

    count: Callable[[Sequence[str]], Coroutine[Any, Any, list[int]]]
    window: int | None = None
    answer: int = 1024
    budget: int = 0
    sees: bool = False
    model: str | None = None


DOES_NOW = "what the kernel does now"


@dataclass(slots=True)
class Found:
    """What was looked at, and what could not be."""

    pieces: list[Piece] = field(default_factory=list)
    left_out: list[dict[str, Any]] = field(default_factory=list)

    def miss(self, kind: str, name: str, why: str) -> None:
        """Note something that does not go along."""
        self.left_out.append({"kind": kind, "name": name, "tokens": None, "why": why})


@dataclass(frozen=True, slots=True)
class Inside:
    """A kernel, as one question looks into it."""

    kernels: Kernels
    id: str
    wish: Wish
    found: Found
    masker: Masker | None

    async def variables(self) -> None:
        """Describe the variables that the question names."""
        from tether_jupyter.context.variables import render

        asked = await self.kernels.look(self.id, list(self.wish.names), self.wish.level)
        if asked.note is not None:
            self.found.miss("variable", ", ".join(self.wish.names), asked.note)
        told = asked.found or {}
        for variable in hidden(told.get("variables", []), self.masker):
            text = render(variable, self.wish.level)
            self.found.pieces.append(Piece("variable", str(variable.get("name", "")), text, NAMED))
        for name in told.get("missing", []):
            self.found.miss("variable", str(name), "the kernel has no variable of this name")
        for name in told.get("left_out", []):
            self.found.miss("variable", str(name), "it could not be described in time")

    async def error(self) -> None:
        """Describe the last error."""
        from tether_jupyter.context.shown_error import is_shown
        from tether_jupyter.context.variables import render_error

        asked = await self.kernels.error(self.id, self.wish.level)
        if asked.found is None:
            self.found.miss("error", "the last error", asked.note or "the kernel has had no error")
            return
        if self.wish.shown_error is not None and not is_shown(asked.found, self.wish.shown_error):
            self.found.miss("error", "the last error", "it is another one than the question is about")
            return
        text = render_error(asked.found, self.wish.level)
        self.found.pieces.append(Piece("error", str(asked.found.get("type", "error")), text, ERROR))

    async def running(self) -> None:
        """Describe what the kernel does now."""
        from tether_jupyter.context.variables import render_running

        asked = await self.kernels.running(self.id, self.wish.level)
        if asked.found is None:
            self.found.miss("cell", "the running cell", asked.note or "the kernel does not tell")
            return
        text = render_running(asked.found, self.wish.level)
        self.found.pieces.append(Piece("cell", DOES_NOW, text, RUNNING))


class Builder:
    """Puts a question's context together.

    Parameters
    ----------
    kernels:
        Asks kernels; `None` where there are none to ask.
    read_notebook:
        Returns a notebook by its path as plain JSON; `None` where there is none.
    masking:
        Takes secrets out of what goes to a model; `None` to leave them in.
    """

    def __init__(
        self,
        kernels: Kernels | None,
        read_notebook: Callable[[str], Coroutine[Any, Any, Notebook | None]],
        masking: Masking | None,
    ) -> None:
        self.kernels = kernels
        self.read_notebook = read_notebook
        self.masking = masking
        self._counted: tuple[str, Counted] | None = None

    async def build(
        self, question: Question, given: Sequence[Mapping[str, Any]], wish: Wish, reader: Reader
    ) -> Question:
        """Return the question with its context; `seen` tells what went along, and what did not.

        Parameters
        ----------
        question:
            With the texts that were attached as its sections, and what is kept of it where it is asked again.
        given:
            Variables and errors that came with the request, each with `kind`, `name` and `data`.
        """
        found = Found()
        masker = self.masking.new() if self.masking is not None else None
        asked = [*allowed(question.sections, wish, found), *self._given(given, wish, found, masker)]
        await self._look(wish, found, reader, masker)
        asked = await self._made_to_fit(asked, question, found, reader)
        if not (asked or found.pieces or found.left_out):
            return await self._masked(question, [], found, wish, masker)
        fixed = [text_of(question.text), question.system or "", *(section.text for section in asked)]
        kept, images, sizes = await self._fitted(found, fixed, question, reader)
        sections = [Section(each.kind, each.name, each.text, wish.level) for each in kept]
        words = question.text
        if images:
            parts = [{"type": "text", "text": words}] if isinstance(words, str) else list(words)
            words = [*parts, *({"type": "image_url", "image_url": {"url": url}} for url in images)]
        whole = replace(question, text=words, sections=[*asked, *sections])
        return await self._masked(whole, sizes[2:], found, wish, masker)

    def _given(
        self, given: Sequence[Mapping[str, Any]], wish: Wish, found: Found, masker: Masker | None
    ) -> list[Section]:
        """Lay out what came as data, without what the level forbids."""
        from tether_jupyter.context.variables import render, render_error

        sections = []
        for item in (item for item in given if item.get("data") is not None):
            named = (item.get("name"), item["data"].get("name"), item["data"].get("type"))
            name = str(next(filter(None, named), ""))
            if wish.level == "off":
                found.miss(item["kind"], name, "nothing of the kernel may be seen (level `off`)")
            elif item["kind"] == "variable":
                [data] = hidden([dict(item["data"])], masker)
                sections.append(Section("variable", name, render(data, wish.level), wish.level))
            else:
                text = render_error(dict(item["data"]), wish.level)
                sections.append(Section("error", name, text, wish.level))
        return sections

    async def _look(self, wish: Wish, found: Found, reader: Reader, masker: Masker | None) -> None:
        """Look at the kernel and the notebook, as far as that is wished for."""
        looks: list[Coroutine[Any, Any, None]] = []
        wanted: list[tuple[Kind, str]] = [("variable", name) for name in wish.names]
        wanted += [("error", "the last error")] if wish.error else []
        wanted += [("cell", "the running cell")] if wish.running else []
        why = "nothing of the kernel may be seen (level `off`)" if wish.level == "off" else None
        if wish.kernel_id is None or self.kernels is None:
            why = why or "there is no kernel to look into"
        if why is not None or self.kernels is None or wish.kernel_id is None:
            for kind, name in wanted:
                found.miss(kind, name, why or "")
        else:
            inside = Inside(self.kernels, wish.kernel_id, wish, found, masker)
            looks += [inside.variables()] if wish.names else []
            looks += [inside.error()] if wish.error else []
            looks += [inside.running()] if wish.running else []
        if wish.cells != "off":
            looks.append(self._cells(wish, found, reader))
        await asyncio.gather(*looks)

    async def _cells(self, wish: Wish, found: Found, reader: Reader) -> None:
        from tether_jupyter.context.budget import CHARACTERS_PER_TOKEN
        from tether_jupyter.context.notebook import look

        notebook = await self.read_notebook(wish.notebook) if wish.notebook else None
        problem = "the notebook cannot be read here" if notebook is None else notebook.problem
        if notebook is None or problem:
            found.miss("cell", wish.notebook or "the notebook", problem or "")
            return
        reach: Literal["around", "all"] = "all" if wish.cells == "all" else "around"
        looked = await asyncio.to_thread(
            look,
            notebook,
            cell_id=wish.cell_id,
            cell_index=wish.cell_index,
            reach=reach,
            sees=reader.sees,
            level="schema" if wish.level == "off" else wish.level,
            # More than twice of what may fit at best is not worth the time.
            room=2 * CHARACTERS_PER_TOKEN * room_for(reader),
        )
        found.pieces += looked.pieces
        if looked.beyond:
            ending = "" if looked.beyond == 1 else "s"
            found.miss("cell", f"{looked.beyond:,} cell{ending} further away", FAR)

    def _counter(self, reader: Reader) -> Callable[[Sequence[str]], Sequence[int]]:
        """Return what counts tokens from a thread; it remembers them for as long as the model is the same."""
        from tether_jupyter.context.budget import Counted

        loop = asyncio.get_running_loop()

        def count(texts: Sequence[str]) -> list[int]:
            return asyncio.run_coroutine_threadsafe(reader.count(texts), loop).result()

        if reader.model is None:
            return count
        if self._counted is None or self._counted[0] != reader.model:
            self._counted = (reader.model, Counted(count))
        return self._counted[1]

    async def _made_to_fit(
        self, sections: list[Section], question: Question, found: Found, reader: Reader
    ) -> list[Section]:
        """Return what came with the question, as far as the model's window has room for it."""
        from tether_jupyter.context.room import brief, made_to_fit

        sections = [brief(section) for section in sections]
        if not sections or not reader.window:
            return sections
        words = sum(await reader.count([text_of(question.text), question.system or ""]))
        room = reader.window - reader.answer - words - ROOM_FOR_MARKS
        kept, left = await asyncio.to_thread(made_to_fit, sections, room, self._counter(reader))
        found.left_out += left
        return kept

    async def _fitted(
        self, found: Found, fixed: list[str], question: Question, reader: Reader
    ) -> tuple[list[Piece], list[str], list[int]]:
        """Return the pieces that there is room for, their images, and the tokens of all texts."""
        from tether_jupyter.context.budget import fit

        sizes = await reader.count(fixed)
        room = room_for(reader)
        if reader.window:
            said = sum(len(text_of(each["content"])) for each in question.past)
            words = min(ROOM_FOR_WORDS, said // LEAST_CHARACTERS) + ROOM_FOR_MARKS
            room = min(room, reader.window - reader.answer - sum(sizes) - words)
        if not found.pieces:
            return [], [], sizes
        fitted = await asyncio.to_thread(fit, found.pieces, max(room, 0), self._counter(reader))
        found.left_out += fitted.left_out
        images = [image for piece in fitted.kept for image in piece.images] if reader.sees else []
        texts = [piece.text for piece in fitted.kept]
        return list(fitted.kept), images, [*sizes, *(await reader.count(texts) if texts else [])]

    async def _masked(
        self, question: Question, tokens: list[int], found: Found, wish: Wish, masker: Masker | None
    ) -> Question:
        """Take the secrets out of everything that goes to the model, and note what went along."""
        masked: list[dict[str, Any]] = []
        if self.masking is not None and masker is not None:
            question, masked = await self.masking.question(question, masker)
        seen: dict[str, Any] = {}
        if question.sections:
            items = [
                {"kind": section.kind, "name": section.name, "tokens": size}
                for section, size in zip(question.sections, tokens, strict=True)
            ]
            seen = {"items": items}
        if found.left_out:
            seen["left_out"] = found.left_out
        if masked:
            seen["masked"] = masked
        return replace(question, seen={"level": wish.level, **seen} if seen else {})


def room_for(reader: Reader) -> int:
    """Return the tokens that the context may have at most."""
    return reader.budget or (reader.window // 2 if reader.window else WITHOUT_WINDOW)


def allowed(sections: Sequence[Section], wish: Wish, found: Found) -> list[Section]:
    """Return the sections that the level lets through: a kept one may show more than is allowed now."""
    through, lower = [], LEVELS[: LEVELS.index(wish.level) + 1]
    for section in sections:
        if section.level is None or section.level in lower:
            through.append(section)
        else:
            why = f"it was seen at level `{section.level}`, and `{wish.level}` is in force now"
            found.miss(section.kind, section.name, f"{why}: ask the question anew")
    return through


def hidden(variables: list[dict[str, Any]], masker: Masker | None) -> list[dict[str, Any]]:
    """Return descriptions of variables without the values whose names say that they are secrets."""
    return variables if masker is None else masker.mask_variables(variables)


def settled(*layers: Mapping[str, Any] | None, default: str, most: str = "values") -> Wish:
    """Return the wish that layers make, the strongest first.

    Parameters
    ----------
    default:
        The level where no layer names one.
    most:
        The highest level that there may be, whatever they say.
    """

    def value(name: str, otherwise: Any) -> Any:
        for layer in layers:
            if layer and layer.get(name) is not None:
                return layer[name]
        return otherwise

    level = value("level", default)
    place = LEVELS.index(level if level in LEVELS else default)
    cells = value("cells", "off")
    return Wish(
        level=LEVELS[min(place, LEVELS.index(most))],
        names=tuple(dict.fromkeys(value("names", ()))),
        cells=cells if cells in ("around", "all") else "off",
        cell_id=value("cell_id", None),
        cell_index=value("cell_index", None),
        error=bool(value("error", False)),
        shown_error=value("shown_error", None),
        running=bool(value("running", False)),
    )
