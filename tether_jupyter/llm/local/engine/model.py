"""One model, one context, one sequence of tokens, on llama.cpp's own functions.

`llama_cpp.Llama` is not used: it drops long tokens, takes one prefix, and re-reads its own output. What these
functions are given is checked here, because most of their refusals end the process.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tether_jupyter.errors import EngineCrashed, ModelNotReady
from tether_jupyter.llm.local import bindings, threads
from tether_jupyter.llm.local.sampling import Sampler
from tether_jupyter.llm.local.vocabulary import Vocabulary

MAX_UBATCH = 512
ABORTED = 2
LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_CONTINUE = 3, 4, 5
FAILED = (
    "llama.cpp cannot load {name}. The file may be damaged, too large for this machine's memory, or of a "
    "kind that this version does not know; the server's log has its reason."
)


@dataclass(frozen=True, slots=True)
class Options:
    """How to load a model; the fields of the pipe's `load`, see `pipe.py`."""

    model_path: str
    context_length: int = 0
    n_batch: int = 512
    n_gpu_layers: int = -1
    n_threads: int = 0
    use_mmap: bool = True


class Engine:
    """A loaded model, and the tokens that its context holds. For one thread, but for `abort`."""

    def __init__(self, options: Options) -> None:
        self.llama: Any = bindings.load()
        self.log = NativeLog(self.llama)
        self.llama.llama_backend_init()
        self.model = self._load_model(options)
        self.vocabulary = Vocabulary(self.llama, self.llama.llama_model_get_vocab(self.model))
        self.threads = options.n_threads or threads.default_threads()
        self.context = self._make_context(options)
        self.memory = self.llama.llama_get_memory(self.context)
        self.context_length = int(self.llama.llama_n_ctx_seq(self.context))
        self.batch = Batch(self.llama, int(self.llama.llama_n_batch(self.context)))
        self.held: list[int] = []
        """The tokens in the context's memory, in order: a mirror, kept true through every failure."""
        self.steps = 0
        self._abort = self._set_abort_flag()

    # -- loading

    def _load_model(self, options: Options) -> Any:
        llama = self.llama
        params = llama.llama_model_default_params()
        params.n_gpu_layers = options.n_gpu_layers
        params.load_mode = llama.LLAMA_LOAD_MODE_MMAP if options.use_mmap else llama.LLAMA_LOAD_MODE_NONE
        model = llama.llama_model_load_from_file(options.model_path.encode(), params)
        name = re.split(r"[/\\]", options.model_path)[-1]
        if not model:
            raise ModelNotReady(FAILED.format(name=name))
        if llama.llama_model_has_encoder(model) or not llama.llama_model_has_decoder(model):
            raise ModelNotReady(f"{name} is no chat model: it does not write text. Choose another file.")
        return model

    def _make_context(self, options: Options) -> Any:
        llama = self.llama
        trained = int(llama.llama_model_n_ctx_train(self.model))
        params = llama.llama_context_default_params()
        params.n_ctx = min(options.context_length or trained, trained)
        params.n_batch = options.n_batch
        params.n_ubatch = min(options.n_batch, MAX_UBATCH)
        params.n_seq_max = 1
        params.n_threads = params.n_threads_batch = self.threads
        params.no_perf = True
        context = llama.llama_init_from_model(self.model, params)
        if not context:
            raise ModelNotReady(
                f"There is not enough memory for a context of {params.n_ctx} tokens. "
                "Set a smaller `LocalLLM.context_length`."
            )
        return context

    def _set_abort_flag(self) -> Any:
        """Let a flag stop a step half-way.

        llama.cpp asks a function once per node of its graph. Asking Python that often would cost most of the
        speed, so the function is libc's `strlen` on a buffer of ours: empty means go on.
        """
        if sys.platform == "win32":
            return None
        flag = ctypes.create_string_buffer(2)
        strlen = ctypes.cast(ctypes.CDLL(None).strlen, self.llama.ggml_abort_callback)
        self.llama.llama_set_abort_callback(self.context, strlen, ctypes.cast(flag, ctypes.c_void_p))
        return flag

    @property
    def layers(self) -> int:
        """The model's layers that can be put on a GPU."""
        return int(self.llama.llama_model_n_layer(self.model))

    def describe(self) -> dict[str, Any]:
        """Return what the pipe's `ready` tells of the engine."""
        from tether_jupyter.llm.local.devices import devices

        return {
            "context_length": self.context_length,
            "layers": self.layers,
            "layers_on_gpu": min(self.log.offloaded, self.layers),
            "offload": bool(self.llama.llama_supports_gpu_offload()),
            "devices": devices(),
            "threads": self.threads,
            "vocabulary": self.vocabulary.size,
        }

    # -- computing

    def sampler(self, *arguments: Any) -> Sampler:
        """Return a sampler for this model, see `Sampler`."""
        return Sampler(self.llama, self.vocabulary.handle, *arguments)

    def prepare(self, tokens: Sequence[int], *, fresh: bool = False) -> int:
        """Drop what the context holds and a prompt does not begin with; return how many tokens stay.

        `fresh` drops all of it: what was computed in other batches is rounded differently, and a seed
        promises the same text.
        """
        keep = 0 if fresh else common(self.held, tokens)
        keep = min(keep, len(tokens) - 1)  # The last one is computed anew: its logits are needed.
        self._truncate(keep)
        return len(self.held)

    def generate(
        self, tokens: Sequence[int], sampler: Sampler, cancelled: Callable[[], bool]
    ) -> Iterator[int]:
        """Compute a prompt, and yield the tokens of its answer until the model ends it.

        Stop asking for more to end it earlier. It ends by itself when `cancelled` says so, which is asked
        before every step.
        """
        if self._abort is not None:
            self._abort[0] = b"\0"
        rest = list(tokens[len(self.held) :])
        while rest:
            part, rest = rest[: self.batch.size], rest[self.batch.size :]
            if not self._step(part, cancelled):
                return
        while (token := sampler.sample(self.context)) is not None and not self.vocabulary.ends(token):
            yield token
            if len(self.held) >= self.context_length or not self._step([token], cancelled):
                return

    def abort(self) -> None:
        """Stop the step that is being computed, from any thread; its answer must be cancelled before."""
        if self._abort is not None:
            self._abort[0] = b"x"

    def _step(self, tokens: list[int], cancelled: Callable[[], bool]) -> bool:
        """Compute some tokens after those that are held; `False` when the answer was cancelled."""
        if cancelled():
            return False
        code = self.llama.llama_decode(self.context, self.batch.fill(tokens, len(self.held)))
        if code == ABORTED and not cancelled():  # The flag was meant for the answer before this one.
            self._abort[0] = b"\0"
            self._truncate(len(self.held))
            code = self.llama.llama_decode(self.context, self.batch.fill(tokens, len(self.held)))
        if code == 0:
            self.held += tokens
            self.steps += 1
            return True
        self._truncate(len(self.held))
        if code == ABORTED and cancelled():
            return False
        self._truncate(0)
        raise EngineCrashed(
            f"The model stopped in the middle of its answer (llama.cpp says {code}). Ask again."
        )

    def _truncate(self, keep: int) -> None:
        """Keep the first tokens in memory and forget the rest, some of which the mirror may not know."""
        kept = self.llama.llama_memory_seq_rm(self.memory, 0, keep, -1)
        if not kept:  # Recurrent models cannot go back by a part.
            self.llama.llama_memory_clear(self.memory, True)
            keep = 0
        del self.held[keep:]


class Batch:
    """The tokens of one step, in arrays of our own that llama.cpp reads in place."""

    def __init__(self, llama: Any, size: int) -> None:
        self.size = size
        self.tokens = np.zeros(size, np.int32)
        self.positions = np.zeros(size, np.int32)
        self.counts = np.ones(size, np.int32)
        self.sequence = np.zeros(1, np.int32)
        self.sequences = np.full(size, self.sequence.ctypes.data, np.uintp)
        self.wanted = np.zeros(size, np.int8)
        self.native = llama.llama_batch(
            n_tokens=0,
            token=pointer(self.tokens, llama.llama_token),
            embd=None,
            pos=pointer(self.positions, llama.llama_pos),
            n_seq_id=pointer(self.counts, ctypes.c_int32),
            seq_id=pointer(self.sequences, ctypes.POINTER(llama.llama_seq_id)),
            logits=pointer(self.wanted, ctypes.c_int8),
        )

    def fill(self, tokens: Sequence[int], position: int) -> Any:
        """Return the batch with these tokens, at least one and at most `size`, from a position on."""
        count = len(tokens)
        if not 0 < count <= self.size:
            raise ValueError(f"{count} tokens do not go into a batch of {self.size}")
        self.tokens[:count] = tokens
        self.positions[:count] = np.arange(position, position + count)
        self.wanted[:count] = 0
        self.wanted[count - 1] = 1
        self.native.n_tokens = count
        return self.native


class NativeLog:
    """Pass llama.cpp's warnings on to standard error, and read from its chatter what no function tells."""

    def __init__(self, llama: Any) -> None:
        self.offloaded = 0
        self._level = 0
        self._callback = llama.llama_log_callback(self._receive)
        llama.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _receive(self, level: int, text: bytes, _: Any) -> None:
        self._level = self._level if level == LOG_LEVEL_CONTINUE else level
        if found := re.search(rb"offloaded (\d+)/\d+ layers to GPU", text or b""):
            self.offloaded = int(found.group(1))
        if self._level in (LOG_LEVEL_WARN, LOG_LEVEL_ERROR):
            sys.stderr.write((text or b"").decode("utf-8", "replace"))


def pointer(array: np.ndarray[Any, Any], kind: Any) -> Any:
    """Return a native pointer to an array, which must outlive it."""
    return ctypes.cast(array.ctypes.data, ctypes.POINTER(kind))


def common(held: Sequence[int], wanted: Sequence[int]) -> int:
    """Return how many tokens two sequences begin with alike."""
    length = min(len(held), len(wanted))
    if not length:
        return 0
    differ = np.flatnonzero(np.asarray(held[:length]) != np.asarray(wanted[:length]))
    return int(differ[0]) if differ.size else length
