"""Choose the next token: a chain of llama.cpp's samplers, and a grammar beside it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from tether_jupyter.core.prompt import Sampling
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.limits import TOP_P

TOP_K = 40
MIN_P = 0.05
RANDOM_SEED = 0xFFFFFFFF
CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


@dataclass(frozen=True, slots=True)
class Doubt:
    """When a small model admits that it does not know: its first token decides which answer it gives.

    Parameters
    ----------
    below:
        The probability under which its own choice is not to be trusted.
    token:
        The token that begins an honest answer.
    """

    below: float
    token: int


class Sampler:
    """Chooses the tokens of one answer. Every `Sampler` must be closed.

    Parameters
    ----------
    llama:
        The module `llama_cpp`.
    vocab:
        The vocabulary's native handle.
    sampling:
        Checked figures.
    grammar:
        GBNF that the whole answer must follow, with the rule `root`; empty for none.
    doubt:
        When to begin another answer than the model would; never together with a grammar.
    """

    def __init__(
        self, llama: Any, vocab: Any, sampling: Sampling, grammar: str = "", doubt: Doubt | None = None
    ) -> None:
        self.llama = llama
        self.size: int = llama.llama_vocab_n_tokens(vocab)
        self.vocab = vocab
        self.grammar: Any = None
        self.doubt = None if grammar else doubt
        if grammar:
            self.grammar = llama.llama_sampler_init_grammar(vocab, grammar.encode(), b"root")
            if not self.grammar:  # Adding it to a chain would end the process.
                raise InvalidRequest(
                    "The model cannot follow this `response_format`. Make its schema simpler."
                )
            self.candidates = np.zeros(self.size, CANDIDATE)
            self.ids = np.arange(self.size, dtype=np.int32)
        self.chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        for link in self.links(sampling):
            llama.llama_sampler_chain_add(self.chain, link)

    def links(self, sampling: Sampling) -> list[Any]:
        """Return the chain's samplers; there is always one, since an empty chain ends the process."""
        llama = self.llama
        if sampling.temperature <= 0:
            return [llama.llama_sampler_init_greedy()]
        seed = RANDOM_SEED if sampling.seed is None else sampling.seed % RANDOM_SEED
        return [
            llama.llama_sampler_init_top_k(TOP_K),
            llama.llama_sampler_init_top_p(sampling.top_p or TOP_P, 1),
            llama.llama_sampler_init_min_p(MIN_P, 1),
            llama.llama_sampler_init_temp(sampling.temperature),
            llama.llama_sampler_init_dist(seed),
        ]

    def sample(self, context: Any) -> int | None:
        """Return the token that follows what was computed last; `None` where the grammar allows none.

        It is accepted as well: accepting a token twice ends the process when there is a grammar.
        """
        token: int = self.llama.llama_sampler_sample(self.chain, context, -1)
        if self.doubt is not None:
            doubt, self.doubt = self.doubt, None
            if self.likelihood(context, token) < doubt.below:
                return doubt.token
        if not self.grammar:
            return token
        if not self.allowed(token):
            other = self.best_allowed(context)
            if other is None:
                return None
            token = other
        if not self.llama.llama_vocab_is_eog(self.vocab, token):
            self.llama.llama_sampler_accept(self.grammar, token)
        return token

    def likelihood(self, context: Any, token: int) -> float:
        """Return how likely the model finds a token, before any sampler has changed that."""
        logits = self.llama.llama_get_logits_ith(context, -1)
        row = np.ctypeslib.as_array(logits, shape=(self.size,)).astype(np.float64)
        return float(np.exp(row[token] - row.max()) / np.exp(row - row.max()).sum())

    def allowed(self, token: int) -> bool:
        """Return whether the grammar takes this token. A hundred times cheaper than filtering all of them."""
        one = np.zeros(1, CANDIDATE)
        one["id"], one["logit"] = token, 1.0
        array = self.array(one)
        self.llama.llama_sampler_apply(self.grammar, ctypes.byref(array))
        return bool(np.isfinite(one["logit"][0]))

    def best_allowed(self, context: Any) -> int | None:
        """Return the chain's choice among all tokens that the grammar takes."""
        logits = self.llama.llama_get_logits_ith(context, -1)
        rows = self.candidates
        rows["id"], rows["p"] = self.ids, 0
        rows["logit"] = np.ctypeslib.as_array(logits, shape=(self.size,))
        array = self.array(rows)
        self.llama.llama_sampler_apply(self.grammar, ctypes.byref(array))
        if not np.isfinite(rows["logit"]).any():
            return None
        rows = rows[np.isfinite(rows["logit"])]  # A chain must not see a token that cannot be chosen.
        array = self.array(rows)
        self.llama.llama_sampler_apply(self.chain, ctypes.byref(array))
        return int(array.data[array.selected].id) if 0 <= array.selected < array.size else None

    def array(self, rows: np.ndarray[Any, Any]) -> Any:
        """Return llama.cpp's view of our candidates; `rows` must outlive it."""
        llama = self.llama
        data = ctypes.cast(rows.ctypes.data, ctypes.POINTER(llama.llama_token_data))
        return llama.llama_token_data_array(data=data, size=len(rows), selected=-1, sorted=False)

    def close(self) -> None:
        """Free the native objects."""
        for sampler in (self.chain, self.grammar):
            if sampler:
                self.llama.llama_sampler_free(sampler)
        self.chain = self.grammar = None
