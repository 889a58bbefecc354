"""Patches that tile the sky, against the pixels of a HEALPix map."""

import healpy
import numpy as np
import pytest
from astropy.wcs import WCS
from scipy.spatial.transform import Rotation

from cosmogan_k3.maps.tiling import gnomonic_directions, tile_sky


def holders(field_deg, nside=64):
    """Count the patches that hold each pixel, with the projection written out once more."""
    vectors = np.array(healpy.pix2vec(nside, np.arange(healpy.nside2npix(nside))))
    half = np.deg2rad(field_deg) / 2
    counts = np.zeros(vectors.shape[1], int)
    for longitude, latitude in np.deg2rad(tile_sky(field_deg)):
        about_z = Rotation.from_euler("z", -longitude)
        about_y = Rotation.from_euler("y", latitude)
        depth, east, north = (about_y * about_z).apply(vectors.T).T
        counts += (depth > 0) & (abs(east) < half * depth) & (abs(north) < half * depth)
    return counts


@pytest.mark.parametrize(("field_deg", "covered"), [(5, 0.93), (10, 0.88), (30, 0.70)])
def test_patches_cover_the_sky_and_never_overlap(field_deg, covered):
    counts = holders(field_deg)
    assert counts.max() == 1
    assert counts.mean() > covered


def test_small_patches_cover_the_sky_by_their_area():
    """Area is preserved to 1/cos³ of 0.7 degrees, 0.02 %."""
    assert len(tile_sky(1.0)) / 41252.96 == pytest.approx(0.987, abs=1e-3)


def test_the_plane_touches_at_the_centre_with_east_and_north_in_place():
    centre = np.array([30.0, 50.0])
    x, y = np.deg2rad([0.0, 3.0, 0.0]), np.deg2rad([0.0, 0.0, 3.0])
    longitude, latitude = healpy.vec2ang(gnomonic_directions(x, y, centre).T, lonlat=True)
    assert longitude[0] == pytest.approx(30)
    assert latitude[0] == pytest.approx(50)
    assert longitude[1] > 30
    # On the meridian an angle of arctan(x) belongs to a distance x.
    assert longitude[2] == pytest.approx(30)
    assert latitude[2] == pytest.approx(50 + np.rad2deg(np.arctan(np.deg2rad(3.0))))


def test_the_projection_is_that_of_astropy():
    """FITS has the gnomonic projection as TAN; its x grows to the west."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [210.0, -40.0]
    wcs.wcs.cdelt, wcs.wcs.crpix = [1.0, 1.0], [1.0, 1.0]
    x, y = np.meshgrid(np.arange(-4.0, 5.0), np.arange(-4.0, 5.0))
    expected = wcs.wcs_pix2world(np.column_stack([x.ravel(), y.ravel()]), 0)
    found = gnomonic_directions(np.deg2rad(x), np.deg2rad(y), np.array([210.0, -40.0]))
    longitude, latitude = healpy.vec2ang(found.reshape(3, -1).T, lonlat=True)
    np.testing.assert_allclose(np.column_stack([longitude, latitude]), expected, atol=1e-9)
