"""``maps.Batches`` as a Keras data set, for the backends that read batches from Python."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import keras


class MapSequence(keras.utils.PyDataset):
    """Feed one epoch of ``maps.Batches`` to ``fit``.

    While a step runs, a thread reads, scales and rotates the maps of the next one. Keras's own
    workers would read out of order, and from an epoch whose order has not been drawn yet. The
    order of each epoch is drawn by the training, not here.

    Parameters
    ----------
    batches : Batches
        Sequence of batches: arrays of maps, or pairs of maps and conditions.
    to_device : callable, optional
        Turns a batch of NumPy arrays into the input of the step. By default, the batch itself.

    Examples
    --------
    >>> import numpy as np
    >>> sequence = MapSequence([np.zeros((2, 4, 4, 1)), np.ones((2, 4, 4, 1))])
    >>> len(sequence), sequence[1][0].max()
    (2, 1.0)
    """

    def __init__(self, batches: Any, to_device: Callable[[Any], Any] = lambda batch: batch) -> None:
        super().__init__()
        self.batches = batches
        self.to_device = to_device
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._prefetched: dict[int, Future[Any]] = {}

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        prefetched = self._prefetched.pop(index, None)
        batch = prefetched.result() if prefetched else self._read(index)
        self._prefetched.clear()
        if index + 1 < len(self):  # batch 0 is not prefetched: it waits for the epoch's order
            self._prefetched[index + 1] = self._pool.submit(self._read, index + 1)
        # Keras takes a tuple of one element as inputs without targets.
        return batch if isinstance(batch, tuple) else (batch,)

    def _read(self, index: int) -> Any:
        return self.to_device(self.batches[index])
