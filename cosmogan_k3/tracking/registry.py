"""Models in MLflow: logged with two flavors, registered under a name with an alias, loaded on any backend."""

import shutil
import tempfile
from importlib import metadata
from pathlib import Path

import keras
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import ColSpec, Schema, TensorSpec

import cosmogan_k3
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.gan import serialization
from cosmogan_k3.tracking.runs import use_store

_PACKAGE = Path(cosmogan_k3.__file__).parent
_REQUIREMENTS = ("keras", "mlflow", "numpy", "scipy", "scikit-learn", "matplotlib", "h5py", "tqdm")


def log_gan(gan, *, registered_name="", alias="champion"):
    """Log a GAN to the active run, and register it.

    Args:
        gan: ``GAN``.
        registered_name: str; empty for none.
        alias: str, which moves to the new version.

    Returns:
        MLflow's ``ModelInfo``: ``model_uri``, and ``registered_model_version`` where it was registered.
    """
    info = Model.log(
        None,
        flavor=_Flavor,
        name="model",
        registered_model_name=registered_name or None,
        gan=gan,
    )
    if registered_name and alias:
        mlflow.MlflowClient().set_registered_model_alias(
            registered_name, alias, info.registered_model_version
        )
    return info


class _Flavor:
    """A model folder that ``mlflow.keras`` and ``mlflow.pyfunc`` both load: one ``.keras`` file, nothing pickled."""

    @staticmethod
    def save_model(path, mlflow_model, gan):
        mlflow_model.add_flavor(
            "keras",
            data="data",
            keras_version=keras.__version__,
            keras_backend=keras.backend.backend(),
            save_exported_model=False,
        )
        with tempfile.TemporaryDirectory() as folder:
            # code_paths copies as it is: compiled files and caches stay behind.
            code = shutil.copytree(
                _PACKAGE, Path(folder) / _PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__")
            )
            gan.save(Path(folder) / "model.keras")
            mlflow.pyfunc.save_model(
                path,
                loader_module="cosmogan_k3.tracking.pyfunc",
                data_path=str(Path(folder) / "model.keras"),
                code_paths=[str(code)],
                mlflow_model=mlflow_model,
                signature=signature(gan.pixels, gan.conditioning.names if gan.conditioning else ()),
                input_example=input_example(gan.conditioning),
                pip_requirements=_requirements(),
            )


def signature(pixels, parameters=()):
    """How many maps, a seed and the parameters in, κ out."""
    columns = ColSpec("long", "maps"), ColSpec("long", "seed", required=False)
    return ModelSignature(
        inputs=Schema([*columns, *(ColSpec("double", name) for name in parameters)]),
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, pixels, pixels))]),
    )


def input_example(conditioning=None):
    """One map, of parameters in the middle of what was seen, as a table that MLflow shows and serves."""
    row = {"maps": 1, "seed": 0}
    if conditioning:
        middles = (np.array(conditioning.lowest) + conditioning.highest) / 2
        row |= dict(zip(conditioning.names, middles.tolist(), strict=True))
    return pd.DataFrame([row])


def _requirements():
    names = (*_REQUIREMENTS, keras.backend.backend())
    return [f"{name}=={metadata.version(name).split('+')[0]}" for name in names]


def load_if_any(name, alias):
    """The GAN that has an alias in the registry; None where there is no such name or alias."""
    use_store()
    try:
        mlflow.MlflowClient().get_model_version_by_alias(name, alias)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise InputError(
            f"{mlflow.get_tracking_uri()}: the registry cannot be read ({one_line(error, 200)})"
        ) from error
    return load_gan(f"models:/{name}@{alias}")


def load_gan(uri):
    """Load a GAN from an MLflow URI.

    Raises:
        InputError: no such model in the store.
    """
    use_store()
    try:
        folder = mlflow.artifacts.download_artifacts(uri)
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise InputError(
            f"{uri}: no such model in {mlflow.get_tracking_uri()} ({one_line(error, 200)})"
        ) from error
    return serialization.load_gan(Path(folder) / "data" / "model.keras")
