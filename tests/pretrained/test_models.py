"""Pretrained models on the backend in use, and the script that makes their files."""

import json

import numpy as np
import pytest

from benchmarks import pretrained
from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import GAN, Sampler, build_gan, load_gan
from cosmogan_k3.gan.sampling import for_sampling
from cosmogan_k3.maps import Conditioning
from cosmogan_k3.pretrained import card, names, read_card
from cosmogan_k3.training.starting_weights import check_start
from tests.pretrained.test_cards import ABOUT

pytestmark = pytest.mark.backend

# The largest difference between backends is some 1e-6 of κ, whose scatter is about 0.015: rounding
# of float32 in the layers. A thousandth of the scatter would be a fault.
BETWEEN_BACKENDS = 1e-5


@pytest.mark.parametrize("name", names())
def test_maps_are_those_on_the_card_on_every_backend(name):
    shipped, emulator = read_card(name), Emulator.load(f"pretrained:{name}")
    assert (emulator.pixels, emulator.pixel_arcmin) == (shipped.pixels, shipped.pixel_arcmin)
    expected = shipped.sample
    kappa = emulator.sample(
        expected["maps"], seed=expected["seed"], parameters=expected["parameters"] or None
    )
    first = kappa[0, 0, : len(expected["first_pixels"])]
    np.testing.assert_allclose(first, expected["first_pixels"], rtol=0, atol=BETWEEN_BACKENDS)
    # Mean and scatter of the same maps: their errors are at most those of the pixels.
    assert kappa.mean(dtype=np.float64) == pytest.approx(expected["mean"], abs=BETWEEN_BACKENDS)
    assert kappa.std(dtype=np.float64) == pytest.approx(expected["std"], abs=BETWEEN_BACKENDS)


@pytest.fixture(scope="module")
def gan():
    return build_gan("tiny", pixels=16, pixel_arcmin=3.0, seed=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory, gan):
    """The folder of a model that the script made from a training's files."""
    folder, run = (tmp_path_factory.mktemp(name) for name in ("pretrained", "run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(card, "FOLDER", folder)
        _make(gan, run)
    return folder


@pytest.fixture
def shipped(made, monkeypatch):
    """The same folder, as that of the package."""
    monkeypatch.setattr(card, "FOLDER", made)
    return made


def _make(gan, run):
    """Write what a training leaves, and make a model of it."""
    (card.FOLDER / "test.toml").write_text(ABOUT)
    # A trained model differs: its averaged generator has other weights, and it is calibrated.
    gan.averaged_generator.set_weights([w * 0.9 for w in gan.averaged_generator.get_weights()])
    gan.save(run / "model.keras")
    settings = dict.fromkeys(pretrained.SETTINGS, 1) | {"power_spectrum_error_mean": 0.5}
    (run / "metrics.json").write_text(
        json.dumps(settings | {"power_spectrum_error_mean_null": 0.25, "pvalue_peaks": 0.5})
    )
    (run / "split.json").write_text('{"train": [0, 1], "validation": [2], "test": [3]}')
    (run / "statistics.csv").write_text(
        "statistic,distance,unit,null_median,null_95,pvalue,corrected_pvalue,agrees\n"
        "peaks,0.5,counts,0.25,0.5,0.01,0.02,False\n"
    )
    pretrained.write(run, "test")


def test_the_script_ships_a_model_that_draws_the_same_maps(shipped, gan):
    small = Emulator.load("pretrained:test")
    # The same weights on the same backend; a compiler may order sums in another way.
    np.testing.assert_allclose(
        small.sample(3, seed=2), Sampler(gan).sample(3, seed=2), rtol=0, atol=1e-6
    )
    test_maps_are_those_on_the_card_on_every_backend("test")
    described = read_card("test")
    assert described.statistics[0]["null_95"] == 0.5
    assert described.evaluation == {
        "power_spectrum_error_mean": 0.5,
        "power_spectrum_error_mean_null": 0.25,
    }
    assert described.training["train_groups"] == 2


def test_a_damaged_or_unknown_model_is_refused(shipped):
    path = shipped / "test.keras"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(InputError, match="damaged") as caught:
        Emulator.load("pretrained:test")
    path.write_bytes(whole)
    assert caught.value.parameter == "model"
    with pytest.raises(InputError, match="expected one of test"):
        Emulator.load("pretrained:nobody")


def test_a_training_cannot_start_from_a_model_for_sampling(shipped):
    with pytest.raises(InputError, match="only draws maps; it has no discriminator") as caught:
        check_start("pretrained:test")
    assert caught.value.parameter == "start"


def test_the_script_wants_what_nothing_can_measure(shipped):
    with pytest.raises(InputError, match="write it first"):
        pretrained.write(shipped, "new")


def test_a_model_for_sampling_is_saved_again_and_not_trained(tmp_path, gan):
    small = for_sampling(gan)
    small.save(tmp_path / "small.keras")
    again = load_gan(tmp_path / "small.keras")
    assert again.discriminator is None
    np.testing.assert_array_equal(Sampler(again).sample(2), Sampler(small).sample(2))
    with pytest.raises(InputError, match="has no discriminator"):
        again.compile("adam", "sgd")


def test_a_conditional_model_keeps_its_parameters():
    conditioning = Conditioning.fit(["sigma_8"], {"sigma_8": np.array([0.6, 0.8, 1.0])})
    gan = build_gan("tiny", pixels=16, pixel_arcmin=3.0, conditioning=conditioning)
    small = for_sampling(gan)
    assert isinstance(small, GAN)
    assert small.conditioning == conditioning
    both = [Sampler(each).sample(2, parameters={"sigma_8": 0.7}) for each in (gan, small)]
    np.testing.assert_allclose(*both, rtol=0, atol=1e-6)
