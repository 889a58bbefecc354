"""The classes that a file may name are those that the presets use."""

import keras
import pytest

from cosmogan_k3.gan import PRESETS, allowed_classes, build_gan
from cosmogan_k3.maps import Conditioning

CONDITIONING = Conditioning(("a",), (0.0,), (1.0,), (-1.0,), (1.0,))


def keras_classes(value):
    """Yield module and name of the classes of Keras in a configuration."""
    if isinstance(value, dict):
        if str(value.get("module")).startswith("keras"):
            yield value["module"], value["class_name"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from keras_classes(item)


@pytest.mark.slow
def test_every_architecture_names_allowed_classes_and_every_allowed_class_is_named():
    used = set()
    names = {PRESETS[name].architecture: name for name in PRESETS}  # one preset of each
    for architecture, name in names.items():
        conditioning = CONDITIONING if architecture.conditional else None
        gan = build_gan(name, pixels=16, pixel_arcmin=3.0, conditioning=conditioning)
        model = keras.saving.serialize_keras_object(gan)
        allowed_classes.check_classes(model)
        used |= set(keras_classes(model))
    allowed = {(m, name) for m, names in allowed_classes._KERAS_CLASSES.items() for name in names}
    # The first format used one more layer, for the crop.
    assert allowed - used == {("keras.layers", "Cropping2D")}
