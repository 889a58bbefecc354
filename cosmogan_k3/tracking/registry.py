"""Models in MLflow: logged with two flavors, registered with an alias, loaded on any backend."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import mlflow
import numpy as np
import pandas as pd
from mlflow.entities.model_registry import ModelVersion
from mlflow.models import Model, ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types.schema import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec
from mlflow.utils.autologging_utils.logging_and_warnings import (
    MlflowEventsAndWarningsBehaviorGlobally,
)

import cosmogan_k3
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.gan import GAN, serialization
from cosmogan_k3.gan.provenance import model_metadata
from cosmogan_k3.maps import Conditioning
from cosmogan_k3.tracking.runs import active_run_id
from cosmogan_k3.tracking.store import use_store

_PACKAGE = Path(cosmogan_k3.__file__).parent
_REQUIREMENTS = (
    *("keras", "mlflow", "numpy", "scipy", "scikit-learn", "matplotlib", "h5py", "tqdm"),
)
# Where the file of a model lies in an MLflow model.
_DATA_FOLDER, _FILE = "data", "model.keras"

_ABOUT = """\
Generators of weak-lensing convergence maps, trained with `cosmogan_k3`.

- `champion`: the best version on the validation maps among those of the same data.
- `challenger`: the newest version that is not.

```python
cosmogan_k3.Emulator.load("models:/{name}@champion").sample(1000, seed=0)
```
"""

_LONGEST_NAME, _LONGEST_ALIAS, _LONGEST_DESCRIPTION = 256, 255, 5000
# Model URIs such as "models:/name@alias" give these characters a meaning of their own.
_RESERVED_CHARACTERS = "/:@?#%"


def check_names(model_name: str, alias: str) -> None:
    """Refuse names that the registry would refuse after the training.

    Parameters
    ----------
    model_name : str
        Of the registered model; empty to register none.
    alias : str
        Empty for the default one.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_names("cosmogan", "champion")
    >>> check_names("cosmogan", "v1")
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: MLflow reserves this alias for versions. Received: 'v1'; ...
    """
    reserved = [c for c in model_name if c in _RESERVED_CHARACTERS or not c.isprintable()]
    if model_name and (reserved or model_name.strip(" .") != model_name):
        raise InputError(
            f"not a name for a model. Received: {model_name!r}; expected a name without any of "
            f"{_RESERVED_CHARACTERS}, and without a space or a dot at its ends",
            parameter="model_name",
        )
    if len(model_name) > _LONGEST_NAME:
        raise InputError(
            f"expected a name of at most {_LONGEST_NAME} characters. Received: {len(model_name)}",
            parameter="model_name",
        )
    if re.fullmatch(r"latest|v\d+", alias, re.IGNORECASE):
        raise InputError(
            f"MLflow reserves this alias for versions. Received: {alias!r}; expected another one, "
            "such as champion",
            parameter="alias",
        )
    if not re.fullmatch(rf"[\w-]{{0,{_LONGEST_ALIAS}}}", alias):
        raise InputError(
            f"not an alias. Received: {alias!r}; expected at most {_LONGEST_ALIAS} letters, "
            "digits, _ and -",
            parameter="alias",
        )


@dataclass(frozen=True)
class ModelCard:
    """What MLflow shows of a model.

    Parameters
    ----------
    description : str
        Markdown: how the model was made, and what was measured.
    tags : mapping of str to str
        Of the model and its registered version.
    epoch : int
        Number of the epoch whose checkpoint the model is; 0 if not known.
    """

    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    epoch: int = 0


def log_gan(
    gan: GAN, *, registered_name: str = "", alias: str = "champion", card: ModelCard | None = None
) -> ModelInfo:
    """Log a GAN to the active run, and register it.

    Parameters
    ----------
    gan : GAN
    registered_name : str
        Empty to register none.
    alias : str
        It moves to the new version.
    card : ModelCard, optional

    Returns
    -------
    ModelInfo
        With ``model_uri`` and ``model_id``, and ``registered_model_version`` if the model was
        registered.
    """
    card = card or ModelCard()
    with _unannounced():
        info = Model.log(
            None,
            flavor=_Flavor,
            name="model",
            registered_model_name=registered_name or None,
            run_id=active_run_id() or None,
            model_type="map generator",
            params={name: str(value) for name, value in model_metadata(gan).items()},
            tags=dict(card.tags),
            step=card.epoch,
            gan=gan,
        )
    if registered_name:
        _describe_version(registered_name, info.registered_model_version, card)
        if alias:
            mlflow.MlflowClient().set_registered_model_alias(
                registered_name, alias, info.registered_model_version
            )
    return info


@contextlib.contextmanager
def _unannounced() -> Iterator[None]:
    """Keep MLflow from printing that it registers a model: the caller says more of it.

    MLflow's own guards switch its messages on again when the last of them ends: this is one.
    """
    with MlflowEventsAndWarningsBehaviorGlobally(
        disable_event_logs=True, disable_warnings=False, reroute_warnings=False
    ):
        yield


def _describe_version(name: str, version: str, card: ModelCard) -> None:
    """Give a version its card, and the registered model a description if it has none."""
    client = mlflow.MlflowClient()
    if card.description:
        client.update_model_version(name, version, card.description[:_LONGEST_DESCRIPTION])
    for key, value in card.tags.items():
        client.set_model_version_tag(name, version, key, value)
    if not client.get_registered_model(name).description:
        client.update_registered_model(name, _ABOUT.format(name=name))


class _Flavor:
    """A model that ``mlflow.keras`` and ``mlflow.pyfunc`` load: one ``.keras`` file, no pickle."""

    @staticmethod
    def save_model(path: str, mlflow_model: Model, gan: GAN) -> None:
        """Write the folder of the model; MLflow calls it."""
        mlflow_model.metadata = model_metadata(gan)
        mlflow_model.add_flavor(
            "keras",
            data=_DATA_FOLDER,
            keras_version=keras.__version__,
            keras_backend=keras.backend.backend(),
            save_exported_model=False,
        )
        names = gan.conditioning.names if gan.conditioning else ()
        with tempfile.TemporaryDirectory() as folder:
            # code_paths copies everything, compiled files and caches too.
            code = shutil.copytree(
                _PACKAGE,
                Path(folder) / _PACKAGE.name,
                ignore=shutil.ignore_patterns("__pycache__"),
            )
            gan.save(Path(folder) / _FILE)
            mlflow.pyfunc.save_model(
                path,
                loader_module="cosmogan_k3.tracking.pyfunc",
                data_path=str(Path(folder) / _FILE),
                code_paths=[str(code)],
                mlflow_model=mlflow_model,
                signature=signature(gan.pixels, names),
                input_example=input_example(gan.conditioning),
                pip_requirements=_requirements(),
            )


def signature(pixels: int, parameters: Sequence[str] = ()) -> ModelSignature:
    """Return the signature: numbers of maps, seeds and parameters in, κ out.

    A request is a table, parameters, or both. A parameter stands for an empty or missing column.

    Parameters
    ----------
    pixels : int
        Side of the maps.
    parameters : sequence of str
        Names of a conditional model's parameters.

    Examples
    --------
    >>> signature(16, ["omega_m"]).inputs.input_names()
    ['maps', 'seed', 'omega_m']
    """
    whole, real = DataType.long, DataType.double
    types = {"maps": whole, "seed": whole, **dict.fromkeys(parameters, real)}
    # The name of the number of maps is that of ``Emulator.sample``.
    params = [ParamSpec(n, whole, d) for n, d in (("n", 1), ("seed", 0), ("pixels", pixels))]
    params += [ParamSpec(name, real, None) for name in parameters]
    return ModelSignature(
        inputs=Schema([ColSpec(kind, name, required=False) for name, kind in types.items()]),
        # Maps of another side are asked for by ``pixels``.
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, -1, -1))]),
        params=ParamSchema(params),
    )


def input_example(conditioning: Conditioning | None = None) -> pd.DataFrame:
    """Return a request for one map, in the middle of the range, which MLflow shows.

    Parameters
    ----------
    conditioning : Conditioning, optional

    Examples
    --------
    >>> input_example().to_dict("records")
    [{'maps': 1, 'seed': 0}]
    """
    row: dict[str, Any] = {"maps": 1, "seed": 0}
    if conditioning:
        middles = (np.array(conditioning.lowest) + conditioning.highest) / 2
        row |= dict(zip(conditioning.names, middles.tolist(), strict=True))
    return pd.DataFrame([row])


def _requirements() -> list[str]:
    """Return the packages that a served model needs, in the versions of this environment."""
    names = (*_REQUIREMENTS, keras.backend.backend())
    return [f"{name}=={metadata.version(name).split('+')[0]}" for name in names]


def version_with_alias(name: str, alias: str) -> ModelVersion | None:
    """Return the version that has an alias, or None if there is no such alias.

    Parameters
    ----------
    name : str
        Of the registered model.
    alias : str

    Raises
    ------
    InputError
        If the registry cannot be read.
    """
    use_store()
    try:
        return mlflow.MlflowClient().get_model_version_by_alias(name, alias)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise InputError(
            f"{mlflow.get_tracking_uri()}: the registry cannot be read ({one_line(error, 200)})"
        ) from error


def data_of_run(run_id: str | None) -> str:
    """Return the SHA-256 of the data of a run; empty if there is no such run or parameter.

    Versions of earlier packages do not record it themselves.

    Parameters
    ----------
    run_id : str or None
    """
    try:
        return mlflow.get_run(run_id).data.params.get("data_fingerprint", "") if run_id else ""
    except mlflow.exceptions.MlflowException:
        return ""


def load_gan(uri: str) -> GAN:
    """Load a GAN from an MLflow URI.

    The model may come from anybody. Only its ``.keras`` file is read, by ``gan.load_gan``. What the
    ``MLmodel`` file declares beside it, such as a SavedModel, a pickle or another path, is not
    followed.

    Parameters
    ----------
    uri : str
        Such as "models:/cosmogan@champion".

    Raises
    ------
    InputError
        If there is no such model in the store, or it is not a GAN of this package.
    """
    use_store()
    try:
        folder = Path(mlflow.artifacts.download_artifacts(uri)).resolve()
    except Exception as error:  # stores and the libraries of their addresses raise anything
        raise InputError(
            f"{uri}: no such model in {mlflow.get_tracking_uri()} ({one_line(error, 200)})"
        ) from error
    path = (folder / _DATA_FOLDER / _FILE).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        raise InputError(f"{uri}: not a model of this package; it has no {_DATA_FOLDER}/{_FILE}")
    try:
        return serialization.load_gan(path)
    except InputError as error:
        raise InputError(f"{uri}: {error}") from error
