"""The Keras face of ``Batches``."""

import keras


class MapDataset(keras.utils.PyDataset):
    """Feed ``data.batches.Batches`` to ``fit``, in a new order each epoch.

    Args:
        batches: ``Batches``.
        first_epoch: int, where a resumed training goes on.
    """

    def __init__(self, batches, first_epoch=0):
        super().__init__()
        self.batches = batches
        self.epoch = first_epoch
        batches.start_epoch(first_epoch)

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        # A one-element tuple: Keras would read a bare array of one batch as it is, but a tuple says "inputs only".
        return (self.batches[index],)

    def on_epoch_end(self):
        self.epoch += 1
        self.batches.start_epoch(self.epoch)
