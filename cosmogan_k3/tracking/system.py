"""Load of the machine during a training, as MLflow measures it, averaged over each epoch.

MLflow's own thread would send each sample to a server that may not be there. Here the averages go
the way of all other metrics of an epoch.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

# The groups of MLflow's pages; these metrics have a tab of their own.
_PREFIX = "system/"
# MLflow's switch and its interval.
_SWITCH, _INTERVAL = (
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING",
    "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL",
)
_SECONDS = 10.0


class SystemMonitor:
    """Samples of processor, memory and GPUs since they were last asked for.

    GPUs are measured where ``nvidia-ml-py`` is installed.

    Examples
    --------
    >>> "system/cpu_utilization_percentage" in SystemMonitor().averages()
    True
    """

    def __init__(self) -> None:
        self._monitors = _monitors()
        self._lock = threading.Lock()
        self._sample()  # the first load of the processor is none: it is that since the last call
        for monitor in self._monitors:
            monitor.clear_metrics()

    def _sample(self) -> None:
        for monitor in self._monitors:
            monitor.collect_metrics()

    def averages(self) -> dict[str, float]:
        """Return the averages since the last call, at least of one sample, by name.

        Returns
        -------
        dict of str to float
        """
        with self._lock:
            self._sample()
            found: dict[str, float] = {}
            for monitor in self._monitors:
                found |= monitor.aggregate_metrics()
                monitor.clear_metrics()
        return {f"{_PREFIX}{name}": float(value) for name, value in found.items()}

    @contextlib.contextmanager
    def sampling(self, seconds: float | None = None) -> Iterator[None]:
        """Take samples in a thread until the block ends.

        Parameters
        ----------
        seconds : float, optional
            Between two samples; by default MLflow's interval.
        """
        interval = seconds or float(os.environ.get(_INTERVAL) or _SECONDS)
        stop = threading.Event()

        def work() -> None:
            while not stop.wait(interval):
                with self._lock:
                    self._sample()

        thread = threading.Thread(target=work, name="system metrics", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def _monitors() -> list[Any]:
    """Return MLflow's monitors of what this machine has; none if they are switched off."""
    if os.environ.get(_SWITCH, "true").lower() in ("false", "0"):
        return []
    return [found for find in (_processor, _gpus) if (found := _if_there(find)) is not None]


def _if_there(find: Callable[[], Any]) -> Any:
    try:
        return find()
    except (ImportError, RuntimeError):  # no package, or no GPU
        return None


def _processor() -> Any:
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor

    return CPUMonitor()


def _gpus() -> Any:
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

    return GPUMonitor()
