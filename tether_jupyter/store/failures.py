"""What a database may answer instead of doing what it was asked, in words for people."""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Callable
from json import JSONDecodeError
from typing import Any, ClassVar, Literal, TypeVar

from tether_jupyter.errors import Conflict, InvalidRequest, TetherError

log = logging.getLogger("tether.store")

Cause = Literal["full", "readonly", "locked", "damaged", "newer", "unreachable", "silent"]
Result = TypeVar("Result")

WORDS: dict[Cause, str] = {
    "full": "The disk is full: what is said now is kept in memory only. Make room on it.",
    "readonly": "The history cannot be written: what is said now is kept in memory only. Check its folder.",
    "locked": "Another program holds the history for too long. Close it, or try again in a moment.",
    "damaged": "The history's file is damaged. What can be read of it is kept; the server's log says where.",
    "newer": "The history was written by a newer version of Tether. Update this one.",
    "unreachable": "The history's database does not answer. What is said now is kept in memory only.",
    "silent": "The history's database is slow to answer. What is said now is kept in memory until it does.",
}
CODES: dict[int, Cause] = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "readonly",
    sqlite3.SQLITE_PERM: "readonly",
    sqlite3.SQLITE_CANTOPEN: "readonly",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_IOERR: "full",
}
NUMBERS: dict[int | None, Cause] = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "full",
    errno.EROFS: "readonly",
    errno.EACCES: "readonly",
    errno.EPERM: "readonly",
    errno.ENOTDIR: "readonly",
    errno.EEXIST: "readonly",
}
REFUSED = (
    "The history's database does not take a text or a number of this: it is too long, or holds a sign that "
    "cannot be kept. Change it, and try again."
)


class StoreFailed(TetherError):
    """The database cannot do now what it was asked for. `cause` says why, for those who go on without it."""

    type: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = True

    def __init__(self, message: str = "", *, cause: Cause = "unreachable") -> None:
        super().__init__(message or WORDS[cause])
        self.cause: Cause = cause


def told(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function that works on the database; what the database raises comes out as `StoreFailed`.

    A value that it will never take comes out as `InvalidRequest`: the database itself works, and nothing else
    has to wait for it.
    """
    from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
    from sqlalchemy.exc import TimeoutError as PoolTimeout

    try:
        return function(*arguments)
    except TetherError:
        raise
    except IntegrityError:
        raise Conflict("Something with that name is there already, or what it belongs to is gone.") from None
    except DBAPIError as reason:
        if is_value(reason.orig):  # What it says may hold the value.
            log.error("the database refuses a value: %s", type(reason.orig).__name__)
            raise InvalidRequest(REFUSED) from None
        cause = cause_of(reason.orig)
        if cause == "damaged":  # What SQLite says of a text that is none holds the text.
            log.error("the database holds what it should not: %s", type(reason.orig).__name__)
        else:
            log.error("the database says %s: %s", type(reason.orig).__name__, first_line(reason.orig))
        raise StoreFailed(cause=cause) from None
    except (PoolTimeout, SQLAlchemyError) as reason:
        log.error("the database cannot be used: %s", type(reason).__name__)
        raise StoreFailed from None
    except (UnicodeError, JSONDecodeError):
        log.error("a row of the database holds what it should not")
        raise StoreFailed(cause="damaged") from None
    except ImportError as reason:
        raise StoreFailed(
            f"The database's driver is not installed ({reason.name}): "
            '`pip install "tether-jupyter[postgresql]"`, then restart Jupyter.'
        ) from None
    except OSError as reason:
        log.error("the history's folder cannot be used: %s", reason.strerror)
        raise StoreFailed(cause=NUMBERS.get(reason.errno, "unreachable")) from None


def is_value(reason: BaseException | None) -> bool:
    """Return whether a driver's call failed for what it was given, and would fail with it each time."""
    state = getattr(reason, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(("22", "54"))  # Data exceptions, and limits such as that of an index.
    return type(reason).__name__ == "DataError"  # Found by the driver itself: a NUL in a text.


def cause_of(reason: BaseException | None) -> Cause:
    """Return why a driver's call failed."""
    if str(reason).startswith("Could not decode to UTF-8"):
        return "damaged"
    code = getattr(reason, "sqlite_errorcode", None)
    if isinstance(code, int):
        return CODES.get(code & 0xFF, "unreachable")
    state = getattr(reason, "sqlstate", None)
    if isinstance(state, str):
        if state in ("53100", "53200"):
            return "full"
        if state == "25006":
            return "readonly"
        if state in ("55P03", "40P01", "57014"):
            return "locked"
        if state.startswith("XX"):
            return "damaged"
    return "unreachable"


def first_line(reason: BaseException | None) -> str:
    """Return the beginning of what a driver says, which may go on with values of a row."""
    return str(reason).partition("\n")[0][:200]
