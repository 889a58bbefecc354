"""Paths through latents and through parameters: closed, even, and from the model's own range."""

import keras
import numpy as np
import pytest
from PIL import Image

from cosmogan_k3.cli.main import main
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import Sampler
from cosmogan_k3.gan.interpolation import latent_path, parameter_path
from cosmogan_k3.maps import Conditioning
from tests.gan.tiny_gan import tiny_gan

NAMES = ("omega_m", "sigma_8")
RANGES = {"omega_m": np.array([0.2, 0.4]), "sigma_8": np.array([0.6, 1.0])}


@pytest.fixture(scope="module")
def gan():
    return tiny_gan(seed=1)


@pytest.fixture(scope="module")
def conditional():
    return tiny_gan(seed=1, conditioning=Conditioning.fit(NAMES, RANGES))


def test_a_path_is_closed_and_leads_through_samples(gan):
    frames = np.stack(list(latent_path(gan, 16, paths=2, seed=3)))
    stations = Sampler(gan).sample(8, seed=3).reshape(4, 2, 16, 16)
    # The batch has another size, with which kernels may round differently.
    np.testing.assert_allclose(frames[::4], stations, atol=1e-5)
    steps = np.abs(np.diff(frames, axis=0, append=frames[:1])).mean(axis=(1, 2, 3))
    assert steps.max() < 3 * steps.mean()  # the last frame is as near to the first


def test_parameters_swing_over_their_range_in_turn(conditional):
    maps, values = parameter_path(conditional, 16, paths=2)
    frames = list(maps)
    assert len(frames) == len(values) == 16
    omega_m, sigma_8 = (np.array([value[name] for value in values]) for name in NAMES)
    assert (omega_m.min(), omega_m.max()) == pytest.approx((0.2, 0.4))
    assert (sigma_8.min(), sigma_8.max()) == pytest.approx((0.6, 1.0))
    assert (sigma_8[:8] == sigma_8[0]).all()
    assert sigma_8[0] == omega_m[8] + 0.5 == pytest.approx(0.8)
    _, fixed = parameter_path(conditional, 4, parameters={"omega_m": 0.25})
    assert {value["omega_m"] for value in fixed} == {0.25}


def test_what_cannot_move_is_refused(gan, conditional):
    with pytest.raises(InputError, match="does not depend on parameters"):
        parameter_path(gan, 4)
    with pytest.raises(InputError, match="leave out at least one"):
        parameter_path(conditional, 4, parameters={"omega_m": 0.3, "sigma_8": 0.8})
    with pytest.raises(InputError, match="not conditioned"):
        latent_path(gan, 4, parameters={"omega_m": 0.3})


def test_the_command_writes_a_film(conditional, tmp_path, capsys):
    conditional.save(tmp_path / "model.keras")
    model, backend = str(tmp_path / "model.keras"), keras.backend.backend()
    command = ["generate", "--model", model, "--backend", backend]
    path = tmp_path / "film.gif"
    assert main([*command, "--film", "parameters", "--out", str(path)]) == 0
    assert f"{path}: a film of 60 frames" in capsys.readouterr().out
    assert 40 < Image.open(path).n_frames <= 60  # Pillow joins equal frames
    assert main([*command, "--film", "latents", "--out", str(path)]) == 2  # it is there already
