"""The Keras face of ``data.Batches``, for the backends that take it from Python."""

from concurrent.futures import ThreadPoolExecutor

import keras


class MapSequence(keras.utils.PyDataset):
    """Feed one epoch of ``data.Batches`` to ``fit``; ``GAN.fit`` starts each epoch's order.

    While a step runs, a thread reads, scales and turns the maps of the next one. Keras's own workers would do the
    same out of order, and from an epoch whose order is not drawn yet.

    Args:
        batches: ``data.Batches``.
        place: function from a NumPy batch to what the step takes: the transfer to the device.
    """

    def __init__(self, batches, place=lambda batch: batch):
        super().__init__()
        self.batches = batches
        self.place = place
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._ahead = {}

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        batch = self._ahead.pop(index).result() if index in self._ahead else self._batch(index)
        self._ahead.clear()
        if index + 1 < len(self):  # the first of an epoch waits for its order
            self._ahead[index + 1] = self._pool.submit(self._batch, index + 1)
        # A one-element tuple: Keras would read a bare array of one batch as it is, but a tuple says "inputs only".
        return batch if isinstance(batch, tuple) else (batch,)

    def _batch(self, index):
        return self.place(self.batches[index])
