"""Embeddings in OpenAI's form: a vector for each text."""

from __future__ import annotations

import asyncio
import base64
import math
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tether_jupyter.errors import UpstreamError
from tether_jupyter.server.encode import dumps
from tether_jupyter.server.v1_door import FieldRefused, V1Door

if TYPE_CHECKING:
    from tether_jupyter.server.v1_forms import EmbeddingRequest

NO_VECTORS = "The model made no vectors of these texts. Try again, or choose another model."


class EmbeddingsHandler(V1Door):
    """`POST v1/embeddings`: a vector for each text."""

    work: asyncio.Task[list[list[float]]] | None = None
    closed = False

    async def post(self) -> None:
        from tether_jupyter.server.v1_forms import EmbeddingRequest, read

        request = read(EmbeddingRequest, self.read_body())
        backend, model = self.choose(request.model)
        self.work = asyncio.ensure_future(self.vectors(backend, request))
        try:
            vectors = await self.work
        except asyncio.CancelledError:
            if not self.closed:
                raise
            return
        self.write('{"object":"list","data":[')
        for index, vector in enumerate(vectors):
            if self.closed:
                return
            check_vector(vector)
            told = as_base64(vector) if request.encoding_format == "base64" else dumps(vector)
            comma = "," if index else ""
            self.write(f'{comma}{{"object":"embedding","index":{index},"embedding":{told}}}')
            # A thousand vectors are a million figures to write: others must have their turn in between.
            await asyncio.sleep(0)
        # Nobody counts the tokens of texts.
        self.finish(f'],"model":{dumps(model)},"usage":{{"prompt_tokens":null,"total_tokens":null}}}}')

    async def vectors(self, backend: str, request: EmbeddingRequest) -> list[list[float]]:
        """Return the vectors that a request asks for.

        Raises
        ------
        FieldRefused
            They have another number of dimensions.
        UpstreamError
            A backend returned what are no vectors for these texts.
        """
        service = await self.services.wake(backend)
        texts = request.input
        if request.dimensions is not None and len(texts) > 1:
            # One text tells what all would have cost.
            check_vectors(await service.embed(texts[:1], caller=self.owner), 1, request.dimensions)
        vectors = await service.embed(texts, caller=self.owner)
        check_vectors(vectors, len(texts), request.dimensions)
        return vectors

    def on_connection_close(self) -> None:
        """Stop the moment nobody waits for it."""
        super().on_connection_close()
        self.closed = True
        if self.work is not None:
            self.work.cancel()


def check_vectors(vectors: Sequence[Sequence[float]], count: int, dimensions: int | None) -> None:
    """Raise where there are not as many as texts, or they are not as long as was asked for."""
    if len(vectors) != count:
        raise UpstreamError(NO_VECTORS)
    if dimensions is not None and len(vectors[0]) != dimensions:
        raise FieldRefused(
            f"This model makes vectors of {len(vectors[0])} dimensions: leave `dimensions` out.",
            param="dimensions",
            code="unsupported_parameter",
        )


def check_vector(vector: Sequence[float]) -> None:
    """Raise where one is empty, or holds what JSON cannot."""
    if not vector or not math.isfinite(sum(vector)):
        raise UpstreamError(NO_VECTORS)


def as_base64(vector: Sequence[float]) -> str:
    """Return a vector as JSON's text of base64 of 32-bit figures, the least byte first."""
    packed = struct.pack(f"<{len(vector)}f", *vector)
    return f'"{base64.b64encode(packed).decode()}"'
