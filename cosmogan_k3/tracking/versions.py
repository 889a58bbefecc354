"""What a run records of the software and the machine."""

import contextlib
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from cosmogan_k3._version import __version__

_PACKAGES = ("keras", "jax", "tensorflow", "torch", "numpy", "scipy", "mlflow", "optuna")


def version_tags() -> dict[str, str]:
    """Return the versions of packages and code, and the machine.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> version_tags()["version.mlflow"].split(".")[0]
    '3'
    """
    tags = {
        "cosmogan_k3": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    for package in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            tags[f"version.{package}"] = metadata.version(package)
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        tags["git_commit"] = done.stdout.strip()
    return tags
