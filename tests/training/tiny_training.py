"""A small training, and ways to interrupt and to spoil it."""

import itertools
import os
import signal

import keras
import numpy as np
import pytest

from cosmogan_k3.config import TrainConfig
from cosmogan_k3.gan import epoch_callback, load_gan
from cosmogan_k3.training import setup, trainer
from cosmogan_k3.training.checkpoints import Checkpoints
from cosmogan_k3.training.interruption import Terminated, raising_on_signals

# All trainings have one length. The schedule of the learning rates is part of the step, which XLA
# then compiles once for all.
EPOCHS = 4
LOSSES = ("discriminator_loss", "generator_loss", "real_logit", "fake_logit")


def config(out, **options):
    """Return the configuration of a training into a folder."""
    defaults = {"data": "maps", "preset": "tiny", "epochs": EPOCHS, "model_name": "", "quiet": True}
    return TrainConfig(**(defaults | options), out=str(out))


def train(out, maps, **options):
    """Train on maps into a folder."""
    chosen = config(out, **options)
    return trainer.train(chosen, setup.prepare(chosen), maps)


def checkpoints_in(out):
    """Return the checkpoints in the folder of a training."""
    return Checkpoints(out / "checkpoints")


def arrays_of(gan):
    """Return the weights, the states of the optimizers and the random state of a GAN."""
    variables = [*gan.variables, *gan.optimizer.variables, gan.seed_generator.state]
    return [keras.ops.convert_to_numpy(v) for v in variables]


def state(out, epoch):
    """Return everything that a checkpoint holds, as arrays."""
    return arrays_of(load_gan(out / "checkpoints" / f"epoch-{epoch:04d}" / "gan.keras"))


def losses(progress):
    """Return the losses and logits of a training, one list for each."""
    return [progress.column(name) for name in LOSSES]


def after_calibration(function):
    """Return a ``calibrate`` that then calls a function with the GAN and the number of epochs."""
    count = itertools.count(1)
    original = epoch_callback.calibrate

    def calibrate(gan):
        original(gan)
        function(gan, next(count))

    return calibrate


def interrupt(out, maps):
    """Interrupt a training before its third checkpoint; return losses and logits by epoch."""

    def stop(gan, epoch):
        if epoch == 3:
            raise KeyboardInterrupt

    end_by(stop, KeyboardInterrupt, out, maps)
    return np.transpose(losses(checkpoints_in(out).progress()))


def terminate(out, maps):
    """End a training by SIGTERM before its second checkpoint is written; return the exception."""

    def stop(gan, epoch):
        if epoch == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with raising_on_signals():
        return end_by(stop, Terminated, out, maps)


def end_by(stop, exception, out, maps):
    """Train, and call a function after each calibration, until it ends the training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epoch_callback, "calibrate", after_calibration(stop))
        with pytest.raises(exception) as caught:
            train(out, maps)
    return caught.value


def write_nan_after(*epochs):
    """Return a ``calibrate`` that writes NaN into a weight after these epochs, as counted."""

    def write(gan, epoch):
        if epoch in epochs:
            for network in (gan.generator, gan.averaged_generator):
                network.weights[0].assign(np.nan * keras.ops.convert_to_numpy(network.weights[0]))

    return after_calibration(write)
