"""What a training shows while it runs: a live table in a terminal, or a line an epoch."""

import sys
import time
from types import TracebackType
from typing import Any

import keras
import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cosmogan_k3 import backend
from cosmogan_k3.evaluation.figures.validation import in_nulls
from cosmogan_k3.training.callbacks import EpochMonitor
from cosmogan_k3.training.progress import SCORE, Progress

# Epochs in the table: those before the last ones scroll away, but for the best.
_ROWS = 12
# How often the table is drawn, in seconds.
_PERIOD = 0.5

# These compile the step when they first make it; PyTorch runs it as it is.
_COMPILE = ("jax", "tensorflow")


class Display(keras.callbacks.Callback):
    """Show losses, validation distances in units of their nulls, and the time that is left.

    Use it as a context manager around ``fit``, and after the monitor among the callbacks.

    Parameters
    ----------
    monitor : EpochMonitor
        Of the training; what it has recorded is shown.
    quiet : bool
        Show nothing.
    """

    def __init__(self, monitor: EpochMonitor, *, quiet: bool) -> None:
        super().__init__()
        self.monitor = monitor
        self.quiet = quiet
        self._live: Live | None = None
        self._step, self._start, self._first = 0, 0.0, True
        if not quiet and sys.stdout.isatty():
            self._live = Live(console=Console(), auto_refresh=False)
        self._drawn = 0.0

    def __enter__(self) -> "Display":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._draw("")
            self._live.stop()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Say what the first step waits for."""
        self._first = backend.name in _COMPILE
        if self._first and not self.quiet and self._live is None:
            print(f"compiling the first step on {backend.name}", flush=True)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock of the epoch."""
        self._start = time.perf_counter()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Draw the state of the epoch, now and then."""
        if batch == 1 and self._first:  # the first step is made, and compiled
            self._first, self._start = False, time.perf_counter()
        self._step = batch
        due = batch in (0, self.params["steps"] - 1) or time.monotonic() > self._drawn + _PERIOD
        if self._live and due:
            self._draw(self._state())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Show the numbers of the epoch, unless it is given up."""
        self._first = False  # of an epoch of one step too
        if self._live:
            self._draw("")
        elif not self.quiet and self.monitor.cause is None:
            print(epoch_line(self.monitor.progress, self.monitor.epochs), flush=True)

    def _state(self) -> str:
        epoch = self.monitor.progress.epoch + 1
        if self._first:
            return f"epoch {epoch}: compiling the first step on {backend.name}"
        steps = self.params["steps"]
        if self._step == steps - 1:  # after it nothing is drawn until the epoch is judged
            return f"epoch {epoch}: last step, calibration and validation{self._left(steps)}"
        return f"epoch {epoch}: step {self._step} of {steps}{self._left(steps)}"

    def _left(self, steps: int) -> str:
        """Return how long the training will take, judged by the epochs before or this one."""
        progress, spent = self.monitor.progress, time.perf_counter() - self._start
        epochs = self.monitor.epochs - progress.epoch
        if progress.epoch:
            seconds = epochs * progress.seconds / progress.epoch - spent
        elif self._step > 1:
            seconds = spent * (epochs * steps / (self._step - 1) - 1)
        else:
            return ""
        return f", {duration(max(seconds, 0))} left"

    def _draw(self, state: str) -> None:
        assert self._live is not None
        self._drawn = time.monotonic()
        self._live.update(live_view(self.monitor.progress, state), refresh=True)


def epoch_line(progress: Progress, epochs: int) -> str:
    """Return the numbers of the last epoch in one line.

    Parameters
    ----------
    progress : Progress
        With an epoch or more.
    epochs : int
        Number of epochs of the training.

    Returns
    -------
    str

    Examples
    --------
    >>> numbers = {"discriminator_loss": 1.39, "generator_loss": 0.8, SCORE: 0.2}
    >>> numbers |= {"validation_pca_distance": 1.5, "validation_pca_distance_null": 1.0}
    >>> epoch_line(Progress({}, epochs=[numbers], seconds=60.0), 3)
    'epoch 1/3  losses D 1.39 G 0.80  in nulls PCA 1.50  score 0.200  2 min left'
    """
    numbers = progress.epochs[-1]
    words = [f"epoch {progress.epoch}/{epochs}"]
    words.append(f"losses D {numbers['discriminator_loss']:.2f} G {numbers['generator_loss']:.2f}")
    if distances := _distances(numbers):
        words.append("in nulls " + " ".join(f"{name} {d:.2f}" for name, d in distances.items()))
        words.append(f"score {numbers[SCORE]:.3f}")
    if left := epochs - progress.epoch:
        words.append(f"{duration(left * progress.seconds / progress.epoch)} left")
    return "  ".join(words)


def _distances(numbers: dict[str, float]) -> dict[str, float]:
    """Return the validation distances of an epoch in units of their nulls; empty without."""
    named = {
        name.removeprefix("validation_"): [value]
        for name, value in numbers.items()
        if name.startswith("validation_")
    }
    return {name: float(values[0]) for name, values in in_nulls(named).items()}


def live_view(progress: Progress, state: str) -> Group:
    """Return the table of epochs, and below it what happens now.

    Parameters
    ----------
    progress : Progress
    state : str
        One line, which is cut at the width of the terminal.

    Returns
    -------
    rich.console.Group
    """
    below = [Text(state, no_wrap=True, overflow="ellipsis")] if state else []
    return Group(epoch_table(progress), *below)


def epoch_table(progress: Progress) -> Table:
    """Return the last epochs as a table, the best one in bold.

    Parameters
    ----------
    progress : Progress

    Returns
    -------
    rich.table.Table

    Examples
    --------
    >>> numbers = {"discriminator_loss": 1.39, "generator_loss": 0.8, SCORE: 0.2}
    >>> epochs = [numbers | {SCORE: 0.0}, *39 * [numbers]]
    >>> epoch_table(Progress({}, epochs=epochs)).row_count  # the best one and the last twelve
    13
    """
    table = Table(box=None)
    names = [name for epoch in progress.epochs[-1:] for name in _distances(epoch)]
    for name in ("epoch", "loss D", "loss G", *(f"{name}/null" for name in names), "score"):
        table.add_column(name, justify="right")
    scores = progress.column(SCORE)
    best = progress.best_of(range(1, progress.epoch + 1)) if np.isfinite(scores).any() else 0
    first = max(0, progress.epoch - _ROWS)
    shown = [*([best - 1] if 0 < best <= first else []), *range(first, progress.epoch)]
    for row in shown:
        numbers = progress.epochs[row]
        cells = [
            f"{row + 1}",
            f"{numbers['discriminator_loss']:.3f}",
            f"{numbers['generator_loss']:.3f}",
            *(f"{value:.2f}" for value in _distances(numbers).values()),
            f"{numbers[SCORE]:.3f}" if SCORE in numbers else "",
        ]
        table.add_row(*cells, style="bold" if row + 1 == best else "")
    return table


def duration(seconds: float) -> str:
    """Return a time for people.

    Parameters
    ----------
    seconds : float

    Returns
    -------
    str

    Examples
    --------
    >>> duration(40), duration(600), duration(20_000)
    ('40 s', '10 min', '5.6 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
