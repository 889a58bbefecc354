"""The Keras face of ``data.Batches``, for the backends that take it from Python."""

import keras


class MapSequence(keras.utils.PyDataset):
    """Feed one epoch of ``data.Batches`` to ``fit``; ``GAN.fit`` starts each epoch's order."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        # A one-element tuple: Keras would read a bare array of one batch as it is, but a tuple says "inputs only".
        return (self.batches[index],)
