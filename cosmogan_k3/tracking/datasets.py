"""The sets of maps of a training, as MLflow lists them beside the run."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.data.schema import TensorDatasetSchema
from mlflow.types.schema import Schema, TensorSpec

from cosmogan_k3.maps import MapSet, Splits

# From the names of the parts to what MLflow calls the use of a data set.
CONTEXTS = {"train": "training", "validation": "validation", "test": "test"}
_DIGITS = 16  # of the digest, of which MLflow takes 36

# Name, digest, source, schema and profile of a set, and its context: strings.
DatasetRecord = dict[str, str]


def describe_sets(splits: Splits, parameters: Mapping[str, Any]) -> list[DatasetRecord]:
    """Describe the parts of a split as data sets of MLflow.

    Parameters
    ----------
    splits : Splits
    parameters : mapping of str to Any
        What the run records: ``data`` and ``data_fingerprint`` and, of simulated maps, those whose
        names begin with ``simulation.``. The digest of a part follows from the fingerprint of the
        whole set and the maps in the part.

    Returns
    -------
    list of dict

    Examples
    --------
    >>> from cosmogan_k3.maps import split_by_map
    >>> maps = MapSet(np.zeros((20, 8, 8), "float32"), 2.0)
    >>> made = {"data": "sky/maps.h5", "data_fingerprint": maps.fingerprint()}
    >>> [(each["name"], each["context"]) for each in describe_sets(split_by_map(maps), made)]
    [('maps.h5', 'training'), ('maps.h5', 'validation'), ('maps.h5', 'test')]
    """
    if data := parameters.get("data"):
        source = {"source_type": "local", "source": json.dumps({"uri": str(Path(data).resolve())})}
    else:
        settings = {k: str(v) for k, v in parameters.items() if k.startswith("simulation.")}
        source = {"source_type": "code", "source": json.dumps({"tags": settings})}
    parts = {part: getattr(splits, part) for part in CONTEXTS}
    return [
        {
            "name": data_name(parameters),
            **source,
            **_content(maps, parameters["data_fingerprint"]),
            "context": CONTEXTS[part],
        }
        for part, maps in parts.items()
        if maps is not None
    ]


def data_name(parameters: Mapping[str, Any]) -> str:
    """Return the name of the maps of a run: their file or folder, or how they were simulated.

    Parameters
    ----------
    parameters : mapping of str to Any
        As for ``describe_sets``.

    Examples
    --------
    >>> data_name({"data": "sky/maps.h5"}), data_name({"simulation.method": "nbody"})
    ('maps.h5', 'nbody')
    """
    data = parameters.get("data")
    return Path(data).resolve().name if data else parameters.get("simulation.method", "maps")


def _content(maps: MapSet, fingerprint: str) -> DatasetRecord:
    digest = hashlib.sha256(fingerprint.encode())
    digest.update(np.asarray(maps.map_id, np.int64).tobytes())
    shape = (-1, maps.pixels, maps.pixels)
    schema = TensorDatasetSchema(Schema([TensorSpec(np.dtype(np.float32), shape, "kappa")]))
    profile = {
        "num_rows": len(maps),
        "num_elements": len(maps) * maps.pixels**2,
        "pixel_arcmin": maps.pixel_arcmin,
        "field_deg": maps.field_deg,
        "units": len(np.unique(maps.map_id)),
        "parameters": sorted(maps.parameters),
    }
    return {
        "digest": digest.hexdigest()[:_DIGITS],
        "schema": json.dumps(schema.to_dict()),
        "profile": json.dumps(profile),
    }
