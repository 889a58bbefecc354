"""Small frozen dataclasses that Keras writes into a saved model and reads back."""

from dataclasses import asdict

import keras


class SerializableDataclass:
    """Mix-in: a dataclass whose fields are its Keras configuration."""

    def get_config(self):
        return asdict(self)

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def register(cls):
    """Class decorator: make Keras find the class under the package's name."""
    return keras.saving.register_keras_serializable(package="cosmogan_k3")(cls)
