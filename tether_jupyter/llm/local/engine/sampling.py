"""Choose the next token of one answer: a chain of llama.cpp's samplers, and a constraint beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tether_jupyter.core.prompt import Sampling
from tether_jupyter.errors import InvalidRequest
from tether_jupyter.llm.local.constraint import Ending
from tether_jupyter.llm.local.engine.candidates import Candidates, best, best_allowed
from tether_jupyter.llm.local.limits import MIN_P, TOP_K, TOP_P

if TYPE_CHECKING:
    from tether_jupyter.llm.local.constraint import Constraint
    from tether_jupyter.llm.local.engine.model import Model

RANDOM_SEED = 0xFFFFFFFF
SURE = 0.25
"""How likely a model finds a token at least that it copies from what was said before."""
LARGE = 65_536
"""Tokens from which on it is faster to find the best ones here than to let llama.cpp sort all of them."""
PENALTY_WINDOW = 256
"""Over how many of the last tokens of the answer a penalty looks back."""


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
        self.ending = Ending(constraint) if constraint else None
        self.candidates: Candidates | None = None
        self.most = 0
        """How many of the best tokens the chain may choose among; 0 for all."""
        self.changed: set[int] = set()
        """Tokens whose logits the chain changes before it looks for the best ones."""
        self.penalises = False
        links = self.links(sampling)
        self.free = self.most != 1 and not sampling.logit_bias and constraint is None
        """Whether what comes is as likely as the model finds it, about."""
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
            self.changed.update(token for token, _ in pairs)
        repeat = sampling.repeat_penalty or 1.0
        frequency, presence = sampling.frequency_penalty or 0.0, sampling.presence_penalty or 0.0
        if repeat != 1.0 or frequency or presence:
            links.append(
                llama.llama_sampler_init_penalties(self.size, PENALTY_WINDOW, repeat, frequency, presence)
            )
            self.penalises = True
        if sampling.temperature <= 0:
            self.most = 1
            return [*links, llama.llama_sampler_init_greedy()]
        seed = RANDOM_SEED if sampling.seed is None else sampling.seed % RANDOM_SEED
        self.most = max(0, TOP_K if sampling.top_k is None else sampling.top_k)
        return [
            *links,
            llama.llama_sampler_init_top_k(self.most),
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
        if self.constraint is not None and self.ending is not None:
            token = self.constrained(self.constraint, self.ending, row, left)
        else:
            token = self.choice(row)
            if self.doubt is not None:
                doubt, self.doubt = self.doubt, None
                if self.likelihood(row, token) < doubt.below:
                    token = doubt.token
        self.said(token)
        return token

    def said(self, token: int) -> None:
        """Note a token of the answer: penalties count what is said, not what was refused."""
        if self.penalises:
            self.llama.llama_sampler_accept(self.chain, token)
            self.changed.add(token)

    def constrained(self, constraint: Constraint, ending: Ending, row: int, left: int) -> int:
        """Return the model's choice where the constraint takes it, else its best of those that it takes."""
        ends = self.model.vocabulary.ends
        token = ending.step()
        if token is None:
            token = self.choice(row)
            if not constraint.allows(token):
                token = self.choice(row, constraint.mask())
            if not ends(token):
                token = ending.following(token, left)
        if not ends(token):
            constraint.accept(token)
        return token

    def certain(self, most: int) -> list[int]:
        """Return up to `most` tokens that the constraint leaves no choice about: a key, a quote, a comma."""
        if self.constraint is None or self.ending is None or most <= 0:
            return []
        return self.ending.way[:most] if self.ending.leaving else self.constraint.forced(most)

    def choice(self, row: int, allowed: np.ndarray[Any, Any] | None = None) -> int:
        """Return the chain's choice among all tokens, or among those that a mask allows."""
        plain = allowed is None and not self.penalises
        if plain and self.most == 1 and not self.changed:
            return int(self.model.logits(row).argmax())
        if plain and not (self.most and self.size >= LARGE):
            # This also tells the chain that the token is said, which only penalties take note of.
            return int(self.llama.llama_sampler_sample(self.chain, self.model.context, row))
        logits = self.model.logits(row)
        # A chain that cuts to the best few needs to be shown no others, but for those that it changes before.
        count = self.most + len(self.changed) if self.most else self.size
        tokens = best(logits, count) if allowed is None else best_allowed(logits, allowed, count)
        if self.changed and len(tokens) < self.size:
            changed = np.fromiter(self.changed, np.intp, len(self.changed))
            tokens = np.union1d(tokens, changed if allowed is None else changed[allowed[changed]])
        self.candidates = self.candidates or Candidates(self.llama, self.size)
        return self.candidates.choice(self.chain, tokens, logits)

    def likelihood(self, row: int, token: int) -> float:
        """Return how likely the model finds a token, before any sampler has changed that."""
        logits = self.model.logits(row).astype(np.float64)
        return float(np.exp(logits[token] - logits.max()) / np.exp(logits - logits.max()).sum())

    def may_copy(self, row: int, token: int) -> bool:
        """Return whether the model may be copying as it says a token: it is sure enough of it for that."""
        if not self.free:
            return True
        logits = self.model.logits(row)
        with np.errstate(over="ignore"):  # More than any number is more than enough.
            return bool(np.exp(logits - logits[token]).sum() * SURE <= 1.0)

    def close(self) -> None:
        """Free the native objects."""
        if self.chain:
            self.llama.llama_sampler_free(self.chain)
        self.chain = None
