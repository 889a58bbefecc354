"""Train a small GAN on one backend with given data and latents; leave losses, model and samples in a folder.

KERAS_BACKEND=jax python tests/parity/worker.py train FOLDER SYSTEM
KERAS_BACKEND=jax python tests/parity/worker.py sample FOLDER
"""

import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from keras import ops

from cosmogan_k3.models.build import build_gan
from cosmogan_k3.models.presets import DeepConvolutional, get_preset

STEPS = 20
PIXELS = 16

SYSTEMS = {
    "fully_convolutional": get_preset("tiny"),
    "deep_convolutional": replace(
        get_preset("geogan"),
        architecture=DeepConvolutional(
            latent=8, channels=(16, 8), generator_norm="virtual", reference_size=4, minibatch_kernels=64
        ),
        losses={0: {"name": "hinge"}, 1: {"name": "relativistic_hinge"}},
        batch_size=8,
    ),
}


class _Losses(keras.callbacks.Callback):
    """The losses of each step: the metrics are running means, so they are reset after every one."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def on_train_batch_end(self, batch, logs=None):
        self.rows.append([float(logs[name]) for name in ("discriminator_loss", "generator_loss")])


def train(folder, system):
    preset = SYSTEMS[system]
    rng = np.random.default_rng(5)
    gan = build_gan(preset, pixels=PIXELS, pixel_arcmin=3.0, steps=STEPS, seed=7)
    shapes = [(STEPS, preset.batch_size, *shape) for shape in gan.latent_shapes]
    tables = [ops.convert_to_tensor(rng.standard_normal(shape, dtype="float32")) for shape in shapes]

    def draw_latents(n):
        step = ops.cast(ops.convert_to_tensor(gan.optimizer.iterations), "int32")
        return [ops.take(table, step, axis=0) for table in tables]

    gan.draw_latents = draw_latents
    maps = rng.standard_normal((STEPS, preset.batch_size, PIXELS, PIXELS, 1), dtype="float32")
    losses = _Losses()
    for step in range(STEPS):  # one step an "epoch", so that each has its own losses; the loss changes half way
        epoch = int(step >= STEPS // 2)
        gan.fit(
            maps[step],
            batch_size=preset.batch_size,
            initial_epoch=epoch,
            epochs=epoch + 1,
            verbose=0,
            shuffle=False,
            callbacks=[losses],
        )
    gan.save(folder / f"{system}-{keras.backend.backend()}.keras")
    np.save(folder / f"losses-{system}-{keras.backend.backend()}.npy", np.array(losses.rows))


def sample(folder):
    """Draw the same latents through every model that any backend left here."""
    for path in sorted(folder.glob("*.keras")):
        gan = keras.saving.load_model(path)
        latents = gan.numpy_latents(4, np.random.default_rng(11))
        maps = ops.convert_to_numpy(gan.predict_on_batch(latents))
        np.save(folder / f"samples-{path.stem}-{keras.backend.backend()}.npy", maps)


if __name__ == "__main__":
    task, folder, *rest = sys.argv[1:]
    {"train": train, "sample": sample}[task](Path(folder), *rest)
