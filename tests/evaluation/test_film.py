"""Films: their colours, their frames and their size."""

import numpy as np
import pytest
from PIL import Image

from cosmogan_k3.evaluation.film import film_frame, write_film


def test_a_frame_shows_each_pixel_on_one_colour_scale():
    maps = np.arange(32.0).reshape(2, 4, 4)
    frame = np.asarray(film_frame([maps, maps[::-1]], lowest=0, highest=31))
    assert frame.shape == (2 * 128 + 2, 2 * 128 + 2)
    # The first row of a map is at the bottom, as in the figures.
    assert frame[127, 0] == 0
    assert frame[0, 127] == 63 * 15 // 31
    assert frame[130, 127] == 63  # the last map is in the second row, on the left
    assert (frame[:128, 128:130] == 0).all()  # the gap
    clipped = np.asarray(
        film_frame([np.array([[[np.nan, -9.0], [99.0, 0.0]]])], lowest=0, highest=1)
    )
    assert set(np.unique(clipped)) == {0, 63}


def test_large_maps_are_averaged_over_blocks():
    maps = np.random.default_rng(0).normal(size=(1, 512, 512))
    frame = np.asarray(film_frame([maps], lowest=-1, highest=1))
    assert frame.shape == (128, 128)
    expected = 63 * (maps[0, :4, :4].mean() + 1) / 2
    assert frame[-1, 0] == pytest.approx(expected, abs=1)


def test_a_film_repeats_and_is_small(tmp_path):
    """Sixty frames of eight maps of 64² are below 6 MB, whatever the maps: noise packs worst."""
    rng = np.random.default_rng(0)
    frames = [
        film_frame(rng.normal(size=(2, 4, 64, 64)), lowest=-2, highest=2, text=f"epoch {epoch}")
        for epoch in range(6)
    ]
    write_film(tmp_path / "film.gif", frames)
    film = Image.open(tmp_path / "film.gif")
    assert (film.n_frames, film.info["loop"]) == (6, 0)
    assert film.size == frames[0].size
    assert (tmp_path / "film.gif").stat().st_size < 6e6 * 6 / 60
    film.seek(1)
    assert np.asarray(film.convert("RGB")).mean() > 0
