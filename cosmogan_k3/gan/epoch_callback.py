"""What a GAN does between the epochs of a training."""

import keras


class EpochHooks(keras.callbacks.Callback):
    """What the GAN itself does between epochs, before any of the user's callbacks."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.model.use_loss_of(epoch)
        if self.batches is not None:
            self.batches.start_epoch(epoch)

    def on_epoch_end(self, epoch, logs=None):
        self.model.calibrate()
