"""Train small GANs on one backend with given data and latents; save losses, models and samples.

KERAS_BACKEND=jax python tests/parity/worker.py FOLDER

The process says "trained" and waits for the end of its input. Then it samples all models that are
in the folder.
"""

import faulthandler
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from keras import ops

from cosmogan_k3.gan.build import build_gan
from cosmogan_k3.gan.calibrator import adapt
from cosmogan_k3.gan.presets import DeepConvolutional, get_preset
from cosmogan_k3.maps import Conditioning
from cosmogan_k3.nn.losses import GeometricHinge, RelativisticAverageHinge

STEPS = 20
PIXELS = 16

# ε of Adam. With 1e-7, a gradient that is rounding alone becomes a whole step, in a direction that
# depends on the order of a sum. Examples are a bias before a normalization, and a kernel of the
# minibatch discrimination that finds no two maps alike.
EPSILON = 1e-4

# Learning rates a quarter of those of the preset, and a fifth of its weight of the features.
# Without, rounding reaches 1e-5 within five steps: a few maps hardly measure some directions of the
# features, whose errors count in units of a small scatter.
TINY = replace(
    get_preset("tiny"),
    generator_learning_rate=5e-4,
    discriminator_learning_rate=5e-4,
    feature_weight=0.02,
)

CONDITIONAL = "conditional"
CONDITIONING = Conditioning(("omega_m", "w"), (-1.2, -1.0), (0.2, 0.1), (0.2, -1.2), (0.4, -0.8))

SYSTEMS = {
    "fully_convolutional": replace(TINY, architecture=replace(TINY.architecture, edges="open")),
    CONDITIONAL: TINY,
    "deep_convolutional": replace(
        get_preset("geogan"),
        architecture=DeepConvolutional(
            latent=8,
            channels=(16, 8),
            generator_norm="virtual",
            reference_size=4,
            minibatch_kernels=64,
        ),
        loss_schedule={0: GeometricHinge(), 1: RelativisticAverageHinge()},
        batch_size=8,
    ),
}


class Last(keras.metrics.Mean):
    """The value of the last step instead of the mean over the epoch."""

    def update_state(self, values, sample_weight=None):
        self.reset_state()
        super().update_state(values, sample_weight)


def train(folder):
    for system, preset in SYSTEMS.items():
        train_system(folder, system, preset)


def train_system(folder, system, preset):
    rng = np.random.default_rng(5)
    conditioning = CONDITIONING if system == CONDITIONAL else None
    gan = build_gan(
        preset, pixels=PIXELS, pixel_arcmin=3.0, steps=STEPS, seed=7, conditioning=conditioning
    )
    for optimizer in (gan.optimizer.generator, gan.optimizer.discriminator):
        optimizer.epsilon = EPSILON
    shapes = [(STEPS, preset.batch_size, *shape) for shape in gan.latent_space.shapes]
    tables = [
        ops.convert_to_tensor(rng.standard_normal(shape, dtype="float32")) for shape in shapes
    ]

    def draw_latents(n):
        step = ops.cast(ops.convert_to_tensor(gan.optimizer.iterations), "int32")
        return [ops.take(table, step, axis=0) for table in tables]

    gan.draw_latents = draw_latents
    maps = rng.standard_normal((STEPS, preset.batch_size, PIXELS, PIXELS, 1), dtype="float32")
    theta = rng.uniform(-1, 1, size=(len(maps), preset.batch_size, 2)).astype("float32")
    if conditioning:
        maps *= np.exp(0.5 * theta[..., :1, None, None])
        adapt(gan, maps.reshape(-1, PIXELS, PIXELS, 1), theta.reshape(-1, 2))
    gan.step_metrics = [Last(name=metric.name) for metric in gan.step_metrics]
    rows = []
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rows.append(
            [float(logs[name]) for name in ("discriminator_loss", "generator_loss")]
        )
    )
    for epoch, (part, conditions) in enumerate(
        zip(np.split(maps, 2), np.split(theta, 2), strict=True)
    ):
        # The loss may change half way.
        gan.fit(
            part.reshape(-1, PIXELS, PIXELS, 1),
            conditions.reshape(-1, 2) if conditioning else None,
            batch_size=preset.batch_size,
            initial_epoch=epoch,
            epochs=epoch + 1,
            verbose=0,
            shuffle=False,
            callbacks=[record],
        )
    gan.save(folder / f"{system}-{keras.backend.backend()}.keras")
    np.save(folder / f"losses-{system}-{keras.backend.backend()}.npy", np.array(rows))


def sample(folder):
    """Draw maps from the same latents with the saved models of all backends."""
    for path in sorted(folder.glob("*.keras")):
        gan = keras.saving.load_model(path)
        latents = gan.latent_space.draw(4, seed=11)
        if gan.conditioning:
            latents.append(np.linspace([-1, 1], [1, 0], 4, dtype="float32"))
        maps = ops.convert_to_numpy(gan.predict_on_batch(latents))
        np.save(folder / f"samples-{path.stem}-{keras.backend.backend()}.npy", maps)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(900, exit=True)  # the test waits without a limit
    folder = Path(sys.argv[1])
    train(folder)
    print("trained", flush=True)
    sys.stdin.read()
    sample(folder)
