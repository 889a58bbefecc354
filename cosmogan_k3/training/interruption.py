"""SIGINT and SIGTERM: the first ends a command in order, the second ends it at once.

In order means by an exception, so that temporary files are removed and locks are released. A
training postpones it to the end of a step or of a checkpoint.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_NAMES = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Terminated(SystemExit):
    """The process received SIGTERM, as schedulers send it before they kill a job."""


class Interruption:
    """The signal that a command has received.

    Attributes
    ----------
    number : int
        Of the signal; 0 before one arrives.
    postponed : bool
        Whether the exception waits for ``check``.
    """

    def __init__(self) -> None:
        self.number = 0
        self.postponed = False

    @property
    def exit_code(self) -> int:
        """Exit code of a command that the signal ended: 128 and the number of the signal."""
        return 128 + self.number

    @property
    def name(self) -> str:
        """What happened to the command, in one word."""
        return _NAMES[signal.Signals(self.number)]

    def raise_received(self) -> None:
        """Raise ``KeyboardInterrupt`` or ``Terminated`` if a signal has arrived."""
        if self.number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.number:
            raise Terminated(self.exit_code)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        """Note the first signal; the system then ends the process at the second."""
        for each in _NAMES:
            signal.signal(each, signal.SIG_DFL)
        self.number = number
        if not self.postponed:
            self.raise_received()


# Signals belong to the process; this is where its handler, if any, can be found.
_current = Interruption()


@contextlib.contextmanager
def raising_on_signals() -> Iterator[Interruption]:
    """Raise ``KeyboardInterrupt`` at SIGINT and ``Terminated`` at SIGTERM.

    Signals that the process ignores stay ignored. Threads but the main one receive none.

    Yields
    ------
    Interruption

    Examples
    --------
    >>> with raising_on_signals() as interruption:
    ...     interruption.number
    0
    """
    global _current
    outer, _current = _current, Interruption()
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        handlers = {
            number: handler
            for number in _NAMES
            if (handler := signal.getsignal(number)) is not signal.SIG_IGN
        }
    for number in handlers:
        signal.signal(number, _current._receive)
    try:
        yield _current
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)  # None: not Python's
        _current = outer


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Postpone the exception of a signal to the next ``check``, or to the end of the block.

    Without ``raising_on_signals`` around it, signals are what they were.

    Examples
    --------
    >>> with postponed():
    ...     check()
    """
    interruption = _current
    interruption.postponed = True
    try:
        yield
    finally:
        interruption.postponed = False
    check()


def check() -> None:
    """Raise the exception of a signal that was postponed.

    Raises
    ------
    KeyboardInterrupt, Terminated
    """
    _current.raise_received()
