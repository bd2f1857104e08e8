"""Every failure that Tether tells a person about, and the one table from its type to an HTTP status.

A message says what happened and what to do next. It never holds a key, a token, a URL's query or a
traceback: whoever raises one of these vouches for that.
"""

from __future__ import annotations

from typing import Any, ClassVar


class TetherError(Exception):
    """A failure with a type, a message for people, and advice.

    Parameters
    ----------
    message:
        What happened, in a sentence that ends with what to do next.
    hint:
        More advice, where one sentence is not enough.
    retry_after:
        Seconds after which it is worth while to try again, where that is known.
    """

    type: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(
        self, message: str = "", *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message or DEFAULT_MESSAGES[self.type])
        self.message = message or DEFAULT_MESSAGES[self.type]
        self.hint = hint
        self.retry_after = retry_after

    def payload(self) -> dict[str, Any]:
        """Return the wire form: ``{"type", "message", "retryable", "hint"}``, and ``retry_after``."""
        wait = {} if self.retry_after is None else {"retry_after": self.retry_after}
        return {
            "type": self.type,
            "message": self.message,
            "retryable": self.retryable,
            "hint": self.hint,
            **wait,
        }


class InvalidRequest(TetherError):
    type = "invalid_request"


class Unauthorized(TetherError):
    type = "unauthorized"


class Forbidden(TetherError):
    type = "forbidden"


class NotFound(TetherError):
    type = "not_found"


class Conflict(TetherError):
    type = "conflict"


class TooLarge(TetherError):
    type = "too_large"


class ContextOverflow(TetherError):
    type = "context_overflow"


class RateLimited(TetherError):
    type = "rate_limited"
    retryable = True


class ModelNotReady(TetherError):
    type = "model_not_ready"
    retryable = True


class EngineCrashed(TetherError):
    type = "engine_crashed"
    retryable = True


class UpstreamError(TetherError):
    type = "upstream_error"
    retryable = True


class UpstreamTimeout(TetherError):
    type = "upstream_timeout"
    retryable = True


class Internal(TetherError):
    type = "internal"


STATUS: dict[str, int] = {
    "invalid_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "context_overflow": 422,
    "rate_limited": 429,
    "internal": 500,
    "upstream_error": 502,
    "model_not_ready": 503,
    "engine_crashed": 503,
    "upstream_timeout": 504,
}

DEFAULT_MESSAGES: dict[str, str] = {
    "invalid_request": "The request is not valid.",
    "unauthorized": "Log in to Jupyter, or send its token, and try again.",
    "forbidden": "This account may not use Tether here. Ask whoever runs the server.",
    "not_found": "There is nothing here under that name.",
    "conflict": "That clashes with something that is already under way.",
    "too_large": "That is more than Tether takes at once. Send less.",
    "context_overflow": "The question is longer than the model's context. Shorten it.",
    "rate_limited": "Too many requests at once. Wait a moment and try again.",
    "internal": "Something went wrong inside Tether. Try again; the server's log has the details.",
    "upstream_error": "The model's server refused the request. Try again.",
    "model_not_ready": "The model is not ready. Try again in a moment.",
    "engine_crashed": "The model stopped unexpectedly. It starts again by itself: ask once more.",
    "upstream_timeout": "The model's server did not answer in time. Try again.",
}

BY_TYPE: dict[str, type[TetherError]] = {cls.type: cls for cls in TetherError.__subclasses__()}


def from_payload(payload: dict[str, Any]) -> TetherError:
    """Return the error that :meth:`TetherError.payload` described, on the far side of a wire."""
    cls = BY_TYPE.get(str(payload.get("type")), Internal)
    hint, wait = payload.get("hint"), payload.get("retry_after")
    seconds = float(wait) if isinstance(wait, (int, float)) else None
    error = cls(str(payload.get("message") or ""), hint=str(hint) if hint else None, retry_after=seconds)
    if isinstance(payload.get("retryable"), bool):
        # A kind of its own may be worth another try, or not, unlike others of its type.
        vars(error)["retryable"] = payload["retryable"]
    return error
