"""The units of a FITS file: headers and lengths, checked before any data are read."""

import functools
import math
import warnings
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from cosmogan_k3.maps.io.stored import Buffer, Coding, RawArray

RECORD = 2880  # bytes; header and data of a unit fill whole records
_CARD = 80
_HEADER_BYTES = 2**22  # no header is as long as that
_DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
# BZERO of the convention for integers of the other sign; the values are exact integers.
_OTHER_SIGN = {8: -(2**7), 16: 2**15, 32: 2**31, 64: 2**63}
_OTHER_SIGN_DTYPES = {8: "i1", 16: "u2", 32: "u4", 64: "u8"}


@dataclass(frozen=True)
class Unit:
    """Header and place of the data of one unit.

    Parameters
    ----------
    number : int
        0 for the primary unit.
    header : astropy.io.fits.Header
    start, size : int
        First byte of the data, and their number, without padding.

    Examples
    --------
    >>> from astropy.io import fits
    >>> Unit(0, fits.PrimaryHDU(np.zeros((4, 4), "f4")).header, 2880, 64).shape
    (4, 4)
    """

    number: int
    header: Any
    start: int
    size: int

    @property
    def is_image(self) -> bool:
        """Whether the unit holds a plain image."""
        return bool(self.size) and (not self.number or self.header["XTENSION"] == "IMAGE")

    @property
    def is_compressed(self) -> bool:
        """Whether the unit holds an image that is compressed in tiles."""
        return self.header.get("ZIMAGE") is True

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image."""
        prefix = "Z" if self.is_compressed else ""
        return _axes(self.header, prefix)[::-1]

    @property
    def name(self) -> str:
        """``EXTNAME``, or the type of the image (``ITYPE``, LensTools), or nothing."""
        return str(self.header.get("EXTNAME") or self.header.get("ITYPE") or "").strip()

    def array(self, buffer: Buffer) -> RawArray:
        """Return the image.

        Parameters
        ----------
        buffer : callable
            Opens the bytes of the file.

        Returns
        -------
        RawArray
        """
        stored = np.dtype(_DTYPES[self.header["BITPIX"]])
        return RawArray(buffer, self.start, self.shape, stored, coding=_coding(self.header))


def read_units(file: IO[bytes], length: int) -> list[Unit]:
    """Read all headers of a FITS file; the units must fill the file.

    Parameters
    ----------
    file : binary file
    length : int
        Its length in bytes.

    Returns
    -------
    list of Unit

    Raises
    ------
    ValueError
        A damaged header, or units that are longer or shorter than the file.

    Examples
    --------
    >>> import io
    >>> from astropy.io import fits
    >>> file = io.BytesIO()
    >>> fits.PrimaryHDU(np.zeros((4, 4), "f4")).writeto(file)
    >>> [unit.size for unit in read_units(file, len(file.getvalue()))]
    [64]
    """
    units: list[Unit] = []
    end = 0
    while end < length:
        file.seek(end)
        header = _read_header(file)
        size = _data_size(header, primary=not units)
        units.append(Unit(len(units), header, file.tell(), size))
        end = file.tell() + -(-size // RECORD) * RECORD
    if end != length or not units:
        raise ValueError(
            f"the headers describe {end} bytes. Received: {length} bytes; the file is cut, or "
            "damaged"
        )
    expected, found = units[0].header.get("NMAPS"), sum(unit.is_image for unit in units)
    if expected is not None and expected != found:
        raise ValueError(f"{expected} maps were written. Received: {found}")
    return units


def _read_header(file: IO[bytes]) -> Any:
    """Read and check one header; the file is then at the first byte of the data."""
    from astropy.io import fits

    text, end = b"", -1
    while end < 0:
        record = file.read(RECORD)
        if len(record) < RECORD or len(text) > _HEADER_BYTES:
            raise ValueError("a header does not end; the file is cut or damaged")
        starts = range(0, RECORD, _CARD)
        end = next((i for i in starts if record[i : i + _CARD].rstrip() == b"END"), -1)
        text += record
    if not text.isascii() or not text.decode("ascii").isprintable():
        raise ValueError("a header has bytes that are not text; the file is damaged")
    after = len(text) - RECORD + end + _CARD
    if text[after:].strip():
        raise ValueError("a header has text after its end; the file is damaged")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        header = fits.Header.fromstring(text.decode("ascii"))
    for start in range(0, after - _CARD, _CARD):
        # Not ``card.image`` of the header, which is mended where it is damaged.
        _check_card(text[start : start + _CARD].decode("ascii"))
    return header


@functools.lru_cache(maxsize=4096)  # the images of a set have the same cards but for a few
def _check_card(image: str) -> None:
    """Raise an error where astropy would warn, or would mend the card."""
    from astropy.io import fits

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if not image.startswith("CONTINUE"):  # of a long text, which is no card by itself
            card = fits.Card.fromstring(image)
            card.verify("exception")
            _ = card.value  # is parsed here


def _data_size(header: Any, *, primary: bool) -> int:
    """Return the bytes of data that a header describes, once its mandatory cards are checked."""
    first = header.cards[0] if len(header) else None
    if primary and not (first and first.keyword == "SIMPLE" and first.value is True):
        raise ValueError("this is no FITS file: it does not begin with SIMPLE = T")
    if not primary and not (first and first.keyword == "XTENSION"):
        raise ValueError("a header does not begin with XTENSION; the file is damaged")
    bitpix, axes = header.get("BITPIX"), _axes(header)
    if bitpix not in _DTYPES:
        raise ValueError(f"BITPIX is {bitpix!r}; the file is damaged")
    keywords = [card.keyword for card in header.cards[1 : len(axes) + 3]]
    if keywords != ["BITPIX", "NAXIS", *(f"NAXIS{i + 1}" for i in range(len(axes)))]:
        raise ValueError("the mandatory keywords of a header are not in order")
    groups, parameters = header.get("GCOUNT", 1), header.get("PCOUNT", 0)
    if header.get("GROUPS") is True or groups != 1 or not _is_count(parameters):
        raise ValueError("random groups are not read")
    if not axes:
        return 0
    return abs(int(bitpix)) // 8 * (parameters + math.prod(axes))


def _axes(header: Any, prefix: str = "") -> tuple[int, ...]:
    naxis = header.get(f"{prefix}NAXIS")
    if not _is_count(naxis) or naxis > len(header):
        raise ValueError(f"{prefix}NAXIS is {naxis!r}; the file is damaged")
    axes = tuple(header.get(f"{prefix}NAXIS{i + 1}") for i in range(naxis))
    if not all(_is_count(length) for length in axes):
        raise ValueError(f"the lengths of the axes are {axes}; the file is damaged")
    return axes


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _coding(header: Any) -> Coding | None:
    """Return how stored numbers become values; None if they are the values."""
    bitpix, blank = header["BITPIX"], header.get("BLANK")
    scale, zero = (_finite(header, "BSCALE", 1.0), _finite(header, "BZERO", 0.0))
    if not scale:
        raise ValueError("BSCALE is 0; the file is damaged")
    if bitpix < 0:  # BLANK has no meaning for floats
        blank = None
    elif blank is not None and not (isinstance(blank, int) and not isinstance(blank, bool)):
        raise ValueError(f"BLANK is {blank!r}; expected an integer")
    # Integers without a scale stay integers, also where some of them are blank: they are counts.
    if (scale, zero) == (1, _OTHER_SIGN.get(bitpix)):
        return Coding(scale, zero, None, np.dtype(_OTHER_SIGN_DTYPES[bitpix]))
    if (scale, zero) == (1, 0):
        return None
    return Coding(scale, zero, blank, np.dtype(np.float64))


def _finite(header: Any, keyword: str, default: float) -> float:
    value = header.get(keyword, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{keyword} is {value!r}; expected a number")
    return float(value)
