"""Requests for maps as rows of a table, as the service and MLflow's pyfunc take them."""

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cosmogan_k3.errors import InputError

if TYPE_CHECKING:
    from cosmogan_k3.gan.gan import GAN

# Pixels of one request: 1,024 maps of 64². As JSON they are 90 MB.
LARGEST_REQUEST = 2**22
MOST_ROWS = 1_000
_LARGEST_SEED = 2**53 - 1  # numbers of JSON are exact up to here


@dataclass(frozen=True)
class Draw:
    """Maps of one seed and one set of parameters.

    Parameters
    ----------
    count : int
        Number of maps.
    seed : int
    parameters : mapping of str to float, or None
        Of a conditional model.
    """

    count: int
    seed: int
    parameters: Mapping[str, float] | None = None


def parse_rows(columns: Sequence[Any], rows: Iterable[Sequence[Any]], gan: "GAN") -> list[Draw]:
    """Return what the rows of a table ask for.

    Parameters
    ----------
    columns : sequence of str
        "maps", optionally "seed", and the parameters of a conditional model.
    rows : iterable of sequences
        An empty seed is 0.
    gan : GAN

    Raises
    ------
    InputError
        If a column is missing, unknown or given twice, a number is not a number or not whole,
        parameters lie outside their range, or the request is too large.

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> parse_rows(["maps"], [[3]], build_gan("tiny", pixels=16, pixel_arcmin=3.0))
    [Draw(count=3, seed=0, parameters=None)]
    """
    names = gan.conditioning.names if gan.conditioning else ()
    _check_columns(columns, names)
    draws: list[Draw] = []
    left = LARGEST_REQUEST // gan.pixels**2
    for number, values in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise InputError(f"expected at most {MOST_ROWS} rows; send several requests")
        if not isinstance(values, (list, tuple)) or len(values) != len(columns):
            raise InputError(f"row {number}: expected {len(columns)} values, one a column")
        row = dict(zip(columns, values, strict=True))
        draw = Draw(
            _whole(row["maps"], "maps", number, 1, LARGEST_REQUEST),
            _whole(row.get("seed"), "seed", number, 0, _LARGEST_SEED, empty=0),
            {name: _real(row[name], name, number) for name in names} or None,
        )
        if gan.conditioning:
            gan.conditioning.conditions_of(draw.parameters, 1)  # refuses a value out of range
        left -= draw.count
        if left < 0:
            raise InputError(
                f"expected at most {LARGEST_REQUEST // gan.pixels**2} maps of {gan.pixels} pixels "
                "in a request; send several, with other seeds, or use cosmogan generate"
            )
        draws.append(draw)
    if not draws:
        raise InputError("expected at least one row. Received: none")
    return draws


def _check_columns(columns: Sequence[Any], names: Sequence[str]) -> None:
    expected = ["maps", "seed", *names]
    if unknown := [str(name)[:50] for name in columns if name not in expected]:
        raise InputError(
            f"unknown columns: {', '.join(unknown[:5])}; expected {', '.join(expected)}"
        )
    if missing := [name for name in ("maps", *names) if name not in columns]:
        raise InputError(f"missing columns: {', '.join(missing)}")
    if len(set(columns)) < len(columns):
        raise InputError("a column is given twice")


def _real(value: Any, name: str, row: int) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(f"row {row}: {name} must be a number. Received: {str(value)[:50]!r}")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _whole(
    value: Any, name: str, row: int, lowest: int, highest: int, *, empty: int | None = None
) -> int:
    is_empty = value is None or (isinstance(value, float) and math.isnan(value))
    if is_empty and empty is not None:
        return empty
    number = _real(value, name, row)
    if not (number.is_integer() and lowest <= number <= highest):
        raise InputError(
            f"row {row}: {name} must be a whole number from {lowest} to {highest}. "
            f"Received: {str(value)[:50]}"
        )
    return int(value)
