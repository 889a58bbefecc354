"""Training by ``fit``: the loss schedule, Keras's callbacks, and the order of the batches."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.gan import Sampler
from cosmogan_k3.maps import Batches, Scaling
from cosmogan_k3.nn.losses import GeometricHinge, RelativisticAverageHinge
from tests.gan.tiny_gan import TINY, UNMATCHED, fit, tiny_gan


def test_the_loss_changes_at_its_epoch(maps):
    gan = tiny_gan(UNMATCHED)
    optimizers = keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3)
    gan.compile(*optimizers, {0: "hinge", 2: RelativisticAverageHinge()})
    used = []
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: used.append(type(gan.adversarial_loss))
    )
    history = fit(gan, maps, epochs=4, callbacks=[record]).history
    assert used == [GeometricHinge] * 2 + [RelativisticAverageHinge] * 2
    # D(x) ≈ D(g) near the start: the hinge generator loses about 0, the relativistic one about 2.
    assert abs(history["generator_loss"][1]) < 1
    assert history["generator_loss"][2] > 1


def test_keras_callbacks_work(maps, tmp_path):
    gan = tiny_gan(replace(TINY, final_learning_rate_factor=1.0))
    callbacks = [
        keras.callbacks.ModelCheckpoint(str(tmp_path / "epoch-{epoch}.keras")),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: 1e-4 * (epoch + 1)),
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.EarlyStopping("generator_loss", mode="min", patience=5),
    ]
    fit(gan, maps, epochs=2, callbacks=callbacks)
    assert float(gan.optimizer.generator.learning_rate) == pytest.approx(2e-4)
    assert float(gan.optimizer.discriminator.learning_rate) == pytest.approx(2e-4)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    saved = keras.saving.load_model(tmp_path / "epoch-2.keras")
    np.testing.assert_array_equal(Sampler(saved).sample(2), Sampler(gan).sample(2))


class RecordedBatches(Batches):
    """Batches that record the epoch and the index of each batch that is read."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.read = []

    def start_epoch(self, epoch):
        self.epoch = epoch
        super().start_epoch(epoch)

    def __getitem__(self, index):
        self.read.append((getattr(self, "epoch", -1), index))
        return super().__getitem__(index)


def test_each_epoch_reads_its_own_batches_in_order(maps):
    batches = RecordedBatches(maps[..., 0], Scaling(), batch_size=8, augment=True, seed=1)
    gan = tiny_gan()
    gan.fit(batches, initial_epoch=3, epochs=5, verbose=0)
    assert int(gan.optimizer.iterations) == 8
    # Before the first epoch a backend may read one batch for its shape.
    read = [(epoch, index) for epoch, index in batches.read if epoch >= 3]
    assert read == [(epoch, index) for epoch in (3, 4) for index in range(4)]


def test_batches_read_ahead_are_those_of_their_index_and_epoch(maps):
    """Batches in order, out of order, and in an epoch that begins while one is being read."""
    if keras.backend.backend() == "tensorflow":
        pytest.skip("tf.data reads ahead there")
    batches = Batches(maps[..., 0], Scaling(), batch_size=8, augment=True, seed=1)
    fed = backend.feed(batches)
    for epoch, order in enumerate([(0, 1, 2, 3), (0, 1), (0, 3, 2), (1, 2)]):
        batches.start_epoch(epoch)
        for index in order:
            (found,) = fed[index]
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(found), batches[index])
