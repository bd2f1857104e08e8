"""The file that a local model is: found by its name, read before it is loaded, told to the worker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_jupyter.errors import ModelNotReady
from tether_jupyter.llm.local import demo, gguf
from tether_jupyter.llm.models import facts
from tether_jupyter.llm.models.shelf import Shelf, size_of, spelled

if TYPE_CHECKING:
    from tether_jupyter.settings import LocalLLM


class ModelFile:
    """One GGUF file, or the first of several that are one model.

    Parameters
    ----------
    shelf:
        Where the other models are.
    path:
        The file; the settings' one, else the demo model, where it is left out.
    """

    def __init__(self, settings: LocalLLM, shelf: Shelf, path: Path | None = None) -> None:
        self.settings = settings
        self.shelf = shelf
        self.usual = Path(settings.model_path).expanduser().absolute() if settings.model_path else demo.PATH
        self.path = path or self.usual
        self.name = spelled(self.path.name)[0]
        self._facts: dict[tuple[int, int], facts.Facts] = {}

    def find(self, name: str | None) -> Path:
        """Return the file of a model: the shelf's, the settings' or the demo model's."""
        if name is None:
            return self.usual
        for path in (self.path, self.usual, demo.PATH):
            if name == spelled(path.name)[0]:
                return path
        return self.shelf.path(name)

    def load_message(self, header: gguf.Header) -> dict[str, Any]:
        """Return what the worker is told to load; see `pipe.py`."""
        settings = self.settings
        return {
            "model_path": str(self.path),
            "context_length": settings.context_length,
            "slots": settings.slots,
            "parking": settings.parking,
            "speculation": settings.speculation,
            "facts": {
                "weights": sum(size_of(file) for file in self.files()),
                "kv": header.kv_bytes,
                "state": header.state_bytes,
                "layers": header.block_count,
                "trained": header.context_length,
            },
            "n_batch": settings.n_batch,
            "n_gpu_layers": settings.n_gpu_layers,
            "n_threads": settings.n_threads,
            "use_mmap": settings.use_mmap,
            "chat_template": header.chat_template,
            "max_tokens": header.max_tokens,
            "unsure_below": header.unsure_below,
            "unsure_start": header.unsure_start,
            "template_seconds": settings.template_seconds,
            "template_memory": settings.template_memory,
        }

    def files(self) -> list[Path]:
        """Return the files that the model consists of: more than one where it is split."""
        name, _, count = spelled(self.path.name)
        if count == 1:
            return [self.path]
        return [self.path.with_name(f"{name}-{n:05d}-of-{count:05d}.gguf") for n in range(1, count + 1)]

    @property
    def known(self) -> gguf.Header | None:
        """What the model file says of itself, where it has been read; no disk is asked."""
        return next((found.header for found in self._facts.values()), None)

    def header(self) -> gguf.Header:
        """Return what the model file says of itself, read anew when the file has changed.

        Raises
        ------
        ModelNotReady
            There is no such file, it is no model, or it is a piece of one whose others are not there.
        """
        try:
            status = self.path.stat()
            key = (status.st_mtime_ns, status.st_size)
            if key not in self._facts:
                self._facts = {key: facts.read(self.path)}
            return self._whole(self._facts[key])
        except FileNotFoundError:
            if self.path != self.usual:
                raise ModelNotReady(
                    f"The file of the model {self.name!r} is gone. Choose another model, or pull it again."
                ) from None
            raise ModelNotReady(
                f"There is no model file {self.path.name!r} where `LocalLLM.model_path` points. "
                "Correct the path, or leave it empty for the demo model."
            ) from None
        except OSError as reason:
            raise ModelNotReady(
                f"The model file {self.path.name!r} cannot be read: {os.strerror(reason.errno or 0)}."
            ) from reason
        except gguf.GGUFError as reason:
            raise ModelNotReady(
                f"{self.path.name!r} is no model that can be loaded: {reason}. Choose another GGUF file."
            ) from reason

    def _whole(self, found: facts.Facts) -> gguf.Header:
        """Return the header of a file that is a model, alone or with the files beside it.

        What the file says of a split counts: files that were merged may keep a name that tells of one.

        Raises
        ------
        ModelNotReady
            It is a later file of a split model, or the others are not where llama.cpp looks for them.
        """
        number, count = found.split or (0, 1)
        named = spelled(self.path.name)[1:] == (number + 1, count)
        first = f"-00001-of-{count:05d}.gguf"
        if number or found.header is None:
            raise ModelNotReady(
                f"{self.path.name!r} is file {number + 1} of the {count} of a split model. Name the first "
                f"in `LocalLLM.model_path`: {self.files()[0].name if named else f'its name ends in {first}'}."
            )
        if count > 1 and not named:
            raise ModelNotReady(
                f"{self.path.name!r} is the first of {count} files, and the others are found by its name. "
                f"Rename it: it must end in {first}."
            )
        there = sum(file.exists() for file in self.files()) if count > 1 else count
        if there < count:
            raise ModelNotReady(
                f"{there} of the {count} files of {self.name!r} {'is' if there == 1 else 'are'} there. Put "
                f"the others beside {self.path.name!r}, or pull the model again."
            )
        return found.header

    def is_demo(self, header: gguf.Header | None) -> bool:
        """Return whether this is the model that comes with Tether."""
        return self.path == demo.PATH or bool(header and header.demo)
