"""The contract as OpenAPI 3.1, made from the models that check requests."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from tether_jupyter.server.base import TetherHandler


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the OpenAPI document, without the server's address."""
    from pydantic.json_schema import models_json_schema

    from tether_jupyter import __version__
    from tether_jupyter.server.contract import chapters

    asked: list[type] = []
    sent: list[type] = []
    paths: dict[str, Any] = {}
    for chapter in chapters():
        takes, gives = chapter.forms()
        asked += takes
        sent += gives
        paths |= chapter.paths()
    pairs = [(m, "validation") for m in asked] + [(m, "serialization") for m in sent]
    _, schemas = models_json_schema(pairs, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tether", "version": __version__, "license": {"name": "BSD-3-Clause"}},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token ` and the Jupyter server's token.",
                }
            },
        },
    }


class OpenApiHandler(TetherHandler):
    """`GET openapi.json`."""

    def get(self) -> None:
        self.answer({**document(), "servers": [{"url": self.base_url.rstrip("/") or "/"}]})


handlers = [(r"/tether/openapi\.json", OpenApiHandler)]
