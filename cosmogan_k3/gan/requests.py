"""Requests for maps: rows of a table and parameters, as the service and MLflow's pyfunc take."""

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


@dataclass(frozen=True)
class Request:
    """What a request asks for.

    Parameters
    ----------
    draws : tuple of Draw
    pixels : int
        Side of all maps.
    """

    draws: tuple[Draw, ...]
    pixels: int


def parse_request(
    columns: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    gan: "GAN",
    params: Mapping[str, Any] | None = None,
) -> Request:
    """Return what the rows of a table and the parameters beside it ask for.

    Parameters
    ----------
    columns : sequence of str
        "maps", "seed", and the parameters of a conditional model.
    rows : iterable of sequences
        Without columns and rows, the parameters alone are the request.
    gan : GAN
    params : mapping of str to Any, optional
        What a row does not say: "n" (number of maps), "seed" (0 by default), and the parameters of
        a conditional model. "pixels" is the side of all maps, by default that of the training.

    Raises
    ------
    InputError
        If a column or parameter is missing, unknown or given twice, a number is not a number or not
        whole, parameters lie outside their range, the generator cannot draw maps of this side, or
        the request is too large.

    Examples
    --------
    >>> from cosmogan_k3.gan import build_gan
    >>> parse_request(["maps"], [[3]], build_gan("tiny", pixels=16, pixel_arcmin=3.0)).draws
    (Draw(count=3, seed=0, parameters=None),)
    """
    names = gan.conditioning.names if gan.conditioning else ()
    defaults, pixels = _defaults(params or {}, names, gan)
    _check_columns(columns, names, defaults)
    rows = [()] if params and not columns and not (rows := list(rows)) else rows
    draws: list[Draw] = []
    most = left = LARGEST_REQUEST // pixels**2
    for number, values in enumerate(rows, start=1):
        if number > MOST_ROWS:
            raise InputError(f"expected at most {MOST_ROWS} rows; send several requests")
        if not isinstance(values, (list, tuple)) or len(values) != len(columns):
            raise InputError(f"row {number}: expected {len(columns)} values, one a column")
        given = dict(zip(columns, values, strict=True))
        row = defaults | {name: value for name, value in given.items() if not _is_empty(value)}
        draws.append(_draw(row, names, f"row {number}"))
        if gan.conditioning:  # refuses a value out of range
            gan.conditioning.conditions_of(draws[-1].parameters, 1)
        left -= draws[-1].count
        if left < 0:
            raise InputError(
                f"expected at most {most} maps of {pixels} pixels in a request; send several, with "
                "other seeds, or use cosmogan generate"
            )
    if not draws:
        raise InputError("expected at least one row. Received: none")
    return Request(tuple(draws), pixels)


def _defaults(
    params: Mapping[str, Any], names: Sequence[str], gan: "GAN"
) -> tuple[dict[str, Any], int]:
    """Return what a row does not have to say, and the side of the maps."""
    expected = ["n", "seed", "pixels", *names]
    if unknown := [str(name)[:50] for name in params if name not in expected]:
        raise InputError(
            f"unknown parameters: {', '.join(unknown[:5])}; expected {', '.join(expected)}"
        )
    given = {name: value for name, value in params.items() if not _is_empty(value)}
    defaults = {"seed": 0} | {name: given[name] for name in ("seed", *names) if name in given}
    if "n" in given:
        defaults["maps"] = given["n"]
    largest = math.isqrt(LARGEST_REQUEST)
    pixels = _whole(given.get("pixels", gan.pixels), "pixels", 1, largest)
    gan.latent_space.shapes_for(pixels)  # refuses a side that the generator cannot draw
    return defaults, pixels


def _draw(row: Mapping[str, Any], names: Sequence[str], where: str) -> Draw:
    return Draw(
        _whole(row.get("maps"), f"{where}: maps", 1, LARGEST_REQUEST),
        _whole(row["seed"], f"{where}: seed", 0, _LARGEST_SEED),
        {name: _real(row.get(name), f"{where}: {name}") for name in names} or None,
    )


def _check_columns(
    columns: Sequence[Any], names: Sequence[str], defaults: Mapping[str, Any]
) -> None:
    expected = ["maps", "seed", *names]
    if unknown := [str(name)[:50] for name in columns if name not in expected]:
        raise InputError(
            f"unknown columns: {', '.join(unknown[:5])}; expected {', '.join(expected)}"
        )
    if missing := [name for name in expected if name not in {*columns, *defaults}]:
        raise InputError(f"missing columns: {', '.join(missing)}")
    if len(set(columns)) < len(columns):
        raise InputError("a column is given twice")


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _real(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(f"{what} must be a number. Received: {str(value)[:50]!r}")
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _whole(value: Any, what: str, lowest: int, highest: int) -> int:
    number = _real(value, what)
    if not (number.is_integer() and lowest <= number <= highest):
        raise InputError(
            f"{what} must be a whole number from {lowest} to {highest}. Received: {str(value)[:50]}"
        )
    return int(value)
