"""A study in one file of a file system that workers share, where there is no database."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import optuna

# The base class by which Optuna recognises storages with heartbeats has no public name.
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.storages.journal import JournalFileBackend

# System attribute of a trial: the last sign of life of its worker.
_BEAT = "cosmogan:heartbeat"

StaleCallback = Callable[[optuna.Study, optuna.trial.FrozenTrial], None]


class JournalStorage(optuna.storages.JournalStorage, BaseHeartbeat):
    """Optuna's journal in a file, whose workers give signs of life.

    A trial is stale if its sign of life has not changed while this process waited. Clocks of
    different machines are not compared.

    Parameters
    ----------
    path : Path
        Every operation adds a line. Optuna locks the file by a symbolic link, also over NFS.
    heartbeat : int
        Seconds between two signs.
    grace_period : int
        Seconds without a sign after which a trial is stale.
    callback : callable
        Called with the study and each stale trial.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     storage = JournalStorage(Path(folder) / "study.journal", 30, 90, lambda *_: None)
    ...     storage.get_heartbeat_interval()
    30
    """

    def __init__(
        self, path: Path, heartbeat: int, grace_period: int, callback: StaleCallback
    ) -> None:
        self._interval, self._grace_period, self._callback = heartbeat, grace_period, callback
        self._seen: dict[int, tuple[float | None, float]] = {}
        super().__init__(JournalFileBackend(str(path)))

    def record_heartbeat(self, trial_id: int) -> None:
        """Give a sign of life of the worker that runs a trial; Optuna calls it in a thread."""
        with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):
            self.set_trial_system_attr(trial_id, _BEAT, time.time())

    def get_heartbeat_interval(self) -> int:
        """Return the seconds between two signs."""
        return self._interval

    def get_heartbeat_stale_trial_callback(self) -> StaleCallback:
        """Return what is called with each stale trial."""
        return self._callback

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        """Return the running trials without a new sign for the grace period; Optuna calls it."""
        running = (optuna.trial.TrialState.RUNNING,)
        now, seen = time.monotonic(), self._seen
        self._seen = {}
        for trial in self.get_all_trials(study_id, deepcopy=False, states=running):
            beat = trial.system_attrs.get(_BEAT)
            known, since = seen.get(trial._trial_id, (None, now))
            self._seen[trial._trial_id] = (beat, since if beat == known else now)
        return [
            number for number, (_, since) in self._seen.items() if now - since > self._grace_period
        ]
