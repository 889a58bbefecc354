"""Migration: files of the first format draw the maps that they drew, and resume training.

The last version of the first format wrote the files in ``saved_models`` on PyTorch, with the maps
that it drew from them.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import load_gan
from cosmogan_k3.gan.archive import read_archive
from cosmogan_k3.gan.migration import FORMAT, needs_migration
from tests.gan.tiny_gan import tiny_gan, to_numpy

FOLDER = Path(__file__).parent / "saved_models"
PARAMETERS = {"margin": None, "conditional": {"omega_m": 0.3, "w": -1.0}, "deep": None}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_file_of_the_first_format_draws_the_same_maps(name):
    path = FOLDER / f"{name}.keras"
    assert needs_migration(read_archive(path).config)
    found = Emulator.load(path).sample(2, seed=3, parameters=PARAMETERS[name])
    expected = np.load(FOLDER / f"{name}.npy")
    # Backends sum in different orders: float32 rounding, relative to the scatter of the pixels.
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.std())


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_migrated_gan_resumes_training_and_is_saved_in_the_present_format(name, tmp_path, rng):
    gan = load_gan(FOLDER / f"{name}.keras")
    iterations = int(gan.optimizer.iterations)
    assert iterations > 0
    assert any(np.abs(moment).max() > 0 for moment in to_numpy(gan.optimizer.variables[2:]))
    maps = rng.normal(size=(8, 16, 16, 1)).astype("float32")
    conditions = [np.zeros((8, gan.n_conditions), "float32")] if gan.n_conditions else []
    gan.train_on_batch(maps, *conditions)
    assert int(gan.optimizer.iterations) == iterations + 1
    gan.save(tmp_path / "gan.keras")
    assert not needs_migration(read_archive(tmp_path / "gan.keras").config)
    assert load_gan(tmp_path / "gan.keras").get_config()["format"] == FORMAT


def test_scaling_rodriguez_becomes_rational():
    assert load_gan(FOLDER / "deep.keras").scaling.kind == "rational"


def test_filter_and_mapping_move_to_the_calibrator_and_the_crop_becomes_a_margin():
    gan = load_gan(FOLDER / "margin.keras")
    assert gan.latent_space.margin == 8
    assert type(gan.discriminator.get_layer("planes")).__name__ == "AtrousWavelet"
    assert gan.calibrator.mapping is not None
    assert not np.allclose(keras.ops.convert_to_numpy(gan.calibrator.filter.gain), 1)


def test_a_conditional_gan_keeps_its_example_conditions_and_has_film_layers():
    gan = load_gan(FOLDER / "conditional.keras")
    assert gan.calibrator.mapping is None
    assert "FiLM" in {type(layer).__name__ for layer in gan.generator.layers}
    assert np.ptp(keras.ops.convert_to_numpy(gan.example_conditions)) > 0


def test_the_configuration_of_the_first_format_is_refused_with_advice():
    with pytest.raises(InputError, match=r"has format 1, .*Emulator\.load"):
        type(tiny_gan()).from_config({"name": "gan"})


def test_files_that_hold_no_gan_are_refused(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(InputError, match=r"other\.keras: not a GAN of this package"):
        load_gan(tmp_path / "other.keras")
    (tmp_path / "broken.keras").write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"broken\.keras: not a readable model"):
        load_gan(tmp_path / "broken.keras")
