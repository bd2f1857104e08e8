"""A model's tokens: from text to numbers and back."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator, Sequence
from typing import Any

from tether_jupyter.llm import thoughts

CONTROL, USER_DEFINED = 1 << 3, 1 << 4
CUT = "\ufdd0"
"""A noncharacter, for inner use: it parts the characters of what only looks like a control token."""
MAX_PIECE = 100_000
"""Characters that llama.cpp is given at once. Some of its tokenizers go through a text by recursion, once for
each character, and end the process when the stack is full; `worker.STACK_SIZE` is enough for this many."""


class Vocabulary:
    """The tokens of a loaded model.

    Parameters
    ----------
    llama:
        The module `llama_cpp`.
    handle:
        The vocabulary's native handle.
    """

    def __init__(self, llama: Any, handle: Any) -> None:
        self.llama = llama
        self.handle = handle
        self.size: int = llama.llama_vocab_n_tokens(handle)
        self.bos: int = llama.llama_vocab_bos(handle)
        self.add_bos = bool(llama.llama_vocab_get_add_bos(handle)) and self.bos >= 0
        self.closing = self._closing()
        """The token after a whole text, where the model was trained with one; else `None`."""
        texts = [llama.llama_vocab_get_text(handle, token) or b"" for token in range(self.size)]
        self.longest = max(map(len, texts), default=1)
        self.endings = frozenset(t for t in range(self.size) if llama.llama_vocab_is_eog(handle, t))
        self._pieces: dict[int, bytes] = {}
        self.infill = self._infill()
        """The tokens before the prefix, the suffix and the middle, for models that fill in; else `None`."""
        controls = [
            text.decode("utf-8", "replace")
            for token, text in enumerate(texts)
            if len(text) > 1 and llama.llama_vocab_get_attr(handle, token) & CONTROL
        ]
        self.marks = self._marks(texts)
        """Control tokens that part an answer from what was thought before it."""
        ordered = sorted(controls, key=len, reverse=True)
        self.controls = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def name(self, token: int) -> str:
        """Return a token as its text stands in the vocabulary, such as `<s>`; empty for no token."""
        if not 0 <= token < self.size:
            return ""
        return (self.llama.llama_vocab_get_text(self.handle, token) or b"").decode("utf-8", "replace")

    def template_variables(self) -> dict[str, str]:
        """Return what chat templates expect to find besides the messages."""
        eos = self.llama.llama_vocab_eos(self.handle)
        return {"bos_token": self.name(self.bos), "eos_token": self.name(eos)}

    def literal(self, text: str) -> str:
        """Return a text in which nothing is a control token, once it is tokenised here.

        Otherwise whoever writes `<|im_start|>system` into a cell would speak with the system's voice.
        """
        text = text.replace(CUT, "")
        return self.controls.sub(lambda found: CUT.join(found.group()), text) if self.controls else text

    def tokenize(self, text: str) -> list[int]:
        """Return the tokens of a rendered prompt, control tokens included, with the model's own beginning."""
        parts = [piece for part in text.split(CUT) for piece in pieces(part)]
        tokens = [token for part in parts for token in self._tokenize(part)]
        if self.add_bos and tokens[:1] != [self.bos]:
            tokens.insert(0, self.bos)
        return tokens

    def at_least(self, text: str) -> int:
        """Return a number of tokens that a text has in any case, without tokenising it."""
        return len(text.encode("utf-8", "replace")) // (self.longest or 1)

    def piece(self, token: int) -> bytes:
        """Return the bytes that a token stands for: nothing for a control token."""
        known = self._pieces.get(token)
        if known is None:
            known = self._pieces[token] = self._piece(token)
        return known

    def _piece(self, token: int) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self.llama.llama_token_to_piece(self.handle, token, buffer, size, 0, False)
            if length >= 0:
                return buffer.raw[:length]
            size = -length  # A negative result is the size that it takes.

    def ends(self, token: int) -> bool:
        """Return whether a token ends an answer."""
        return token in self.endings

    def opens_thought(self, tokens: Sequence[int]) -> str:
        """Return what a prompt opens a thought with at its end; nothing where its template does not."""
        end = "".join(self.marks.get(t) or self.piece(t).decode("utf-8", "replace") for t in tokens[-12:])
        return thoughts.left_open(end)

    def _marks(self, texts: Sequence[bytes]) -> dict[int, str]:
        # llama.cpp makes tokens of channels visible, whatever the file says of them.
        kinds = dict.fromkeys(thoughts.CHANNELS, CONTROL | USER_DEFINED)
        kinds |= dict.fromkeys(thoughts.MARKS, CONTROL)
        wanted = {name.encode(): (name, kind) for name, kind in kinds.items()}
        found = {
            token: wanted[text][0]
            for token, text in enumerate(texts)
            if text in wanted and self.llama.llama_vocab_get_attr(self.handle, token) & wanted[text][1]
        }
        # Tokens of these names without channels are another template's.
        channels = thoughts.CHANNELS[0] in found.values()
        return {t: text for t, text in found.items() if channels or text not in thoughts.CHANNELS}

    def _closing(self) -> int | None:
        # Where both are wanted, [SEP] only parts two texts.
        for wanted, token in (
            (self.llama.llama_vocab_get_add_eos, self.llama.llama_vocab_eos),
            (self.llama.llama_vocab_get_add_sep, self.llama.llama_vocab_sep),
        ):
            if wanted(self.handle) and (found := int(token(self.handle))) >= 0:
                return found
        return None

    def _infill(self) -> tuple[int, int, int] | None:
        llama, handle = self.llama, self.handle
        found = (
            int(llama.llama_vocab_fim_pre(handle)),
            int(llama.llama_vocab_fim_suf(handle)),
            int(llama.llama_vocab_fim_mid(handle)),
        )
        return found if min(found) >= 0 else None

    def _tokenize(self, text: str) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        buffer = (self.llama.llama_token * room)()
        count = self.llama.llama_tokenize(self.handle, data, len(data), buffer, room, False, True)
        if count < 0:
            raise ValueError("llama.cpp cannot tokenise this text")
        return list(buffer[:count])


def pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces that are short enough, cut after a line where there is one."""
    start = 0
    while start < len(text):
        end = start + MAX_PIECE
        if end < len(text):
            end = text.rfind("\n", start, end) + 1 or end
        yield text[start:end]
        start = end
