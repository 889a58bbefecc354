"""The classes that a model file may name; all others are refused before Keras looks for them."""

from typing import Any

import keras

from cosmogan_k3.errors import InputError

_PACKAGE = "cosmogan_k3"
_GAN = f"{_PACKAGE}>GAN"

# By the names under which Keras saves them: the classes that the architectures in ``gan`` use, now
# or in an earlier version.
_KERAS_CLASSES = {
    "keras": {"DTypePolicy"},
    "keras.initializers": {"Ones", "Zeros"},
    "keras.layers": {
        *("Activation", "Add", "AveragePooling2D", "Concatenate"),
        *("Cropping2D", "Dense", "Dot", "Flatten", "GlobalAveragePooling2D", "InputLayer"),
        *("LeakyReLU", "ReLU", "Reshape"),
    },
    "keras.optimizers": {"Adam"},
    "keras.optimizers.schedules": {"PolynomialDecay"},
    "keras.src.models.functional": {"Functional"},
}
# How Keras writes the input of a layer: a shape and the name of another layer.
_TENSOR = "__keras_tensor__"


def check_classes(model: dict[str, Any]) -> None:
    """Refuse a serialized model that is no GAN, or that names classes of other packages.

    Keras imports what a configuration names, calls functions by their name, and runs the code of a
    Lambda layer where its safe mode is off. Here nothing is left to it but the classes of this
    package and harmless layers of Keras.

    Parameters
    ----------
    model : dict
        Configuration of a ``.keras`` file.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_classes({"module": "os", "class_name": "function", "config": "system"})
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: not a GAN of this package. Received: 'function'
    """
    if model.get("registered_name") != _GAN:
        raise InputError(
            f"not a GAN of this package. Received: {model.get('class_name')!r}",
        )
    own = _own_classes()
    queue: list[Any] = [model]  # no recursion: a file may be nested to any depth
    while queue:
        value = queue.pop()
        if isinstance(value, list):
            queue += value
        elif isinstance(value, dict):
            if "class_name" in value and not _is_allowed(value, own):
                name = f"{value.get('module')}.{value['class_name']}"
                raise InputError(
                    f"its configuration names {name[:100]!r}, a class that models of this package "
                    "do not use; nothing of it was run"
                )
            queue += value.values()


def _own_classes() -> set[str]:
    """Return the names under which the classes of this package are registered with Keras."""
    return {
        name
        for name, registered in keras.saving.get_custom_objects().items()
        if registered.__module__.startswith(f"{_PACKAGE}.")
    }


def _is_allowed(entry: dict[str, Any], own: set[str]) -> bool:
    module, name = entry.get("module"), entry["class_name"]
    registered = entry.get("registered_name")
    if not isinstance(name, str):
        return False
    if name == _TENSOR:
        return set(entry) == {"class_name", "config"}
    if registered == f"{_PACKAGE}>{name}":
        return registered in own
    return name in _KERAS_CLASSES.get(str(module), ()) and registered in (None, name)
