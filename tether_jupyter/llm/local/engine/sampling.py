"""Choose the next token of one answer: a chain of llama.cpp's samplers, and a constraint beside it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tether_jupyter.core.prompt import Sampling
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.limits import MIN_P, TOP_K, TOP_P

if TYPE_CHECKING:
    from tether_jupyter.llm.local.constraint import Constraint
    from tether_jupyter.llm.local.engine.model import Model

RANDOM_SEED = 0xFFFFFFFF
PENALTY_WINDOW = 256
"""Over how many of the last tokens of the answer a penalty looks back."""
CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])
LOOK = 32
"""Every so many tokens a constrained answer looks for a way to its end."""
CLOSING_MARGIN = 64
"""Tokens before the end from which a constrained answer makes sure at each of them that it can still end."""


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
    sampling:
        Checked figures.
    constraint:
        What the whole answer must follow; `None` for anything.
    doubt:
        When to begin another answer than the model would; never together with a constraint.
    """

    def __init__(
        self,
        model: Model,
        sampling: Sampling,
        constraint: Constraint | None = None,
        doubt: Doubt | None = None,
    ) -> None:
        self.model = model
        self.llama = model.llama
        self.size = model.vocabulary.size
        self.constraint = constraint
        self.doubt = None if constraint else doubt
        self.way_out: list[int] = []
        """The tokens with which a constrained answer can still end in time."""
        self.leaving = False
        links = self.links(sampling)
        self.chain = self.llama.llama_sampler_chain_init(self.llama.llama_sampler_chain_default_params())
        for link in links:
            self.llama.llama_sampler_chain_add(self.chain, link)

    def links(self, sampling: Sampling) -> list[Any]:
        """Return the chain's samplers; there is always one, since an empty chain ends the process."""
        llama = self.llama
        links = []
        if sampling.logit_bias:
            pairs = [(int(token), value) for token, value in sampling.logit_bias.items()]
            if wrong := [token for token, _ in pairs if not 0 <= token < self.size]:
                raise InvalidRequest(
                    f"`logit_bias` names the token {wrong[0]}; this model has tokens 0 to {self.size - 1}."
                )
            array = (llama.llama_logit_bias * len(pairs))(*(llama.llama_logit_bias(t, v) for t, v in pairs))
            links.append(llama.llama_sampler_init_logit_bias(self.size, len(pairs), array))
        repeat = sampling.repeat_penalty or 1.0
        frequency, presence = sampling.frequency_penalty or 0.0, sampling.presence_penalty or 0.0
        if repeat != 1.0 or frequency or presence:
            links.append(
                llama.llama_sampler_init_penalties(self.size, PENALTY_WINDOW, repeat, frequency, presence)
            )
        if sampling.temperature <= 0:
            return [*links, llama.llama_sampler_init_greedy()]
        seed = RANDOM_SEED if sampling.seed is None else sampling.seed % RANDOM_SEED
        return [
            *links,
            llama.llama_sampler_init_top_k(TOP_K if sampling.top_k is None else sampling.top_k),
            llama.llama_sampler_init_top_p(sampling.top_p or TOP_P, 1),
            llama.llama_sampler_init_min_p(MIN_P if sampling.min_p is None else sampling.min_p, 1),
            llama.llama_sampler_init_temp(sampling.temperature),
            llama.llama_sampler_init_dist(seed),
        ]

    def sample(self, row: int, left: int) -> int:
        """Return the token that follows a row of the batch.

        Parameters
        ----------
        left:
            How many tokens the answer may still have, this one included.
        """
        if self.constraint is not None:
            return self.constrained(self.constraint, row, left)
        token: int = self.llama.llama_sampler_sample(self.chain, self.model.context, row)
        if self.doubt is not None:
            doubt, self.doubt = self.doubt, None
            if self.likelihood(row, token) < doubt.below:
                return doubt.token
        return token

    def constrained(self, constraint: Constraint, row: int, left: int) -> int:
        """Return the model's choice where the constraint takes it, else its best of those that it takes."""
        if self.leaving and self.way_out:
            token = self.way_out.pop(0)
        else:
            token = self.best(np.arange(self.size), row)
            if not constraint.allows(token):
                token = self.best(np.flatnonzero(constraint.mask()), row)
            token = self.in_time(constraint, token, left)
        if not self.model.vocabulary.ends(token):
            constraint.accept(token)
        # Penalties count what is said, not what was refused.
        self.llama.llama_sampler_accept(self.chain, token)
        return token

    def certain(self, most: int) -> list[int]:
        """Return up to `most` tokens that the constraint leaves no choice about: a key, a quote, a comma."""
        if self.constraint is None or most <= 0:
            return []
        return self.way_out[:most] if self.leaving else self.constraint.forced(most)

    def in_time(self, constraint: Constraint, token: int, left: int) -> int:
        """Return the token, or the first one of the way out where the answer could not end in time after it.

        A model that never closes a text of its own accord would otherwise leave half of an object.
        """
        if self.model.vocabulary.ends(token):
            return token
        if left > CLOSING_MARGIN + 3 * len(self.way_out) and left % LOOK:
            return token
        ahead = constraint.copy()
        ahead.accept(token)
        way = ahead.closing(left - 1)  # The end token is one of them, so that the answer ends with `stop`.
        if way is not None:
            self.way_out = way
            return token
        if not self.way_out:  # There never was a way that is short enough, so the answer will be cut.
            return token
        # The way was found from here, or from a little before, and is walked to its end.
        self.leaving = True
        return self.way_out.pop(0)

    def best(self, tokens: np.ndarray[Any, Any], row: int) -> int:
        """Return the chain's choice among some tokens. A chain must not see one that cannot be chosen."""
        rows = np.zeros(len(tokens), CANDIDATE)
        rows["id"], rows["logit"] = tokens, self.model.logits(row)[tokens]
        data = ctypes.cast(rows.ctypes.data, ctypes.POINTER(self.llama.llama_token_data))
        array = self.llama.llama_token_data_array(data=data, size=len(rows), selected=-1, sorted=False)
        self.llama.llama_sampler_apply(self.chain, ctypes.byref(array))
        return int(array.data[max(0, array.selected)].id)

    def likelihood(self, row: int, token: int) -> float:
        """Return how likely the model finds a token, before any sampler has changed that."""
        logits = self.model.logits(row).astype(np.float64)
        return float(np.exp(logits[token] - logits.max()) / np.exp(logits - logits.max()).sum())

    def close(self) -> None:
        """Free the native objects."""
        if self.chain:
            self.llama.llama_sampler_free(self.chain)
        self.chain = None
