"""Where a run records: on disk first, then in MLflow, whenever that answers."""

import sys
import time
from typing import Any

import mlflow

from cosmogan_k3.errors import InputError, masked, one_line
from cosmogan_k3.tracking.journal import Journal
from cosmogan_k3.tracking.sender import UNAVAILABLE, now, send
from cosmogan_k3.tracking.system import SystemMonitor

# Seconds until a store that does not answer is tried again, and how often the duration of a vain
# attempt: a store that answers slowly delays a training by a twentieth at most.
_PAUSE, _PAUSE_FACTOR = 60.0, 20.0


class Recorder:
    """Where a run records: a journal, sent to the store whenever it answers.

    Parameters
    ----------
    journal : Journal or None
        None records nothing.

    Attributes
    ----------
    system : SystemMonitor or None
        Measures the load of the machine while the run is open.
    """

    def __init__(self, journal: Journal | None) -> None:
        self.journal = journal
        self.system: SystemMonitor | None = None
        self._next = 0.0
        self._waiting = False

    @property
    def run_id(self) -> str:
        """Identifier of the run in the store; empty as long as there is none."""
        return self.journal.run_id if self.journal else ""

    def add(self, kind: str, **values: Any) -> None:
        """Record something, and send it if the store answers."""
        if self.journal:
            self.journal.append({"kind": kind, "time": now(), **values})
            self.flush()

    def flush(self, *, at_once: bool = False) -> bool:
        """Send what is pending, and return whether the store has all.

        After an attempt in vain the next one waits, except ``at_once``.
        """
        if not self.journal or (time.monotonic() < self._next and not at_once):
            return False
        start = time.monotonic()
        try:
            send(self.journal)
        except (InputError, *UNAVAILABLE) as error:
            self._wait(time.monotonic() - start, error)
        else:
            self._waiting = False
        return not self._waiting

    def _wait(self, seconds: float, error: Exception) -> None:
        """Keep the records for later, and say so once."""
        assert self.journal is not None
        uri, folder = masked(mlflow.get_tracking_uri()), self.journal.folder
        if folder is None:
            raise InputError(
                f"{uri}: the MLflow store cannot be used ({one_line(error, 300)})"
            ) from error
        self._next = time.monotonic() + max(_PAUSE, _PAUSE_FACTOR * seconds)
        if not self._waiting:
            print(
                f"tracking: {uri} cannot be used ({one_line(error, 200)}); records are kept in "
                f"{folder} and sent later",
                file=sys.stderr,
            )
        self._waiting = True
