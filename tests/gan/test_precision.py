"""Networks that compute features in bfloat16 train as those in float32 do.

bfloat16 has 8 bits: one rounding is up to 0.4 %, and a feature is the result of some ten. The
losses of the first four steps are of order 1 and may differ by 5 %.
"""

from dataclasses import replace

import keras
import numpy as np
import pytest

from cosmogan_k3.errors import InputError
from cosmogan_k3.gan import DeepConvolutional, get_preset, load_gan
from cosmogan_k3.gan.precision import building_in, map_dtype
from tests.gan.tiny_gan import TINY, fit, tiny_gan, to_numpy

DEEP = replace(
    get_preset("geogan"),
    architecture=DeepConvolutional(
        latent=8,
        channels=(16, 8),
        generator_norm="virtual",
        reference_size=4,
        minibatch_kernels=64,
    ),
    batch_size=8,
)

INTEGERS = ("int32", "int64", "uint32")  # counts of steps, and the state of random numbers


def trained(preset, maps):
    """Return a GAN after four steps, and the losses of each."""
    gan = tiny_gan(preset, seed=3)
    losses = []
    record = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: losses.append(
            [float(logs[name]) for name in ("discriminator_loss", "generator_loss")]
        )
    )
    fit(gan, maps, callbacks=[record])
    return gan, np.array(losses)


@pytest.mark.parametrize("preset", [TINY, pytest.param(DEEP, marks=pytest.mark.slow)])
def test_bfloat16_follows_float32(preset, maps, tmp_path):
    _, expected = trained(preset, maps)
    gan, losses = trained(replace(preset, precision="bfloat16"), maps)
    np.testing.assert_allclose(losses, expected, rtol=0.05, atol=0.05)
    assert not np.array_equal(losses, expected)

    # Weights and optimizers have float32, so has every layer that makes maps.
    assert {v.dtype for v in (*gan.weights, *gan.optimizer.variables)} <= {"float32", *INTEGERS}
    dtypes = {layer.name: layer.compute_dtype for layer in gan.generator.layers}
    assert dtypes["map"] == "float32"
    assert "bfloat16" in dtypes.values()

    # The file holds weights and precision; the loaded model draws the same maps.
    gan.save(tmp_path / "gan.keras")
    loaded = load_gan(tmp_path / "gan.keras")
    for ours, theirs in zip(to_numpy(gan.weights), to_numpy(loaded.weights), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    latents = gan.latent_space.draw(3, seed=1)
    drawn = gan.network_maps(latents)
    assert drawn.dtype == np.float32
    assert np.isfinite(drawn).all()
    # One rounding of a feature in another order.
    np.testing.assert_allclose(loaded.network_maps(latents), drawn, atol=0.01 * drawn.std())


def test_only_layers_built_in_a_precision_have_it():
    before = keras.config.dtype_policy().name
    with building_in("bfloat16"):
        assert map_dtype() == "float32"
        assert keras.layers.Dense(1).compute_dtype == "bfloat16"
    with building_in("float32"):
        assert keras.config.dtype_policy().name == before
    assert keras.config.dtype_policy().name == before


def test_other_precisions_are_refused():
    """The scaling of losses for float16 would treat both optimizers as one."""
    with pytest.raises(InputError, match="expected float32 or bfloat16"):
        tiny_gan(replace(TINY, precision="float16"))
