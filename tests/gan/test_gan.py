"""The GAN: what one step changes, what callbacks and files may rely on."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from cosmogan_k3 import backend
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import DeepConvolutional, Sampler, adapt, calibrate, get_preset, load_gan, step
from cosmogan_k3.gan.build import build_gan
from cosmogan_k3.maps import Batches, Scaling, edge_discontinuity
from cosmogan_k3.nn import losses
from cosmogan_k3.nn.optimizers import PairedOptimizer
from cosmogan_k3.nn.penalties import R1, R2, WassersteinPenalty

TINY = get_preset("tiny")
UNMATCHED = replace(TINY, spectral_weight=0.0)
BATCH_NORM = replace(
    get_preset("cosmogan"), architecture=DeepConvolutional(latent=8, channels=(8, 4)), batch_size=8
)


def make(preset=TINY, **options):
    return build_gan(preset, pixels=16, pixel_arcmin=3.0, **options)


@pytest.fixture
def maps(rng):
    return rng.normal(size=(32, 16, 16, 1)).astype("float32")


def fit(gan, maps, **options):
    return gan.fit(maps, batch_size=8, verbose=0, shuffle=False, **options)


def to_numpy(variables):
    return [keras.ops.convert_to_numpy(v) for v in variables]


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


def test_both_networks_and_both_optimizers_move(maps):
    gan = make()
    before = to_numpy(gan.trainable_variables)
    history = fit(gan, maps, epochs=2).history
    assert all(moved(before, to_numpy(gan.trainable_variables)))
    for optimizer in (gan.optimizer.generator, gan.optimizer.discriminator):
        assert int(optimizer.iterations) == 8
        moments = to_numpy(optimizer.variables[2:])
        assert any(np.abs(m).max() > 0 for m in moments), "the optimizer's state stayed at zero"
    assert set(history) == {"discriminator_loss", "generator_loss", "real_logit", "fake_logit"}
    assert np.isfinite(list(history.values())).all()


def test_the_generators_step_leaves_the_discriminators_averages_alone(maps, monkeypatch):
    gan = make(BATCH_NORM)
    gan.compile(keras.optimizers.SGD(1e-3), keras.optimizers.SGD(0.0), "hinge", run_eagerly=True)
    norm = next(
        layer
        for layer in gan.discriminator.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    )
    calls = []
    original = step.generator_objective

    def spy(gan, real, fake, conditions):
        calls.append(to_numpy(norm.non_trainable_variables))
        return original(gan, real, fake, conditions)

    monkeypatch.setattr(step, "generator_objective", spy)
    latents = [keras.ops.convert_to_tensor(z) for z in gan.latent_space.draw(8, 0)]
    gan.adversarial_step(keras.ops.convert_to_tensor(maps[:8]), latents)
    after = to_numpy(norm.non_trainable_variables)
    assert any(moved([np.zeros_like(after[0]), np.ones_like(after[1])], after)), (
        "the discriminator's own step moved none"
    )
    assert not any(moved(calls[0], after))


def test_the_average_follows_the_generator_and_samples_come_from_it(maps):
    gan = make()
    fit(gan, maps, epochs=3)
    live, mean = (to_numpy(g.weights) for g in (gan.generator, gan.averaged_generator))
    assert any(moved(live, mean))
    latents = gan.latent_space.draw(4, 0)
    expected = keras.ops.convert_to_numpy(
        gan.averaged_generator([keras.ops.convert_to_tensor(z) for z in latents])
    )
    sampled = gan.scaling.to_network(Sampler(gan).sample(4, seed=0, batch_size=4))
    np.testing.assert_allclose(sampled, expected[..., 0], rtol=1e-4, atol=1e-5)


def test_the_average_is_the_recursion(maps):
    gan = make()
    mean = [w.astype("float64") for w in to_numpy(gan.averaged_generator.weights)]
    for step in range(1, 5):
        fit(gan, maps[:8])
        decay = min(TINY.average_decay, (1 + step) / (10 + step))
        new = to_numpy(gan.generator.weights)
        mean = [decay * m + (1 - decay) * w for m, w in zip(mean, new, strict=True)]
    for m, w, v in zip(
        mean, to_numpy(gan.averaged_generator.weights), gan.generator.weights, strict=True
    ):
        if v.trainable:
            np.testing.assert_allclose(w, m, rtol=1e-4, atol=1e-6)


def test_without_averaging_the_average_is_the_generator(maps):
    gan = make(BATCH_NORM)
    fit(gan, maps)
    for a, b in zip(
        to_numpy(gan.generator.weights), to_numpy(gan.averaged_generator.weights), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_calibration_gives_the_average_statistics_of_its_own(maps):
    gan = make()
    fit(gan, maps, epochs=2)
    norm = next(layer for layer in gan.averaged_generator.layers if "norm" in layer.name)
    frozen = to_numpy([norm.frozen_mean, norm.frozen_variance])
    calibrate(gan)
    for a, b in zip(frozen, to_numpy([norm.frozen_mean, norm.frozen_variance]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)  # the epoch's end has done it already
    inner = keras.Model(gan.averaged_generator.inputs, norm.output)
    latents = gan.latent_space.draw(400, 3)
    y = keras.ops.convert_to_numpy(inner([keras.ops.convert_to_tensor(z) for z in latents]))
    # gamma and beta have hardly moved from 1 and 0; 260 maps of 8x8 correlated pixels fix the mean to some percent.
    assert np.abs(y.mean(axis=(0, 1, 2))).max() < 0.15
    np.testing.assert_allclose(y.std(axis=(0, 1, 2)), 1, atol=0.15)


def test_the_reference_batch_is_fixed(maps):
    gan = make()
    before = to_numpy(gan.reference)
    fit(gan, maps)
    assert not any(moved(before, to_numpy(gan.reference)))
    assert before[0].shape[0] == TINY.architecture.reference_size


def test_samples_do_not_depend_on_the_batch_size_and_follow_from_the_seed():
    gan = make()
    a = Sampler(gan).sample(10, seed=4, batch_size=3)
    np.testing.assert_allclose(
        Sampler(gan).sample(10, seed=4, batch_size=64), a, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(Sampler(gan).sample(4, seed=4), a[:4], rtol=1e-4, atol=1e-6)
    assert not np.allclose(Sampler(gan).sample(10, seed=5), a)
    with pytest.raises(InputError, match="must be positive"):
        Sampler(gan).sample(0)


def test_any_range_of_a_seeds_maps_is_drawn_alike_to_the_last_bit():
    gan = make()
    whole = Sampler(gan).sample(11, seed=4, batch_size=4)
    for first, n in ((0, 4), (3, 6), (8, 3), (10, 1)):
        part = np.concatenate(
            list(Sampler(gan).sample_batches(n, first=first, seed=4, batch_size=4))
        )
        np.testing.assert_array_equal(part, whole[first : first + n])


def test_each_map_has_latents_of_its_own_stream():
    gan = make()
    latents = gan.latent_space.draw(3, 7, first=5)
    stream = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(1, 6)))
    for z in latents:
        np.testing.assert_array_equal(z[1], stream.standard_normal(z.shape[1:], dtype=np.float32))
    flat = np.concatenate([z.reshape(400, -1) for z in gan.latent_space.draw(400, 0)], axis=1)
    # 400 numbers fix a correlation to 0.05; the largest of 200 neighbours stays below 5 σ.
    neighbours = (flat[:-1, :200] * flat[1:, :200]).mean(axis=0)
    assert np.abs(neighbours).max() < 0.25
    assert abs(flat.std() - 1) < 0.01


def test_training_goes_on_exactly_after_a_file(maps, tmp_path):
    gan = make(seed=3, scaling=Scaling(0.1, 2.0))
    fit(gan, maps)
    gan.save(tmp_path / "gan.keras")
    again = load_gan(tmp_path / "gan.keras")
    assert again.scaling == gan.scaling
    assert again.loss_schedule == gan.loss_schedule
    np.testing.assert_array_equal(Sampler(again).sample(3, seed=1), Sampler(gan).sample(3, seed=1))
    for model in (gan, again):
        fit(model, maps)
    for a, b in zip(to_numpy(gan.variables), to_numpy(again.variables), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(
        to_numpy(gan.optimizer.variables), to_numpy(again.optimizer.variables), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_the_loss_changes_at_its_epoch(maps):
    gan = make(UNMATCHED)
    gan.compile(
        keras.optimizers.Adam(1e-3),
        keras.optimizers.Adam(1e-3),
        {0: "hinge", 2: losses.RelativisticAverageHinge()},
    )
    seen = []
    record = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(gan.adversarial_loss)
    )
    history = fit(gan, maps, epochs=4, callbacks=[record]).history
    assert [type(loss).__name__ for loss in seen] == ["GeometricHinge"] * 2 + [
        "RelativisticAverageHinge"
    ] * 2
    # Near the start of either, D(x) ≈ D(g): the hinge generator loses about 0, the relativistic one about 2.
    assert abs(history["generator_loss"][1]) < 1
    assert history["generator_loss"][2] > 1


def test_keras_callbacks_work(maps, tmp_path):
    gan = make(replace(TINY, final_learning_rate_factor=1.0))
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


class Recorded(Batches):
    """Batches that write down which of them were asked for."""

    def start_epoch(self, epoch):
        self.epoch = epoch
        super().start_epoch(epoch)

    def __getitem__(self, index):
        self.asked = [*getattr(self, "asked", []), (self.epoch, index)]
        return super().__getitem__(index)


def test_each_epoch_reads_its_own_batches_in_order(maps):
    batches = Recorded(maps[..., 0], Scaling(), batch_size=8, augment=True, seed=1)
    gan = make()
    gan.fit(batches, initial_epoch=3, epochs=5, verbose=0)
    assert int(gan.optimizer.iterations) == 8
    # Before the first epoch a backend may look at one batch to learn its shape.
    assert [asked for asked in batches.asked if asked[0] >= 3] == [
        (e, i) for e in (3, 4) for i in range(4)
    ]


def test_batches_read_ahead_are_those_of_their_index_and_epoch(maps):
    """In order, out of order, and after a new epoch's order was drawn while a batch of the old one was under way."""
    if keras.backend.backend() == "tensorflow":
        pytest.skip("tf.data reads ahead there")
    batches = Batches(maps[..., 0], Scaling(), batch_size=8, augment=True, seed=1)
    fed = backend.feed(batches)
    for epoch, order in enumerate([(0, 1, 2, 3), (0, 1), (0, 3, 2), (1, 2)]):
        batches.start_epoch(epoch)
        for index in order:
            (found,) = fed[index]
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(found), batches[index])


def test_penalties_add_to_the_discriminators_loss(maps):
    gan, plain = (
        make(replace(TINY, penalties=(R1(3.0), R2(2.0)))),
        make(replace(TINY, penalties=())),
    )
    real, fake = (keras.ops.convert_to_tensor(x) for x in (maps[:4], maps[4:8]))
    losses = [
        float(keras.ops.stop_gradient(step.discriminator_objective(g, real, fake)[0]))
        for g in (gan, plain)
    ]
    extra = sum(
        float(keras.ops.stop_gradient(p(gan.discriminator, real, fake))) for p in (R1(3.0), R2(2.0))
    )
    assert extra > 1e-3
    assert losses[0] - losses[1] == pytest.approx(extra, rel=1e-4)


def stepped(count, batches, rates):
    """Weights of both networks after steps without momentum on given maps, ``count`` parts to a batch."""
    gan = make(replace(UNMATCHED, average_decay=0.0), seed=2)
    optimizers = keras.optimizers.SGD(0.0), keras.optimizers.SGD(1e-2)
    gan.compile(
        *optimizers, "hinge", penalties=[R1(1.0)], discriminator_steps=count, run_eagerly=True
    )
    latents = gan.latent_space.draw(8, 0)
    for rows, rate in zip(batches, rates, strict=True):
        gan.optimizer.generator.learning_rate = rate
        part = [keras.ops.convert_to_tensor(z[rows]) for z in latents]
        gan.adversarial_step(keras.ops.convert_to_tensor(MAPS[rows]), part)
    return gan


MAPS = np.random.default_rng(3).normal(size=(8, 16, 16, 1)).astype("float32")


def test_several_discriminator_steps_are_single_ones_in_a_row():
    # One step of two parts; or a step on each half, the generator standing still in the first.
    once = stepped(2, [np.s_[:]], [0.1])
    twice = stepped(1, [np.s_[::2], np.s_[1::2]], [0.0, 0.1])
    assert int(once.optimizer.discriminator.iterations) == 2
    assert int(once.optimizer.generator.iterations) == 1
    start = make(UNMATCHED, seed=2)
    for network in ("generator", "discriminator"):
        groups = [to_numpy(getattr(g, network).trainable_variables) for g in (start, once, twice)]
        assert any(moved(*groups[:2]))
        for a, b in zip(*groups[1:], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_batch_that_does_not_split_evenly_is_refused():
    with pytest.raises(InputError, match="multiple of 3"):
        stepped(3, [np.s_[:]], [0.1])
    with pytest.raises(InputError, match="multiple of 3"):
        replace(TINY, discriminator_steps=3)


def test_one_batch_can_be_given_as_an_array(maps):
    gan = make()
    before = to_numpy(gan.generator.trainable_variables)
    assert np.isfinite(gan.train_on_batch(maps[:8], return_dict=True)["generator_loss"])
    # What lies before the last convolution waits for the next step: its kernel is zero at the start.
    assert any(moved(before, to_numpy(gan.generator.trainable_variables)))


def test_how_it_was_compiled_survives():
    given = {
        "penalties": [R1(0.5, 0.25), R2(2.0), WassersteinPenalty(5.0)],
        "discriminator_steps": 2,
    }
    gan, again = make(), make()
    gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), "wasserstein", **given)
    again.compile_from_config(gan.get_compile_config())
    assert again.penalties == tuple(given["penalties"])
    assert again.discriminator_steps == 2
    assert again.loss_schedule == gan.loss_schedule


def test_bfloat16_trains_and_float16_is_refused(maps):
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        gan = make()
        history = fit(gan, maps).history
        assert np.isfinite(list(history.values())).all()
        assert Sampler(gan).sample(2).dtype == np.float32
        keras.config.set_dtype_policy("mixed_float16")
        with pytest.raises(ValueError, match="mixed_bfloat16"):
            make()
    finally:
        keras.config.set_dtype_policy(before)


def test_the_pair_refuses_one_optimizer_for_two():
    adam = keras.optimizers.Adam(1e-3)
    with pytest.raises(ValueError, match="an optimizer each"):
        PairedOptimizer(adam, adam)


@pytest.mark.parametrize(
    ("loss", "message"),
    [("least_squares", "Unknown loss"), ({5: "hinge"}, "must start at epoch 0")],
)
def test_unusable_losses_are_refused(loss, message):
    with pytest.raises(ValueError, match=message):
        make().compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), loss)


def test_a_grid_of_latents_draws_maps_of_any_size():
    """The same local rule everywhere: a large map is a small one's continuation, not its enlargement."""
    gan = make()
    large = Sampler(gan).sample(3, pixels=48, seed=1)
    assert large.shape == (3, 48, 48)
    np.testing.assert_allclose(
        Sampler(gan).sample(3, pixels=48, seed=1, batch_size=1), large, rtol=1e-4, atol=1e-6
    )
    with pytest.raises(InputError, match=r"multiple of 4 pixels\. Received: pixels=30"):
        Sampler(gan).sample(1, pixels=30)


def test_a_large_periodic_map_repeats_a_small_one_where_its_latents_do():
    """Latents tiled two by two give the small map tiled two by two: convolutions on a torus know no place."""
    gan = make()
    small = gan.latent_space.draw(2, 0)
    tiled = [np.tile(z, (1, 2, 2, 1)) for z in small]
    expected = np.tile(np.asarray(gan.predict_on_batch(small)), (1, 2, 2, 1))
    # Sums of the same products in another order: float32 rounding.
    np.testing.assert_allclose(gan.predict_on_batch(tiled), expected, rtol=1e-4, atol=1e-5)


def test_a_margin_makes_opposite_edges_strangers():
    """Without one, the first and last rows are neighbours on the torus; with one, they see different latents."""
    margined = replace(TINY, architecture=replace(TINY.architecture, margin=8))
    white = np.random.default_rng(0).normal(size=(400, 16, 16, 1))
    smooth = sum(np.roll(white, (i, j), axis=(1, 2)) for i in range(3) for j in range(3))
    ratio = {}
    for margin, preset in ((0, TINY), (8, margined)):
        gan = make(preset)
        adapt(gan, smooth.astype("float32"))
        ratio[margin] = edge_discontinuity(Sampler(gan).sample(400, seed=3))
    # Neighbours correlate, so a seam shows. 400 maps of 16 rows give the ratio to a few percent.
    assert ratio[0] < 1.1 < 1.2 < ratio[8]
    assert Sampler(make(margined)).sample(1, pixels=32).shape == (1, 32, 32)


def test_vectors_of_latents_have_one_size():
    preset = replace(
        get_preset("cosmogan"), architecture=DeepConvolutional(channels=(8, 4)), pixels=16
    )
    with pytest.raises(InputError, match="draws maps of 16 pixels only"):
        Sampler(make(preset)).sample(1, pixels=32)


def test_the_spectral_term_acts_on_the_generator_and_is_remembered(maps, tmp_path):
    """Two GANs that differ by the term alone: other generators, and a running spectrum that a file keeps."""
    matched, plain = make(seed=5), make(UNMATCHED, seed=5)
    for gan in (matched, plain):
        adapt(gan, maps)
        fit(gan, maps)
    assert any(
        moved(
            to_numpy(matched.generator.trainable_variables),
            to_numpy(plain.generator.trainable_variables),
        )
    )
    running = keras.ops.convert_to_numpy(matched.spectral_matching.running)
    assert int(matched.spectral_matching.steps) == 4
    assert not np.allclose(running, 1)
    matched.save(tmp_path / "gan.keras")
    again = load_gan(tmp_path / "gan.keras")
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(again.spectral_matching.running), running
    )


def test_adapting_starts_layers_from_the_maps(maps):
    gan = make()
    adapt(gan, np.exp(maps))
    bends = [
        float(keras.ops.convert_to_numpy(g.get_layer("lognormal").skew))
        for g in (gan.generator, gan.averaged_generator)
    ]
    assert bends[0] == bends[1] > 0.5
    assert not np.allclose(
        keras.ops.convert_to_numpy(gan.discriminator.get_layer("planes").deviation), 1
    )


def test_calibration_gives_the_average_the_power_of_the_training_maps(maps):
    """Training maps that are a generator's own, 1.3 times as large: so is every gain."""
    gan = make()
    calibrate(gan)
    layer = gan.calibrator.filter
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(layer.gain), 1.0
    )  # there is nothing to match yet
    own = Sampler(gan).sample(2000, seed=9)
    for part in (gan.spectral_matching, gan.calibrator.mapping):
        part.adapt(1.3 * own[..., None])
    calibrate(gan)
    # Two sets of 2,000 maps know the power of a ring of 100 modes to 0.5 %.
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer.gain)[1:], 1.3, rtol=0.03)
    assert np.std(Sampler(gan).sample(2000, seed=9)) / np.std(own) == pytest.approx(1.3, rel=0.02)
    gan.train_on_batch(maps[:8])
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(layer.gain), 1.0
    )  # the filter was of other weights


def test_the_last_calibration_looks_at_more_maps(monkeypatch):
    gan = make()
    for part in (gan.spectral_matching, gan.calibrator.mapping):
        part.adapt(Sampler(gan).sample(1100, seed=9)[..., None])
    drawn, draw = [], gan.network_maps
    monkeypatch.setattr(
        gan,
        "network_maps",
        lambda latents, conditions: drawn.append(len(latents[0])) or draw(latents, conditions),
    )
    counts = []
    for last in (False, True):
        drawn.clear()
        calibrate(gan, last=last)
        counts.append(sum(drawn))
    assert counts == [2048, 4608]  # four times as many as training maps, in whole batches of 256
