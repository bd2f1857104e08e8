"""What the doors in OpenAI's form share: which model is meant, and errors as OpenAI's clients expect them."""

from __future__ import annotations

from typing import Any

from tether_jupyter.errors import STATUS, InvalidRequest, NotFound, TetherError
from tether_jupyter.server.base import TetherHandler, UnknownHandler

CODES = {
    "unauthorized": "invalid_api_key",
    "not_found": "model_not_found",
    "context_overflow": "context_length_exceeded",
    "rate_limited": "rate_limit_exceeded",
}
"""What OpenAI's clients look for, where it has another name than ours."""


class FieldRefused(InvalidRequest):
    """A field of the request is not taken.

    Parameters
    ----------
    param:
        Which one, or `None` where several do not go together.
    code:
        OpenAI's word for the reason.
    """

    def __init__(self, message: str, *, param: str | None, code: str) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class NoAddress(NotFound):
    """There is nothing at an address: what is wrong is no model, then."""

    param = None
    code = "unknown_url"


def openai_error(reason: TetherError) -> dict[str, Any]:
    """Return a failure in OpenAI's form: ``{"error": {"message", "type", "param", "code"}}``."""
    status = STATUS[reason.type]
    kind = "server_error" if status >= 500 else "invalid_request_error"
    kind = "rate_limit_error" if status == 429 else kind
    param, code = None, CODES.get(reason.type, reason.type)
    if isinstance(reason, FieldRefused | NoAddress):
        param, code = reason.param, reason.code
    elif isinstance(reason, NotFound):
        param = "model"
    message = f"{reason.message} {reason.hint}" if reason.hint else reason.message
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


class V1Door(TetherHandler):
    """What the doors under `v1/` share."""

    def error_body(self, reason: TetherError) -> dict[str, Any]:
        """Return a failure as OpenAI tells it."""
        return openai_error(reason)

    def choose(self, model: str | None) -> tuple[str, str]:
        """Return the backend that a request goes to, and the id of the model that answers.

        Raises
        ------
        NotFound, RateLimited
            The model does not answer here, or this caller has too many requests under way.
        """
        backend, name = self.services.backends.split(model)
        service = self.services.backends.get(backend)
        service.check_model(name)
        if name not in (None, service.model_name):
            raise NotFound(
                "Completions and embeddings come from the model that is set, not from one of many: "
                f"leave `model` out, or send `{self.model_id(backend, service.model_name)}`."
            )
        service.check_room(self.owner)
        return backend, self.model_id(backend, service.model_name)

    def model_id(self, backend: str, name: str) -> str:
        """Return the id under which a request finds a model again."""
        full = f"{backend}:{name}"
        # The name of a class has a colon of its own, and is the configured one in any case.
        return full if self.services.backends.split(full) == (backend, name) else name


class NoSuchAddress(V1Door, UnknownHandler):
    """Whatever else is asked for under `v1/`: nothing, said as OpenAI says it."""

    def nothing(self) -> NotFound:
        return NoAddress("There is nothing at this address. See `tether/openapi.json` for what there is.")


class NoChat(NoSuchAddress):
    """`v1/chat/completions`, which every client of OpenAI's tries first."""

    def nothing(self) -> NotFound:
        return NoAddress(
            "`v1/chat/completions` is not here. Ask with `POST tether/chat`, or have a text completed with "
            "`POST tether/v1/completions`."
        )
