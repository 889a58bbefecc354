"""Which array of a file is read: by name, never the first by chance."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cosmogan_k3.errors import InputError

_CONVERGENCE = ("kappa", "convergence")
# Parts of names of what lies beside convergence maps: masks, shear, errors, other fields.
_OTHER = re.compile(
    "mask|footprint|coverage|weight|flag|error|uncertain|varian|deviat|covar|gamma|shear"
    "|ellip|spin|deflect|potential|magnif|densit|temperat|bmode"
)
# The same, as whole words: "std" is one, "stdlib" holds none. Digits end words: "g1" is "g".
_OTHER_WORDS = {
    *("err", "std", "var", "rms", "cov", "ivar", "wht", "wgt", "hit", "hits", "count", "counts"),
    *("noise", "eps", "psi", "phi", "alpha", "delta", "ngal", "tsz", "cmb"),
}
_SHEAR = re.compile("(?:gamma|shear|g)_?([12])")
_OTHER_LETTERS = ("e", "g", "q", "u")  # "e1", "g2"; but "kappa_E" is convergence


@dataclass(frozen=True)
class Request:
    """What is asked of a file.

    Parameters
    ----------
    field : str, default ""
        Name of the array; empty to choose by name.
    external : bool, default False
        Whether an HDF5 file may take data from other files.
    kind : {"convergence", "mask"}, default "convergence"
        What the array holds.
    full_sky : bool, default False
        Whether the array is a HEALPix map of the whole sky, with one axis.

    Examples
    --------
    >>> Request().pick({"kappa": 3, "gamma1": 3}, Path("maps.npz"))
    'kappa'
    """

    field: str = ""
    external: bool = False
    kind: Literal["convergence", "mask"] = "convergence"
    full_sky: bool = False

    def pick(self, dimensions: Mapping[str, int], path: Path) -> str:
        """Return the name of the array to read.

        Parameters
        ----------
        dimensions : mapping of str to int
            Number of axes of each array of the file.
        path : Path
            The file, for the error message.

        Returns
        -------
        str
            The array that was asked for. Without such a wish: "kappa" or "convergence", or the
            only array of such a name ("kappa_z1"), or the only array with two or three axes (of a
            full sky: one), if it is not named as something else.

        Raises
        ------
        InputError
            No array, or more than one, can be meant.

        Examples
        --------
        >>> Request().pick({"data": 3, "redshift": 1}, Path("maps.npz"))
        'data'
        """
        if self.field:
            return _named(self.field, dimensions, path)
        axes = (1,) if self.full_sky else (2, 3)
        candidates = [name for name, ndim in dimensions.items() if ndim in axes]
        if self.kind == "mask":
            found = [name for name in candidates if "mask" in name.lower()] or candidates
        else:
            exact = [name for name in dimensions if name.lower() in _CONVERGENCE]
            found = exact or [name for name in candidates if _is_convergence(name)]
            found = found or candidates
        if len(found) == 1 and (self.kind == "mask" or not named_otherwise(found[0])):
            return found[0]
        raise InputError(self._refusal(found, dimensions, path), parameter=self._parameter)

    @property
    def _parameter(self) -> str:
        return "mask" if self.kind == "mask" else "field"

    def _refusal(self, found: list[str], dimensions: Mapping[str, int], path: Path) -> str:
        held = f"Received: {_listed(dimensions)}"
        if self.kind == "mask":
            return f"{path}: expected one array with a mask. {held}"
        if len(found) == 1:
            return (
                f"{path}: {found[0]!r} is not named as convergence, and it is all that the file "
                f"holds. If it is convergence, name it. {held}"
            )
        if found:
            held += ". Name the array to read"
        axes = "one axis" if self.full_sky else "two or three axes"
        return (
            f"{path}: expected an array named 'kappa' or 'convergence', or only one with {axes}. "
            f"{held}"
        )


BY_NAME = Request()


def _named(field: str, dimensions: Mapping[str, int], path: Path) -> str:
    if field in dimensions:
        return field
    alike = [name for name in dimensions if name.lower() == field.lower()]
    if len(alike) != 1:
        raise InputError(
            f"{path}: holds no array {field!r}. Received: {_listed(dimensions)}", parameter="field"
        )
    return alike[0]


def _listed(names: Mapping[str, int], limit: int = 12) -> str:
    shown = sorted(names)[:limit]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(shown) + more or "no array"


def _words(name: str) -> list[str]:
    return re.findall("[a-z]+", name.lower())


def _is_convergence(name: str) -> bool:
    words = _words(name)
    return any(word.startswith(_CONVERGENCE) for word in words) and not named_otherwise(name)


def quantity_of(name: str) -> str:
    """Return which quantity an array holds: "gamma1" or "gamma2" if its name says so, else "kappa".

    A name that says nothing of shear was accepted as convergence, by name or by wish.

    Parameters
    ----------
    name : str
        Of an array; of a path in a file, only the last part counts.

    Returns
    -------
    str

    Examples
    --------
    >>> [quantity_of(name) for name in ("GAMMA1", "sky/shear_2", "g1", "TEMPERATURE", "")]
    ['gamma1', 'gamma2', 'gamma1', 'kappa', 'kappa']
    """
    shear = _SHEAR.fullmatch(name.rpartition("/")[2].lower())
    return f"gamma{shear[1]}" if shear else "kappa"


def named_otherwise(name: str) -> bool:
    """Return whether a name says that an array is no convergence.

    Parameters
    ----------
    name : str
        Of an array or a file; of a path in a file, only the last part counts.

    Returns
    -------
    bool

    Examples
    --------
    >>> [named_otherwise(name) for name in ("gamma1", "kappa_mask", "kappa_E", "maps")]
    [True, True, False, False]
    """
    last = name.rpartition("/")[2].lower()
    words = _words(last)
    if _OTHER.search(last) or not _OTHER_WORDS.isdisjoint(words):
        return True
    if len(words) == 1:
        return words[0] in _OTHER_LETTERS
    return words[-1:] == ["b"]  # "kappa_B" has the B modes
