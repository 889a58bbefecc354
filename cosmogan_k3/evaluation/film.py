"""Films of maps, as animated GIFs of bounded size."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from cosmogan_k3._typing import FloatMaps, PathLike
from cosmogan_k3.maps.io.atomic import replacing

# Frames of a film at most, the side in pixels from which its maps are averaged over blocks, and
# its colours, which are few so that frames pack: eight maps of 64² take 40 kB.
MOST_FRAMES = 60
_LARGEST_SIDE = 128
_COLOURS = 64
# Side on the screen that smaller maps are enlarged to, and space between maps.
_SCREEN = 128
_GAP = 2
_TEXT_HEIGHT = 20

# Darkest and brightest colour, of background and text.
_DARK, _BRIGHT = 0, _COLOURS - 1


def film_frame(
    rows: Sequence[FloatMaps], *, lowest: float, highest: float, text: str = ""
) -> Image.Image:
    """Draw rows of maps, and a line of text below them.

    Parameters
    ----------
    rows : sequence of float array (k, N, N)
        κ; each row has as many maps of the same side.
    lowest, highest : float
        Ends of the colour scale in κ.
    text : str, default ""
        In ASCII.

    Returns
    -------
    PIL.Image.Image
        Of mode "P": its palette is the colour scale.

    Examples
    --------
    >>> frame = film_frame([np.zeros((3, 16, 16))], lowest=-1, highest=1, text="epoch 1")
    >>> frame.mode, frame.size
    ('P', (388, 148))
    """
    strips = [np.concatenate(list(map(_pixels, _indices(row, lowest, highest))), 1) for row in rows]
    picture = np.concatenate(strips)[:, :-_GAP]
    strip = np.full((_TEXT_HEIGHT if text else 0, picture.shape[1]), _DARK, np.uint8)
    image = Image.fromarray(np.concatenate([picture[:-_GAP], strip]), mode="P")
    colours = mpl.colormaps["inferno"](np.linspace(0, 1, _COLOURS), bytes=True)[:, :3]
    image.putpalette(colours.astype(np.uint8).tobytes())
    if text:
        font = ImageFont.load_default(13)
        place = (4, image.height - _TEXT_HEIGHT + 2)
        ImageDraw.Draw(image).text(place, text, fill=_BRIGHT, font=font)
    return image


def _indices(maps: FloatMaps, lowest: float, highest: float) -> NDArray[np.uint8]:
    """Return maps as indices of the colour scale, averaged over blocks if they are large."""
    side = maps.shape[1]
    block = -(-side // _LARGEST_SIDE)
    kept = side - side % block
    blocks = maps[:, :kept, :kept].reshape(len(maps), kept // block, block, kept // block, block)
    scaled = (blocks.mean(axis=(2, 4)) - lowest) / (highest - lowest)
    return np.asarray(_BRIGHT * np.clip(np.nan_to_num(scaled), 0, 1)).astype(np.uint8)


def _pixels(indices: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarge a map, its first row lowest, and leave a gap to its right and below it."""
    factor = max(1, _SCREEN // len(indices))
    enlarged = np.kron(indices[::-1], np.ones((factor, factor), np.uint8))
    return np.pad(enlarged, ((0, _GAP), (0, _GAP)), constant_values=_DARK)


def write_film(path: PathLike, frames: Sequence[Image.Image], *, seconds: float = 8.0) -> None:
    """Write frames as a GIF that repeats, whole or not at all.

    Parameters
    ----------
    path : str or Path
    frames : sequence of PIL.Image.Image
        As ``film_frame`` returns them, on one colour scale.
    seconds : float, default 8
        Length of the film; a frame lasts between 0.05 and 0.5 seconds, and the last one longer.

    Raises
    ------
    InputError
        The folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> frames = [
    ...     film_frame([np.full((1, 16, 16), level)], lowest=0, highest=2) for level in (0.5, 1.5)
    ... ]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_film(folder + "/film.gif", frames)
    ...     with Image.open(folder + "/film.gif") as film:
    ...         film.n_frames
    2
    """
    lasts = round(1000 * min(0.5, max(0.05, seconds / len(frames))))
    with replacing(path) as partial:
        frames[0].save(
            partial,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=[lasts] * (len(frames) - 1) + [max(lasts, 1500)],
            loop=0,
        )
