"""A loaded model and its context, on llama.cpp's own functions, with what they are given checked here.

`llama_cpp.Llama` is not used: it drops long tokens, keeps one conversation, and re-reads its own output. Most
refusals of the functions below would end the process.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tether_jupyter.errors import EngineCrashed, ModelNotReady
from tether_jupyter.llm.local import bindings, threads
from tether_jupyter.llm.local.engine.batch import Batch
from tether_jupyter.llm.local.engine.vocabulary import Vocabulary

MAX_UBATCH = 512
CPU_UBATCH, FEWEST_UBATCH = 128, 32
"""Tokens of a pass on a CPU: more are no faster."""
SCORES = 256 * 2**20
"""Bytes for what all heads make of a pass's tokens and a conversation's: a pass has fewer tokens instead."""
LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_CONTINUE = 3, 4, 5
FAILED = (
    "llama.cpp cannot load {name}. The file may be damaged, too large for this machine's memory, or of a "
    "kind that this version does not know; the server's log has its reason."
)

Progress = Callable[[float], None]


class NoChatModel(ModelNotReady):
    """The file writes no text: the same question would meet the same file."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Options:
    """How to load a model; the fields of the pipe's `load`, see `pipe.py`.

    Parameters
    ----------
    context_length:
        Tokens of one conversation; 0 for as many as the model was made for.
    slots:
        How many conversations the context holds, each `context_length` long.
    """

    model_path: str
    context_length: int = 0
    slots: int = 1
    n_batch: int = 512
    n_gpu_layers: int = -1
    n_threads: int = 0
    use_mmap: bool = True


class Model:
    """A model in memory. For one thread, but for `abort`.

    Each slot has a part of the context's memory to itself (`kv_unified` is off): attention then looks at one
    conversation's tokens and not at everybody's, which is 10 to 20 % faster with many answers. What slots
    have in common is copied from one to the other, see `copy`.
    """

    def __init__(self, options: Options, progress: Progress | None = None) -> None:
        self.llama: Any = bindings.load()
        self.log = NativeLog(self.llama)
        self.llama.llama_backend_init()
        self.options = options
        self.handle = self._load(options, progress)
        self.vocabulary = Vocabulary(self.llama, self.llama.llama_model_get_vocab(self.handle))
        self.threads = options.n_threads or threads.default_threads()
        self.context = self._make_context(options)
        self.memory = self.llama.llama_get_memory(self.context)
        self.slots = int(self.llama.llama_n_seq_max(self.context))
        self.batch = Batch(self.llama, int(self.llama.llama_n_batch(self.context)), self.slots)
        llama, handle = self.llama, self.handle
        self.partial = not (llama.llama_model_is_recurrent(handle) or llama.llama_model_is_hybrid(handle))
        """Whether a conversation can be cut at any token: recurrent models only know its end."""
        self._abort = self._set_abort_flag()

    # -- loading

    def _load(self, options: Options, progress: Progress | None) -> Any:
        llama = self.llama
        params = llama.llama_model_default_params()
        params.n_gpu_layers = options.n_gpu_layers
        params.load_mode = llama.LLAMA_LOAD_MODE_MMAP if options.use_mmap else llama.LLAMA_LOAD_MODE_NONE
        if progress is not None:

            def report(share: float, _: Any) -> bool:
                progress(share)
                return True

            params.progress_callback = self._progress = llama.llama_progress_callback(report)
        model = llama.llama_model_load_from_file(options.model_path.encode(), params)
        if not model:
            raise ModelNotReady(FAILED.format(name=self.name))
        if llama.llama_model_has_encoder(model) or not llama.llama_model_has_decoder(model):
            raise NoChatModel(f"{self.name} is no chat model: it does not write text. Choose another file.")
        return model

    def _make_context(self, options: Options) -> Any:
        llama = self.llama
        trained = int(llama.llama_model_n_ctx_train(self.handle))
        length = min(options.context_length or trained, trained)
        params = llama.llama_context_default_params()
        params.n_ctx = length * options.slots
        params.n_batch = max(options.n_batch, options.slots)  # Each answer has a token in every step.
        params.n_ubatch = min(params.n_batch, MAX_UBATCH)
        if self.on_cpu:
            # With flash attention a CPU takes 1.4 times as long for the next tokens of 8 answers after 200
            # tokens each, and 4 times as long after 7,000. It only reads long prompts faster, by a tenth.
            params.flash_attn_type = llama.LLAMA_FLASH_ATTN_TYPE_DISABLED
            params.n_ubatch = min(params.n_ubatch, self._cpu_pass(length))
        params.n_seq_max = options.slots
        params.kv_unified = False
        params.n_threads = params.n_threads_batch = self.threads
        params.no_perf = True
        context = llama.llama_init_from_model(self.handle, params)
        if not context:
            raise ModelNotReady(
                f"There is not enough memory for {options.slots} contexts of {length} tokens. "
                "Set a smaller `LocalLLM.context_length` or `LocalLLM.slots`."
            )
        # llama.cpp rounds up to a multiple of 256; more than was asked for would be more than was planned.
        self.context_length = min(int(llama.llama_n_ctx_seq(context)), length)
        return context

    def _cpu_pass(self, length: int) -> int:
        """Return how many tokens go through the layers at once, where a conversation has so many."""
        heads = max(1, int(self.llama.llama_model_n_head(self.handle)))  # A recurrent model has none.
        return max(FEWEST_UBATCH, min(CPU_UBATCH, SCORES // (4 * length * heads)))

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
    def name(self) -> str:
        """The file's name."""
        return re.split(r"[/\\]", self.options.model_path)[-1]

    @property
    def writes(self) -> bool:
        """Whether it writes text. BERT's kin read a text at once, and keep nothing to go on from."""
        return bool(self.memory)

    @property
    def on_cpu(self) -> bool:
        """Whether no part of the model is on a GPU."""
        return self.options.n_gpu_layers == 0 or not self.llama.llama_supports_gpu_offload()

    @property
    def layers(self) -> int:
        """The model's layers that can be put on a GPU."""
        return int(self.llama.llama_model_n_layer(self.handle))

    def describe(self) -> dict[str, Any]:
        """Return what the pipe's `ready` tells of the model."""
        from tether_jupyter.llm.local.devices import devices

        return {
            "context_length": self.context_length,
            "slots": self.slots,
            "kv_bytes": self.log.kv_bytes,
            "weight_bytes": int(self.llama.llama_model_size(self.handle)),
            "layers": self.layers,
            "layers_on_gpu": min(self.log.offloaded, self.layers),
            "offload": bool(self.llama.llama_supports_gpu_offload()),
            "devices": devices(),
            "threads": self.threads,
            "vocabulary": self.vocabulary.size,
            "infill": self.vocabulary.infill is not None,
        }

    # -- computing

    def decode(self) -> int:
        """Compute the batch; return llama.cpp's code: 0 done, 1 no room, 2 aborted, below 0 refused."""
        return int(self.llama.llama_decode(self.context, self.batch.native()))

    def abort(self) -> None:
        """Stop the step that is being computed. From any thread."""
        if self._abort is not None:
            self._abort[0] = b"x"

    def go_on(self) -> None:
        """Take an abort back."""
        if self._abort is not None:
            self._abort[0] = b"\0"

    def logits(self, row: int) -> np.ndarray[Any, Any]:
        """Return the logits of a row of the batch, float32, shape (vocabulary,): llama.cpp's own memory."""
        pointer = self.llama.llama_get_logits_ith(self.context, row)
        if not pointer:
            raise EngineCrashed
        return np.ctypeslib.as_array(pointer, shape=(self.vocabulary.size,))

    # -- memory

    def cut(self, slot: int, length: int) -> bool:
        """Keep a slot's first tokens and forget the rest; return whether that could be done.

        Where it could not, all of the slot is forgotten.
        """
        if self.llama.llama_memory_seq_rm(self.memory, slot, length, -1):
            return True
        self.llama.llama_memory_seq_rm(self.memory, slot, -1, -1)
        return False

    def copy(self, source: int, target: int) -> None:
        """Make a slot hold what another one holds.

        A part cannot be copied between slots with memory of their own: llama.cpp ends the process at that.
        Copy all and `cut`.
        """
        self.llama.llama_memory_seq_rm(self.memory, target, -1, -1)
        self.llama.llama_memory_seq_cp(self.memory, source, target, -1, -1)

    def save(self, slot: int) -> np.ndarray[Any, Any] | None:
        """Return what a slot holds, as bytes; `None` where llama.cpp cannot tell."""
        size = int(self.llama.llama_state_seq_get_size(self.context, slot))
        if not size:
            return None
        data = np.empty(size, np.uint8)
        room = ctypes.cast(data.ctypes.data, ctypes.POINTER(ctypes.c_uint8))
        written = int(self.llama.llama_state_seq_get_data(self.context, room, size, slot))
        return data[:written] if written else None

    def restore(self, slot: int, data: np.ndarray[Any, Any]) -> bool:
        """Put saved bytes into a slot; return whether that could be done."""
        self.llama.llama_memory_seq_rm(self.memory, slot, -1, -1)
        room = ctypes.cast(data.ctypes.data, ctypes.POINTER(ctypes.c_uint8))
        if self.llama.llama_state_seq_set_data(self.context, room, len(data), slot):
            return True
        self.llama.llama_memory_seq_rm(self.memory, slot, -1, -1)
        return False


class NativeLog:
    """Pass llama.cpp's warnings on to standard error, and read from its chatter what no function tells."""

    def __init__(self, llama: Any) -> None:
        self.offloaded = 0
        self.kv_bytes = 0
        self._level = 0
        self._callback = llama.llama_log_callback(self._receive)
        llama.llama_log_set(self._callback, ctypes.c_void_p(0))

    def _receive(self, level: int, text: bytes, _: Any) -> None:
        self._level = self._level if level == LOG_LEVEL_CONTINUE else level
        text = text or b""
        if found := re.search(rb"offloaded (\d+)/\d+ layers to GPU", text):
            self.offloaded = int(found.group(1))
        elif found := re.search(rb"llama_(?:kv_cache|memory_recurrent).*: size = +([\d.]+) MiB", text):
            self.kv_bytes += round(float(found.group(1)) * 2**20)
        if self._level in (LOG_LEVEL_WARN, LOG_LEVEL_ERROR):
            sys.stderr.write(text.decode("utf-8", "replace"))
