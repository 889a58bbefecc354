"""The search space: ranges are read, checked, suggested and applied to presets."""

from dataclasses import fields

import optuna
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.build import build_gan
from cosmogan_k3.gan.presets import PRESETS, Preset, get_preset
from cosmogan_k3.nn.losses import GeometricHinge, RelativisticAverageHinge
from cosmogan_k3.nn.penalties import R1, R2
from cosmogan_k3.tuning import space
from cosmogan_k3.tuning.ranges import PENALTIES, Range, check_queue, ranges_of
from cosmogan_k3.tuning.tables import PARAMETERS, PRESET_FIELDS, read_tables


def written(tmp_path, text):
    """Write a file of ranges; return its path."""
    path = tmp_path / "ranges.toml"
    path.write_text(text)
    return path


def test_parameters_that_are_fields_belong_to_presets():
    assert set(PRESET_FIELDS) <= {field.name for field in fields(Preset)}
    assert set(PENALTIES) <= set(PARAMETERS)


def test_a_file_gives_typed_ranges(tmp_path):
    text = """
        [generator_learning_rate]
        low = 1e-4
        high = 1e-2
        log = true
        [batch_size]
        values = [8, 16]
    """
    learning_rate, batch_size = ranges_of(read_tables(written(tmp_path, text)))
    assert learning_rate == Range("generator_learning_rate", 1e-4, 1e-2, True)
    assert batch_size == Range("batch_size", values=(8, 16))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no parameter"),
        ("[generator_learning_rate", "not a readable file"),
        ("[rate]\nlow = 1\nhigh = 2", "Unknown parameter"),
        ("[beta_1]\nlow = 0.5\nhigh = 0.1", "low < high"),
        ("[beta_1]\nlow = 0.5", "expected bounds"),
        ("[beta_1]\nlow = 0\nhigh = 1\nlog = true", "0 < low"),
        ("[beta_1]\nlow = -1\nhigh = 1", "must not be negative"),
        ("[beta_1]\nvalues = 3", "beta_1"),
        ('[loss]\nvalues = ["hinges"]', "Unknown loss"),
        ("[beta_1]\nfrom = 0\nto = 1", "may hold high, log, low, values"),
        ("beta_1 = 3", "may hold"),
        ("enqueue = 3", r"expected tables \[\[enqueue\]\]"),
    ],
)
def test_unusable_ranges_are_reported_in_one_line(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as caught:
        ranges_of(read_tables(written(tmp_path, text)))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_reported_in_one_line(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.toml: not a readable file"):
        read_tables(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("preset", "ranges", "message"),
    [
        ("quick", [Range("margin_real", 0.5, 2.0)], "none of the study's losses"),
        (
            "geogan",
            [Range("loss", values=("cross_entropy",)), Range("margin_real", 0.5, 2.0)],
            "none of the study's",
        ),
        ("rodriguez_wgan", [Range("batch_size", values=(16,))], "multiples of 5"),
        ("quick", [Range("width", 0, 2)], "positive factors"),
        ("quick", [Range("architecture.latents", 8, 16)], "no such field .* latent, "),
        ("quick", [Range("architecture.channels", 8, 16)], "no such field of one value"),
        ("quick", [Range("architecture.latent", 8.0, 16.5)], "values of type int"),
        ("quick", [Range("architecture.gaussian", values=("yes",))], "values of type bool"),
        ("quick", [Range("batch_size", 8, 64)], "a list of `values`"),
    ],
)
def test_parameters_without_effect_are_refused(preset, ranges, message):
    with pytest.raises(InputError, match=message):
        space.check(ranges, get_preset(preset))


@pytest.mark.parametrize(
    ("loss", "margins"),
    [
        ("hinge", {"margin_real", "margin_fake"}),
        ("relativistic_hinge", {"margin_real"}),
        ("cross_entropy", set()),
    ],
)
def test_margins_are_suggested_if_the_loss_has_them(loss, margins):
    losses = Range("loss", values=("hinge", "relativistic_hinge", "cross_entropy"))
    ranges = [Range("margin_real", 0.5, 2.0), Range("margin_fake", 0.5, 2.0), losses]
    trial = optuna.trial.FixedTrial({"loss": loss, "margin_real": 1.0, "margin_fake": 1.0})
    assert set(space.suggest(trial, ranges, get_preset("quick"))) == {"loss"} | margins


def test_values_reach_the_preset():
    values = {"generator_learning_rate": 3e-3, "beta_1": 0.2, "batch_size": 8}
    values |= {"loss": "relativistic_hinge", "margin_real": 2.0}
    preset = space.apply(get_preset("quick"), values)
    assert (preset.generator_learning_rate, preset.beta_1, preset.batch_size) == (3e-3, 0.2, 8)
    assert preset.loss_schedule == {0: RelativisticAverageHinge(2.0)}


def test_the_architecture_is_varied():
    values = {"architecture.latent": 8, "architecture.discriminator_pooled": True, "width": 0.5}
    quick = get_preset("quick")
    found = space.apply(quick, values).architecture
    assert (found.latent, found.discriminator_pooled) == (8, True)
    assert found.channels == tuple(count // 2 for count in quick.architecture.channels)


ENQUEUED = """
    [architecture.latent]
    low = 4
    high = 16
    ["architecture.gaussian"]
    values = [true, false]
    [beta_1]
    low = 0.0
    high = 0.5
    [[enqueue]]
    beta_1 = 0.25
    architecture.latent = 8
    [[enqueue]]
    beta_1 = 0.5
"""


def test_a_file_names_values_to_be_tried_first_and_fields_of_the_architecture(tmp_path):
    tables = read_tables(written(tmp_path, ENQUEUED))
    queue, ranges = list(tables.queue), ranges_of(tables)
    assert [each.name for each in ranges] == [
        "architecture.latent",
        "architecture.gaussian",
        "beta_1",
    ]
    assert queue == [{"beta_1": 0.25, "architecture.latent": 8}, {"beta_1": 0.5}]
    check_queue(queue, ranges)
    space.check(ranges, get_preset("quick"))


@pytest.mark.parametrize("values", [{"beta_1": 0.6}, {"beta_2": 0.5}, {"beta_1": "high"}])
def test_values_that_no_trial_can_have_are_not_tried_first(values):
    with pytest.raises(InputError, match="cannot be tried first"):
        check_queue([values], [Range("beta_1", 0.0, 0.5)])


def test_penalties_are_reweighted_added_and_removed():
    quick = get_preset("quick")  # has R1 on a quarter of the batch
    assert space.apply(quick, {"r1": 0.1, "r2": 0.2}).penalties == (R1(0.1, fraction=0.25), R2(0.2))
    assert space.apply(quick, {"r1": 0.0}).penalties == ()


def test_margins_reach_every_loss_of_a_schedule():
    preset = space.apply(get_preset("geogan"), {"margin_real": 2.0, "margin_fake": 0.5})
    assert preset.loss_schedule == {0: GeometricHinge(2.0, 0.5), 85: RelativisticAverageHinge(2.0)}


def test_deprecated_names_of_learning_rates_warn_and_work(tmp_path):
    path = written(tmp_path, "[generator_rate]\nlow = 1e-4\nhigh = 1e-2\n")
    with pytest.warns(FutureWarning, match=r"\[generator_rate\] is now"):
        assert ranges_of(read_tables(path)) == [Range("generator_learning_rate", 1e-4, 1e-2)]


@pytest.mark.parametrize("name", PRESETS)
def test_the_default_ranges_fit_presets_with_one_step_of_the_discriminator(name):
    preset = get_preset(name)
    ranges = ranges_of(read_tables())
    if preset.discriminator_steps > 1:
        with pytest.raises(InputError, match="multiples of 5"):
            space.check(ranges, preset)
    else:
        space.check(ranges, preset)


def test_every_suggested_preset_can_be_built():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(3):
        values = space.suggest(study.ask(), ranges_of(read_tables()), get_preset("tiny"))
        gan = build_gan(space.apply(get_preset("tiny"), values), pixels=16, pixel_arcmin=3.0)
        learning_rate = gan.optimizer.generator.learning_rate
        assert float(learning_rate) == pytest.approx(values["generator_learning_rate"])
