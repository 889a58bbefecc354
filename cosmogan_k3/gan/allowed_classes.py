"""The classes that a model file may name; all others are refused before Keras looks for them."""

from typing import Any

import keras

from cosmogan_k3.errors import InputError

_GAN = "cosmogan_k3>GAN"

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
    """Refuse a serialized model that is no GAN, or that names classes of unknown origin.

    Keras imports what a configuration names, calls functions by their name, and runs the code of a
    Lambda layer where its safe mode is off. Here nothing is left to it but harmless layers of Keras
    and classes that are registered with Keras in this process: those of this package, and those of
    a user, whose code runs already. Keras finds these by their registered names; no module is
    imported.

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
    queue: list[Any] = [model]  # no recursion: a file may be nested to any depth
    while queue:
        value = queue.pop()
        if isinstance(value, list):
            queue += value
        elif isinstance(value, dict):
            if "class_name" in value and not _is_allowed(value):
                raise InputError(_refusal(value))
            queue += value.values()


def _is_allowed(entry: dict[str, Any]) -> bool:
    name, registered = entry["class_name"], entry.get("registered_name")
    if not isinstance(name, str):
        return False
    if name == _TENSOR:
        return set(entry) == {"class_name", "config"}
    of_keras = name in _KERAS_CLASSES.get(str(entry.get("module")), ())
    return (of_keras and registered in (None, name)) or _is_registered(registered, name)


def _is_registered(registered: Any, name: str) -> bool:
    """Return whether Keras knows a class of this name, so that it looks for no module."""
    found = isinstance(registered, str) and keras.saving.get_registered_object(registered)
    return isinstance(found, type) and found.__name__ == name


def _refusal(entry: dict[str, Any]) -> str:
    """Return why an entry is refused and, if it may be a user's class, how she registers it."""
    name = f"{entry.get('module')}.{entry['class_name']}"[:80]
    reason = (
        f"its configuration names {name!r}, a class that models of this package do not use; "
        "nothing of it was run"
    )
    registered = entry.get("registered_name")
    if not isinstance(registered, str):
        return reason
    return (
        f"{reason}. If it is yours, register {registered[:50]!r} before you load the file, with "
        "keras.saving.register_keras_serializable"
    )
