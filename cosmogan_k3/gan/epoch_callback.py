"""What a GAN does between the epochs of a training."""

from typing import Any

import keras

from cosmogan_k3.gan.calibrator import calibrate
from cosmogan_k3.maps import Batches


class EpochCallback(keras.callbacks.Callback):
    """Choose the loss and draw the order of the maps before an epoch, and calibrate after it.

    Parameters
    ----------
    batches : Batches or None
        The training maps, if the GAN is fitted to ``Batches``.
    """

    def __init__(self, batches: Batches | None) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Switch to the loss of the epoch and draw the order of its maps."""
        self.model.use_loss_of(epoch)
        if self.batches is not None:
            self.batches.start_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Calibrate the averaged generator."""
        calibrate(self.model)
