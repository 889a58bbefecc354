"""What ``pip install cosmogan_k3`` leaves out: frameworks and what trainings and studies need."""

import importlib.util
import os
import sys

# Keras runs on the first of these that is installed, unless KERAS_BACKEND says otherwise.
BACKENDS = ("jax", "tensorflow", "torch")

# Packages that come with each backend: the extra networks.
WITH_BACKEND = (
    *("keras", "mlflow", "optuna", "pandas", "psutil", "rich", "sqlalchemy", "starlette"),
    *("tenacity", "uvicorn"),
)


def installed_backend() -> str:
    """Return the first backend that is installed; JAX if none is, whose absence Keras reports.

    Examples
    --------
    >>> installed_backend() in BACKENDS
    True
    """
    return next((name for name in BACKENDS if importlib.util.find_spec(name)), BACKENDS[0])


def choose_backend() -> None:
    """Let Keras run on what is installed, if nobody has chosen and Keras is not imported yet.

    Left alone, Keras takes TensorFlow and fails without it. TensorFlow shall not chat.
    """
    if "keras" not in sys.modules and not os.environ.get("KERAS_BACKEND"):
        os.environ["KERAS_BACKEND"] = installed_backend()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors alone


def explained(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Return an error that says how to install a package of an extra; others stay as they are.

    Parameters
    ----------
    error : ModuleNotFoundError

    Examples
    --------
    >>> print(explained(ModuleNotFoundError("No module named 'jax'", name="jax")))
    this needs jax, which is not installed: ... pip install 'cosmogan_k3[jax]'
    """
    package = (error.name or "").partition(".")[0]
    if package in BACKENDS:
        extra = package
    elif package in WITH_BACKEND:
        extra = os.environ.get("KERAS_BACKEND") or BACKENDS[0]
    else:
        return error
    return ModuleNotFoundError(
        f"this needs {package}, which is not installed: trained models, trainings and studies "
        f"need a backend; pip install 'cosmogan_k3[{extra}]'",
        name=error.name,
    )
