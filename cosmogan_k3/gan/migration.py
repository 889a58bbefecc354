"""Migration of model files of the first format, whose generator held the calibrator."""

import io
import re
from dataclasses import replace
from typing import Any

import h5py

from cosmogan_k3.gan.archive import Contents

# Format of the files that this version writes. The second format had no provenance.
FORMAT = 3
READABLE_FORMATS = (2, FORMAT)

_RENAMED_CLASSES = {"Modulation": "FiLM", "ScalePlanes": "AtrousWavelet"}
# Groups of weights bear the class names in snake case.
_RENAMED_GROUPS = {"modulation": "fi_lm", "scale_planes": "atrous_wavelet"}
_RENAMED_SCALINGS = {"rodriguez": "rational"}
_CALIBRATOR_GROUPS = {"spectral_filter": "filter", "quantile_mapping": "mapping"}
_REMOVED_LAYERS = ("filter", "quantiles", "crop")


def needs_migration(model: dict[str, Any]) -> bool:
    """Return whether a serialized model is a GAN of the first format.

    Parameters
    ----------
    model : dict
        Configuration of a ``.keras`` file.
    """
    return model.get("registered_name") == "cosmogan_k3>GAN" and "format" not in model["config"]


def migrate(contents: Contents) -> Contents:
    """Return what a file of the first format holds, in the present one.

    The filter and the quantile mapping move from the averaged generator to the calibrator, the
    crop becomes the margin of the latent space, and renamed classes get their new names. Weights,
    optimizers and random state stay the same.

    Parameters
    ----------
    contents : Contents
        For whose configuration ``needs_migration`` is true.
    """
    return replace(
        contents,
        config=_migrated_config(contents.config),
        weights=_migrated_weights(contents.weights),
    )


def _migrated_config(model: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of the whole model."""
    model = _with_renamed_classes(model)
    old = model["config"]
    generator, kind = old["generator"]["config"], old["scaling"]["kind"]
    names = [layer["config"]["name"] for layer in generator["layers"]]
    new = {
        "format": FORMAT,
        "name": old["name"],
        "generator": {**old["generator"], "config": _without_layers(generator, _REMOVED_LAYERS)},
        "discriminator": old["discriminator"],
        "latent_space": {
            "shapes": old["latent_shapes"],
            "pixels": old["pixels"],
            "margin": old["margin"],
        },
        "scaling": old["scaling"] | {"kind": _RENAMED_SCALINGS.get(kind, kind)},
        "calibrator": _calibrator_config(old["pixels"], names) if "filter" in names else None,
    }
    same = ("pixel_arcmin", "reference_size", "average_decay", "spectral_weight", "seed")
    return model | {"config": new | {key: old[key] for key in (*same, "conditioning")}}


def _calibrator_config(pixels: int, names: list[str]) -> dict[str, Any]:
    return {
        "module": "cosmogan_k3.gan.calibrator",
        "class_name": "Calibrator",
        "config": {
            "name": "calibrator",
            "trainable": True,
            "dtype": "float32",
            "pixels": pixels,
            "quantile_mapping": "quantiles" in names,
        },
        "registered_name": "cosmogan_k3>Calibrator",
    }


def _with_renamed_classes(value: Any) -> Any:
    """Return a configuration with new class names and without removed options."""
    if isinstance(value, list):
        return [_with_renamed_classes(item) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: _with_renamed_classes(item) for key, item in value.items()}
    if value.get("class_name") in _RENAMED_CLASSES:
        name = _RENAMED_CLASSES[value["class_name"]]
        value |= {"class_name": name, "registered_name": f"cosmogan_k3>{name}"}
    if value.get("class_name") == "MinibatchDiscrimination":
        value["config"].pop("channels_first")
    return value


def _without_layers(network: dict[str, Any], removed: tuple[str, ...]) -> dict[str, Any]:
    """Return the configuration of a functional model without some layers of one input each."""
    source: dict[str, list[Any]] = {}  # from a removed layer's name to the history of its input
    for layer in network["layers"]:
        if layer["config"]["name"] in removed:
            history = layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"]
            source[layer["config"]["name"]] = source.get(history[0], history)
    kept = [layer for layer in network["layers"] if layer["config"]["name"] not in removed]
    return network | {"layers": _rewired(kept, source)}


def _rewired(value: Any, source: dict[str, list[Any]]) -> Any:
    """Replace the history of tensors that removed layers made by that of their inputs."""
    if isinstance(value, list):
        return [_rewired(item, source) for item in value]
    if not isinstance(value, dict):
        return value
    value = {key: _rewired(item, source) for key, item in value.items()}
    if (history := value.get("keras_history")) and history[0] in source:
        value["keras_history"] = source[history[0]]
    return value


def _migrated_weights(data: bytes) -> bytes:
    """Return the HDF5 file of weights with its groups at their new places."""
    buffer = io.BytesIO()
    with h5py.File(io.BytesIO(data), "r") as old, h5py.File(buffer, "w") as new:
        new.attrs.update(old.attrs)

        def copy(name: str, item: h5py.Group | h5py.Dataset) -> None:
            path = _new_path(name)
            if path is None:
                return
            if isinstance(item, h5py.Dataset):
                new.create_dataset(path, data=item[()])
            else:
                new.require_group(path).attrs.update(item.attrs)

        old.visititems(copy)
    return buffer.getvalue()


def _new_path(name: str) -> str | None:
    """Return the new place of a group or data set; None for what is gone."""
    parts = name.split("/")
    if len(parts) > 2 and parts[1] == "layers" and parts[2] in _CALIBRATOR_GROUPS:
        if parts[0] == "averaged_generator":
            return "/".join(["calibrator", _CALIBRATOR_GROUPS[parts[2]], *parts[3:]])
        return None
    return "/".join(_renamed_group(part) for part in parts)


def _renamed_group(part: str) -> str:
    stem = re.sub(r"_\d+$", "", part)
    return _RENAMED_GROUPS.get(stem, stem) + part[len(stem) :]
