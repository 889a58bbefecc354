"""The tables of a file of ranges, as TOML has them; read before a backend is imported."""

import tomllib
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Tables:
    """What a file of ranges holds.

    Parameters
    ----------
    path : Path
        Of the file, for messages.
    ranges : dict of str to Any
        The table of each parameter, by its name; not checked yet.
    queue : tuple of dict of str to Any
        Values that are tried first.
    """

    path: Path
    ranges: dict[str, Any]
    queue: tuple[dict[str, Any], ...]


def read_tables(path: PathLike | None = None) -> Tables:
    """Read the tables of a file; one of fields of the architecture is a table for each.

    Parameters
    ----------
    path : path, optional
        The default ranges if none is given.

    Returns
    -------
    Tables

    Raises
    ------
    InputError
        If there is no such file, it is no TOML, a table has the name of no parameter, or values to
        be tried first are no tables.

    Examples
    --------
    >>> read_tables().ranges["beta_1"]["low"]
    0.0
    """
    path = Path(path or DEFAULT_RANGES)
    try:
        tables = flat(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"{path}: not a readable file of ranges ({one_line(error, 200)})", parameter="ranges"
        ) from error
    queue = tables.pop(QUEUE, [])
    for name in tables.keys() - set(DEPRECATED):
        try:
            check_parameter(name)
        except InputError as error:
            raise InputError(f"{path}: [{name}] {error}", parameter="ranges") from error
    if not isinstance(queue, list) or not all(isinstance(values, dict) for values in queue):
        raise InputError(
            f"{path}: expected tables [[{QUEUE}]] of parameters and values. "
            f"Received: {queue!s:.60}",
            parameter="ranges",
        )
    return Tables(path, tables, tuple(flat(values) for values in queue))


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
