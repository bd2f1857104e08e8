"""What ggml can compute on: processors and graphics cards, with their memory. Child processes only."""

from __future__ import annotations

import ctypes
from typing import Any

KINDS = {0: "cpu", 1: "gpu", 2: "igpu", 3: "accelerator", 4: "meta"}


def devices() -> list[dict[str, Any]]:
    """Return `{"name", "description", "kind", "memory_total", "memory_free"}` of each device, in bytes.

    llama-cpp-python has no binding for these functions of its own library, so they are declared here:
    a pointer that is not declared loses its upper half.
    """
    from llama_cpp._ggml import libggml

    def function(name: str, result: Any, *arguments: Any) -> Any:
        found = getattr(libggml, name)
        found.restype, found.argtypes = result, arguments
        return found

    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    count = function("ggml_backend_dev_count", size)
    get = function("ggml_backend_dev_get", pointer, size)
    name = function("ggml_backend_dev_name", ctypes.c_char_p, pointer)
    description = function("ggml_backend_dev_description", ctypes.c_char_p, pointer)
    kind = function("ggml_backend_dev_type", ctypes.c_int, pointer)
    memory = function("ggml_backend_dev_memory", None, pointer, ctypes.POINTER(size), ctypes.POINTER(size))
    found = []
    for index in range(count()):
        device = get(index)
        free, total = size(), size()
        memory(device, ctypes.byref(free), ctypes.byref(total))
        found.append(
            {
                "name": text(name(device)),
                "description": text(description(device)),
                "kind": KINDS.get(kind(device), "other"),
                "memory_total": total.value,
                "memory_free": free.value,
            }
        )
    return found


def text(value: bytes | None) -> str:
    """Return a C string as text."""
    return (value or b"").decode("utf-8", "replace")
