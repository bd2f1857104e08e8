"""Secrets taken out of everything that goes to a model, without looking twice at what was said before."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tether_jupyter.core.prompt import Message, Question, text_of

if TYPE_CHECKING:
    from tether_jupyter.context.secrets import MaskedAll, Masker

ASIDE = 20_000
"""Characters that are looked through on the event loop; more go to a thread."""
MOST_CLEAN = 16_384


class Masking:
    """Masks questions.

    Parameters
    ----------
    new:
        Makes what looks for the secrets of one request.
    """

    def __init__(self, new: Callable[[], Masker]) -> None:
        self.new = new
        # Texts without a secret, by their hash, the last used ones last.
        self._clean: OrderedDict[int, None] = OrderedDict()

    async def question(self, question: Question, masker: Masker) -> tuple[Question, list[dict[str, Any]]]:
        """Return a question without secrets in it, and what was found: `{"kind", "count"}`.

        Raises
        ------
        Internal
            A rule failed: nothing of it must be sent.
        """
        texts = [text_of(question.text), *(section.text for section in question.sections)]
        texts += [text_of(message["content"]) for message in question.past]
        texts.append(question.system or "")
        fresh = [text for text in texts if not self._is_clean(text)]
        if not fresh and not masker.knows:
            return question, []
        done = await look(masker, fresh)
        if done.texts == fresh and not masker.knows:
            self._note(fresh)
            return question, done.found
        # What is a secret in one text is one in all, those too that were clean by themselves.
        done = await look(masker, texts)
        at = 1 + len(question.sections)
        sections = [
            replace(section, text=text)
            for section, text in zip(question.sections, done.texts[1:at], strict=True)
        ]
        past = [
            Message(role=message["role"], content=worded(message["content"], text))
            for message, text in zip(question.past, done.texts[at:-1], strict=True)
        ]
        whole = replace(question, text=worded(question.text, done.texts[0]), sections=sections, past=past)
        if question.system is not None:
            whole = replace(whole, system=done.texts[-1])
        return whole, done.found

    def _is_clean(self, text: str) -> bool:
        key = hash(text)
        if key in self._clean:
            self._clean.move_to_end(key)
            return True
        return False

    def _note(self, texts: Sequence[str]) -> None:
        for text in texts:
            self._clean[hash(text)] = None
        while len(self._clean) > MOST_CLEAN:
            self._clean.popitem(last=False)


async def look(masker: Masker, texts: Sequence[str]) -> MaskedAll:
    """Look through texts; beside the event loop where there is much of them."""
    if sum(map(len, texts)) > ASIDE:
        return await asyncio.to_thread(masker.mask_all, texts)
    return masker.mask_all(texts)


def worded(content: Any, text: str) -> Any:
    """Return content with its words replaced; its images stay."""
    if isinstance(content, str):
        return text
    others = [part for part in content if part.get("type") != "text"]
    return [{"type": "text", "text": text}, *others]
