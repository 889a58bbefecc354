"""Frozen dataclasses that Keras writes into a saved model and reads back."""

from dataclasses import asdict
from typing import Any, Self, TypeVar

import keras

_Class = TypeVar("_Class", bound=type)


class SerializableDataclass:
    """Mix-in for dataclasses whose fields are their Keras configuration.

    Examples
    --------
    >>> from cosmogan_k3.nn.losses import GeometricHinge
    >>> GeometricHinge(margin_real=0.5).get_config()
    {'margin_real': 0.5, 'margin_fake': 1.0}
    """

    def get_config(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)  # type: ignore[call-overload]  # mypy: the mix-in is no dataclass

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return an object with the fields of ``config``."""
        return cls(**config)


def register(cls: _Class) -> _Class:
    """Register a class with Keras under the package name ``cosmogan_k3``.

    Saved models then find the class by its name, wherever its module lies.

    Parameters
    ----------
    cls : type
        Class with ``get_config`` and ``from_config``.

    Returns
    -------
    type
        The same class.

    Examples
    --------
    >>> import keras
    >>> from cosmogan_k3.nn.losses import GeometricHinge
    >>> keras.saving.get_registered_name(GeometricHinge)
    'cosmogan_k3>GeometricHinge'
    """
    return keras.saving.register_keras_serializable(package="cosmogan_k3")(cls)
