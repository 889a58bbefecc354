"""Model cards: which models come with the package, and what is known of each."""

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmogan_k3.errors import InputError

# The folder of the models.
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Card:
    """What is known of a pretrained model.

    Parameters
    ----------
    name : str
        As in ``pretrained:NAME``.
    title, data, licence : str
        What the model draws, what it was trained on, and under which terms it may be used.
    source_redshift : float
    cosmology : dict of str to float
        Of the training maps.
    limits : list of str
        Where not to trust the maps, one sentence each.
    sha256 : str
        Of the model file.
    n_bytes : int
        Its size.
    pixels : int
        Side of the training maps.
    pixel_arcmin : float
        Side of a pixel in arcmin.
    parameters : dict of str to [float, float]
        Names and ranges of a conditional model's parameters.
    training : dict of str to str, int or float
        Numbers of maps and boxes, preset, epochs, seed, backend and versions.
    evaluation : dict of str to float
        Means and maxima over scales, each with its null.
    statistics : list of dict
        Rows of ``statistics.csv``: name, distance, its null, corrected p-value.
    sample : dict
        Parameters, a seed, a number of maps, their mean and standard deviation, and pixels of the
        first one.
    """

    name: str
    title: str
    data: str
    licence: str
    source_redshift: float
    cosmology: dict[str, float]
    limits: list[str]
    sha256: str
    n_bytes: int
    pixels: int
    pixel_arcmin: float
    parameters: dict[str, list[float]]
    training: dict[str, Any]
    evaluation: dict[str, float]
    statistics: list[dict[str, Any]]
    sample: dict[str, Any]


def names() -> list[str]:
    """Return the names of the models that come with the package, in alphabetical order.

    Examples
    --------
    >>> all(read_card(name).name == name for name in names())
    True
    """
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_card(name: str) -> Card:
    """Read the card of a model.

    Parameters
    ----------
    name : str

    Raises
    ------
    InputError
        If there is no model of this name.

    Examples
    --------
    >>> read_card("nobody")
    Traceback (most recent call last):
    cosmogan_k3.errors.InputError: no pretrained model has this name. Received: 'nobody'; ...
    """
    if name not in names():
        raise InputError(
            f"no pretrained model has this name. Received: {name!r}; expected one of "
            f"{', '.join(names()) or '(none in this version)'}"
        )
    about = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    measured = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return Card(name=name, **about, **measured)


def model_file(name: str) -> Path:
    """Return the file of a model, after checking it against its card.

    Parameters
    ----------
    name : str

    Raises
    ------
    InputError
        If there is no model of this name, or its file is missing or changed.
    """
    card, path = read_card(name), FOLDER / f"{name}.keras"
    if not path.is_file():
        raise InputError(f"{path}: no such file; install the package again")
    if hashlib.sha256(path.read_bytes()).hexdigest() != card.sha256:
        raise InputError(
            f"{path}: damaged: its SHA-256 is not the one on its card; install the package again"
        )
    return path
