"""The tables of a file of ranges, as TOML has them; read before a backend is imported."""

import tomllib
from pathlib import Path
from typing import Any

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError, one_line

DEFAULT_RANGES = Path(__file__).with_name("ranges.toml")

# Parameters that are fields of ``Preset``.
PRESET_FIELDS = (
    "generator_learning_rate",
    "discriminator_learning_rate",
    "final_learning_rate_factor",
    "beta_1",
    "beta_2",
    "batch_size",
    "average_decay",
    "spectral_weight",
    "feature_weight",
)
# Fields of a loss that a parameter sets.
MARGINS = {"margin_real": ("margin_real", "margin"), "margin_fake": ("margin_fake",)}
# Followed by a field of the preset's architecture.
ARCHITECTURE = "architecture."

PARAMETERS = (
    *PRESET_FIELDS,
    *("loss", *MARGINS),
    *("r1", "r2", "wasserstein_penalty"),
    "width",
)

# Tables of values that are tried first.
QUEUE = "enqueue"

DEPRECATED = {
    "generator_rate": "generator_learning_rate",
    "discriminator_rate": "discriminator_learning_rate",
    "final_rate": "final_learning_rate_factor",
}


def read_tables(path: PathLike | None = None) -> dict[str, Any]:
    """Read the tables of a file; one of fields of the architecture is a table for each.

    Parameters
    ----------
    path : path, optional
        The default ranges if none is given.

    Returns
    -------
    dict
        The tables by the names of their parameters, and ``QUEUE``.

    Raises
    ------
    InputError
        If there is no such file, it is no TOML, or a table has the name of no parameter.

    Examples
    --------
    >>> read_tables()["beta_1"]["low"]
    0.0
    """
    path = Path(path or DEFAULT_RANGES)
    try:
        tables = flat(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"{path}: not a readable file of ranges ({one_line(error, 200)})", parameter="ranges"
        ) from error
    for name in tables.keys() - {QUEUE, *DEPRECATED}:
        try:
            check_parameter(name)
        except InputError as error:
            raise InputError(f"{path}: [{name}] {error}", parameter="ranges") from error
    return tables


def flat(tables: dict[str, Any]) -> dict[str, Any]:
    """Return tables in which ``[architecture.latent]`` has its whole name.

    Examples
    --------
    >>> flat({"architecture": {"latent": 3}, "width": 1})
    {'architecture.latent': 3, 'width': 1}
    """
    found: dict[str, Any] = {}
    for name, table in tables.items():
        nested = name + "." == ARCHITECTURE and isinstance(table, dict)
        found |= (
            {ARCHITECTURE + key: each for key, each in table.items()} if nested else {name: table}
        )
    return found


def check_parameter(name: str) -> None:
    """Refuse a name that no parameter of a study has.

    Examples
    --------
    >>> check_parameter("width")
    """
    if name not in PARAMETERS and not name.startswith(ARCHITECTURE):
        raise InputError(
            f"Unknown parameter. Received: {name!r}; expected one of "
            f"{', '.join(PARAMETERS)}, {ARCHITECTURE}…",
            parameter="ranges",
        )
