"""Vectors of texts, from a context of its own beside the one that answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tether_jupyter.errors import ContextOverflow, EngineCrashed, InvalidRequest, ModelNotReady
from tether_jupyter.llm.local.engine.batch import Batch
from tether_jupyter.llm.local.engine.model import Model
from tether_jupyter.llm.local.engine.turn import Job

LENGTH = 2048
TEXTS_AT_ONCE = 16


class Embedder:
    """Makes vectors with a model that is loaded. For one thread; the weights are shared with the answers.

    The context is made for the first text and kept. A text is one sequence, and many are computed in a step.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.llama = model.llama
        self.context: Any = None

    def vectors(self, texts: list[str], job: Job) -> Iterator[list[list[float]]]:
        """Yield vectors of length 1, some at a time: the mean over the tokens, or what the model asks for.

        A cancelled job gets what there is.

        Raises
        ------
        ContextOverflow
            A text is too long. Nothing was computed.
        ModelNotReady
            There is no memory for the context.
        """
        self.open()
        vocabulary = self.model.vocabulary
        tokens = [vocabulary.tokenize(vocabulary.literal(text)) for text in texts]
        for number, each in enumerate(tokens, 1):
            if not each:
                raise InvalidRequest(f"Text {number} holds nothing that the model can read. Leave it out.")
            if vocabulary.closing is not None:
                each.append(vocabulary.closing)
            if len(each) > self.batch.size:
                raise ContextOverflow(
                    f"Text {number} has {len(each)} tokens; {self.batch.size} can be embedded at once. "
                    f"Shorten it by {len(each) - self.batch.size}, or cut it up."
                )
        group: list[list[int]] = []
        for each in tokens:
            if len(group) == TEXTS_AT_ONCE or sum(map(len, group)) + len(each) > self.batch.size:
                yield self.compute(group)
                group = []
            if job.cancelled:
                return
            group.append(each)
        yield self.compute(group)

    def open(self) -> None:
        """Make the context."""
        if self.context is not None:
            return
        llama = self.llama
        length = min(LENGTH, int(llama.llama_model_n_ctx_train(self.model.handle)))
        params = llama.llama_context_default_params()
        # A text must be computed in one go, so the batch is as long as the context.
        params.n_ctx = params.n_batch = params.n_ubatch = length
        params.n_seq_max = TEXTS_AT_ONCE
        params.kv_unified = True
        params.embeddings = True
        params.pooling_type = llama.LLAMA_POOLING_TYPE_UNSPECIFIED
        params.n_threads = params.n_threads_batch = self.model.threads
        params.no_perf = True
        self.context = llama.llama_init_from_model(self.model.handle, params)
        if self.context and llama.llama_pooling_type(self.context) == llama.LLAMA_POOLING_TYPE_NONE:
            llama.llama_free(self.context)
            params.pooling_type = llama.LLAMA_POOLING_TYPE_MEAN
            self.context = llama.llama_init_from_model(self.model.handle, params)
        if not self.context:
            self.context = None
            raise ModelNotReady("There is not enough memory left for embeddings.")
        self.width = int(llama.llama_model_n_embd(self.model.handle))
        self.batch = Batch(llama, int(llama.llama_n_batch(self.context)), TEXTS_AT_ONCE)

    def compute(self, group: list[list[int]]) -> list[list[float]]:
        """Return the vectors of texts that fit into one step."""
        llama, batch = self.llama, self.batch
        llama.llama_memory_clear(llama.llama_get_memory(self.context), True)
        batch.clear()
        for number, tokens in enumerate(group):
            batch.add(number, tokens, 0, len(tokens))
        if code := llama.llama_decode(self.context, batch.native()):
            raise EngineCrashed(f"The model cannot embed this (llama.cpp says {code}). Try another model.")
        found = []
        for number in range(len(group)):
            vector = llama.llama_get_embeddings_seq(self.context, number)
            if not vector:
                raise EngineCrashed("The model makes no embeddings. Try another model.")
            values = np.ctypeslib.as_array(vector, shape=(self.width,)).astype(np.float64)
            length = float(np.linalg.norm(values))
            found.append([float(value) for value in np.round(values / (length or 1.0), 7)])
        return found
