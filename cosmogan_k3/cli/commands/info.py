"""``cosmogan info``: backend, devices and versions."""

from cosmogan_k3._version import __version__
from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.config import InfoConfig


def run(config: InfoConfig) -> None:
    """Print the versions and the devices in use."""
    use_backend(config.backend)
    import keras

    from cosmogan_k3 import backend

    versions = {
        "cosmogan_k3": __version__,
        "keras": keras.__version__,
        "backend": backend.name,
    }
    for key, value in (versions | backend.describe()).items():
        print(f"{key:12} {value}")
