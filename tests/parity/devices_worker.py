"""Train small GANs on the devices of this process; the main process saves the losses.

KERAS_BACKEND=torch torchrun --standalone --nproc-per-node 2 -m tests.parity.devices_worker OUT.npz
KERAS_BACKEND=tensorflow python -m tests.parity.devices_worker OUT.npz 2
"""

import sys
from dataclasses import replace

import keras
import numpy as np

from cosmogan_k3 import backend
from cosmogan_k3.gan.build import build_gan
from cosmogan_k3.gan.calibrator import adapt
from cosmogan_k3.gan.presets import DeepConvolutional, get_preset
from cosmogan_k3.maps import Batches, Scaling
from cosmogan_k3.nn.losses import CrossEntropy, RelativisticAverageHinge
from cosmogan_k3.nn.penalties import R1, R2, WassersteinPenalty
from tests.parity.worker import CONDITIONAL, CONDITIONING, EPSILON, PIXELS, STEPS, TINY, Last

BATCH = 16

# Together the systems have virtual and plain batch normalization, minibatch discrimination, flipped
# labels, a relativistic loss, penalties on a fraction and on random mixtures of the maps, several
# discriminator steps, and spectral matching. Penalties are light and learning rates low: where
# rounding moves a unit of a leaky ReLU to the other side, its slope jumps, and twenty steps amplify
# that.
_DEEP = replace(
    get_preset("geogan"),
    architecture=DeepConvolutional(latent=8, channels=(8, 4)),
    batch_size=BATCH,
    average_decay=0.0,
    generator_learning_rate=5e-5,
    discriminator_learning_rate=5e-5,
)
_VIRTUAL = replace(TINY.architecture, generator_norm="virtual", reference_size=4, edges="open")
SYSTEMS = {
    CONDITIONAL: replace(TINY, batch_size=BATCH),
    "fully_convolutional": replace(
        TINY,
        architecture=_VIRTUAL,
        loss_schedule={0: RelativisticAverageHinge()},
        penalties=(R1(0.5, 0.25),),
        batch_size=BATCH,
    ),
    "minibatch": replace(
        _DEEP,
        architecture=replace(_DEEP.architecture, minibatch_kernels=64),
        loss_schedule={0: CrossEntropy(flip=0.1)},
        discriminator_steps=2,
    ),
    "penalised": replace(
        _DEEP,
        loss_schedule={0: CrossEntropy()},
        penalties=(R2(0.05, fraction=0.5), WassersteinPenalty(0.1)),
    ),
}


def train(preset, conditioning=None):
    """Losses and mean logits of each step, ``(STEPS, 4)``."""
    maps = (
        np.random.default_rng(5)
        .lognormal(sigma=0.3, size=(BATCH * STEPS // 2, PIXELS, PIXELS))
        .astype("float32")
    )
    theta = (
        np.random.default_rng(6).uniform(-1, 1, size=(len(maps), 2)).astype("float32")
        if conditioning
        else None
    )
    batches = Batches(maps, Scaling(), batch_size=BATCH, augment=True, seed=3, conditions=theta)
    gan = build_gan(
        preset, pixels=PIXELS, pixel_arcmin=3.0, steps=STEPS, seed=7, conditioning=conditioning
    )
    adapt(gan, maps[..., None], theta)
    for optimizer in (gan.optimizer.generator, gan.optimizer.discriminator):
        optimizer.epsilon = EPSILON
    gan.step_metrics = [Last(name=metric.name) for metric in gan.step_metrics]
    rows = []
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rows.append(
            [float(value) for value in logs.values()]
        )
    )
    gan.fit(batches, epochs=2, verbose=0, callbacks=[record])
    return np.array(rows)


if __name__ == "__main__":
    path, *number = sys.argv[1:]
    backend.use_devices(int(number[0]) if number else None)
    conditioning = {CONDITIONAL: CONDITIONING}
    found = {system: train(preset, conditioning.get(system)) for system, preset in SYSTEMS.items()}
    if backend.process_index() == 0:
        np.savez(path, devices=backend.device_count(), **found)
    backend.shutdown()
