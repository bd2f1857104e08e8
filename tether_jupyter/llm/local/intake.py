"""Who reads a worker's pipe: the event loop that waits for its words, or else a thread."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import sys
import threading
from collections.abc import Callable

from tether_jupyter.llm.local import pipe


class Loan:
    """The pipe, lent to an event loop, under a descriptor of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
        self.loop = loop
        self.descriptor = os.dup(descriptor)

    def end(self) -> None:
        """Let go of the descriptor. In the loop, or after its end."""
        self.loop.remove_reader(self.descriptor)
        os.close(self.descriptor)


class Intake:
    """Reads what a worker says until it ends.

    A thread reads, and notices the end. An event loop that reads for itself (`lend`) has each word without a
    change of threads, which has to wait for a core while the model computes. With a second loop beside it the
    thread reads for both, as one of them may stand still; so it does on systems other than Linux.

    Parameters
    ----------
    descriptor:
        The pipe's reading end. It belongs to the caller, and stays open until `read` has ended.
    take:
        Is given what came together; never twice at a time, in the thread or in the loop.
    max_line:
        Bytes of the longest line.
    """

    def __init__(self, descriptor: int, take: Callable[[list[pipe.Message]], None], max_line: int) -> None:
        self.descriptor = descriptor
        self._take = take
        self._decoder = pipe.Decoder(max_line)
        self._lock = threading.Lock()
        self._loan: Loan | None = None
        self._lends = sys.platform == "linux"
        self._failure: Exception | None = None
        self._bell = os.eventfd(0, os.EFD_CLOEXEC) if sys.platform == "linux" else -1

    def read(self) -> None:
        """Read, in this thread, whatever no event loop reads, until the stream ends.

        Raises
        ------
        PipeError, OSError
            What came is not the protocol, or cannot be read.
        """
        try:
            if sys.platform == "linux":
                while self._look():
                    pass
            else:
                while self._pass_on():
                    pass
        finally:
            with self._lock:
                self._lends = False
                self._call_back()
                if self._bell >= 0:
                    os.close(self._bell)

    def lend(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let this loop read, if nothing speaks against it. To be called in the loop."""
        if not self._lends or (self._loan is not None and self._loan.loop is loop):
            return
        with self._lock:
            if self._loan is not None:
                self._lends &= self._loan.loop.is_closed()
                self._call_back()
            if not self._lends:
                return
            try:
                loan = Loan(loop, self.descriptor)
            except OSError:  # As many files are open as may be: the thread needs none.
                return
            try:
                loop.add_reader(loan.descriptor, self._read_in_loop, loan)
            except (NotImplementedError, OSError):
                os.close(loan.descriptor)
                self._lends = False
                return
            self._loan = loan
            self._ring()

    def _look(self) -> bool:
        """Wait in the thread for something to do there, and do it; return whether there is more to come."""
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        # Without events it still tells that nobody holds the other end any more.
        poll.register(self.descriptor, 0 if self._loan else select.POLLIN)
        seen = dict(poll.poll())
        with self._lock:
            if self._bell in seen:
                os.eventfd_read(self._bell)
            if self._failure is not None:
                raise self._failure
            if self._loan is not None and seen.get(self.descriptor, 0) & ~select.POLLIN:
                self._call_back()
            return self.descriptor not in seen or self._loan is not None or self._pass_on()

    def _read_in_loop(self, loan: Loan) -> None:
        with self._lock:
            if self._loan is not loan:
                return  # It was called back; its end is on the way.
            try:
                if self._pass_on():
                    return
            except Exception as reason:  # noqa: BLE001 - the thread raises it; a loop would log it and read on
                self._failure = reason
            self._lends = False
            self._call_back()

    def _call_back(self) -> None:
        """Let the thread read again."""
        loan, self._loan = self._loan, None
        if loan is None:
            return
        try:
            loan.loop.call_soon_threadsafe(loan.end)
        except RuntimeError:  # The loop is closed.
            loan.end()
        self._ring()

    def _ring(self) -> None:
        """Have the thread look again at what is its part."""
        with contextlib.suppress(OSError):
            os.eventfd_write(self._bell, 1)

    def _pass_on(self) -> bool:
        """Read what is there, pass it on, and return whether there is more to come."""
        data = os.read(self.descriptor, pipe.READ_SIZE)
        if messages := self._decoder.feed(data):
            self._take(messages)
        return bool(data)
