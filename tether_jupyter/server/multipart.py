"""Files out of a `multipart/form-data` body, written to disk as they come. Everything here blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from tether_jupyter.core.sizes import human
from tether_jupyter.errors import InvalidRequest, TetherError, TooLarge

MAX_PARTS = 64
MAX_HEADERS, MAX_HEADER = 8, 4096
BROKEN = "The form is broken or cut off. Send it again as `multipart/form-data`."


class Sink(Protocol):
    """Where a file is written to."""

    size: int

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...

    def discard(self) -> None: ...


Arriving = TypeVar("Arriving", bound=Sink)


class Form(Generic[Arriving]):
    """A form that is being received.

    What is wrong with it is kept in `refusal` and raised by `files`: a body cannot be refused half-way.

    Parameters
    ----------
    content_type:
        The request's `Content-Type`, with the boundary.
    receive:
        Makes a new file to write into.
    max_file:
        Bytes that one file may have.
    max_files:
        How many files there may be.
    """

    def __init__(
        self, content_type: str, receive: Callable[[], Arriving], *, max_file: int, max_files: int
    ) -> None:
        from python_multipart.exceptions import FormParserError
        from python_multipart.multipart import MultipartParser, parse_options_header

        self.refusal: TetherError | None = None
        self._arrived: list[tuple[str, Arriving]] = []
        self._receive = receive
        self._max_file, self._max_files = max_file, max_files
        self._lock = threading.Lock()  # Whoever hangs up discards a form that is still being fed.
        self._parts = 0
        self._ended = False
        self._name, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._current: Arriving | None = None
        self._parse_header = parse_options_header
        self._broken: type[Exception] = FormParserError
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        try:
            if not boundary:
                raise FormParserError("no boundary")
            self._parser: MultipartParser | None = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                    "on_end": self._all,
                },
                max_header_count=MAX_HEADERS,
                max_header_size=MAX_HEADER,
            )
        except FormParserError:
            self._parser = None
            self.refusal = InvalidRequest(BROKEN)

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body. Once something is wrong, the rest is passed over."""
        with self._lock:
            if self.refusal is not None or self._parser is None or self._ended:
                return
            try:
                self._parser.write(data)
            except TetherError as reason:
                self.refusal = reason
            except (self._broken, ValueError):
                self.refusal = InvalidRequest(BROKEN)

    def files(self) -> list[tuple[str, Arriving]]:
        """Return the files with the names that their sender gave them, when all of the body has come.

        Raises
        ------
        InvalidRequest, TooLarge
            The form is broken, holds no file or too many, or one is too large.
        """
        if self.refusal is not None:
            raise self.refusal
        if not self._ended:
            raise InvalidRequest(BROKEN)
        if not self._arrived:
            raise InvalidRequest("There is no file in the form. Send at least one, with its name.")
        for _, file in self._arrived:
            file.close()
        return self._arrived

    def discard(self) -> None:
        """Remove what was written, and take no more."""
        with self._lock:
            self._parser = None
            for _, file in self._arrived:
                file.discard()

    # -- what the parser finds

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidRequest(f"The form has more than {MAX_PARTS} parts. Send the files one by one.")
        self._headers = {}
        self._current = None

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _headers_end(self) -> None:
        options = self._parse_header(self._headers.get(b"content-disposition", b""))[1]
        sent = options.get(b"filename")
        if not sent:
            return  # A field, or an empty choice of files.
        if len(self._arrived) >= self._max_files:
            raise InvalidRequest(f"The form holds more than {self._max_files} files. Send the rest apart.")
        self._current = self._receive()
        self._arrived.append((sent.decode("utf-8", "replace"), self._current))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._current is None:
            return
        if self._current.size + end - start > self._max_file:
            raise TooLarge(
                f"A file of the form is larger than {human(self._max_file)}, the most that one may have. "
                "Send a part of it."
            )
        self._current.write(data[start:end])

    def _end(self) -> None:
        self._current = None

    def _all(self) -> None:
        self._ended = True
