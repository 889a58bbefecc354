"""Full skies cut into flat patches."""

import healpy
import numpy as np
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import SkyCut, cut_sky, cut_stream, read_maps, split_by_map, write_maps
from cosmogan_k3.maps.tiling import tile_sky
from cosmogan_k3.statistics import power_spectrum

NSIDE = 64


def directions(nside=NSIDE, nest=False):
    return np.array(healpy.pix2vec(nside, np.arange(12 * nside**2), nest=nest))


def save(path, sky):
    np.save(path, np.asarray(sky, "float32"))
    return path


def test_a_point_at_the_centre_of_a_patch_lands_in_the_middle(tmp_path):
    """A pixel of the sky has sides of 14 arcmin, one of a patch 57 arcmin."""
    centres = tile_sky(20.0)
    for number in (0, len(centres) // 2, len(centres) - 1):
        sky = np.zeros(12 * 256**2)
        sky[healpy.ang2pix(256, *centres[number], lonlat=True)] = 1
        maps = cut_sky(save(tmp_path / "sky.npy", sky), SkyCut(pixels=21, field_deg=20.0))
        assert maps.kappa[number, 10, 10] == pytest.approx(maps.kappa.sum())
        assert maps.kappa[number, 10, 10] > 0


@pytest.mark.parametrize("sampling", ["mean", "interpolate"])
def test_rows_run_to_the_north_and_columns_to_the_east(tmp_path, sampling):
    """A dipole is linear in the coordinates of the plane, divided by the distance to its points."""
    axis = np.array([0.3, -0.5, 0.8])
    path = save(tmp_path / "sky.npy", axis @ directions())
    maps = cut_sky(path, SkyCut(pixels=8, field_deg=10.0, sampling=sampling))
    plane = np.deg2rad(10.0) * ((np.arange(8) + 0.5) / 8 - 0.5)
    y, x = np.meshgrid(plane, plane, indexing="ij")
    for (longitude, latitude), kappa in zip(np.deg2rad(tile_sky(10.0)), maps.kappa, strict=True):
        out = np.cos(latitude) * np.array([np.cos(longitude), np.sin(longitude), 0])
        out[2] = np.sin(latitude)
        east = np.array([-np.sin(longitude), np.cos(longitude), 0])
        north = np.cross(out, east)
        expected = (axis @ out + x * (axis @ east) + y * (axis @ north)) / np.sqrt(1 + x**2 + y**2)
        # A sky that is constant in a pixel is off by half a pixel, 0.5 degrees, times the slope 1.
        tolerance = 0.01 if sampling == "mean" else 1e-3
        np.testing.assert_allclose(kappa, expected, atol=tolerance)


def test_ring_and_nested_order_give_the_same_patches(tmp_path, rng):
    ring = rng.normal(size=12 * NSIDE**2).astype("float32")
    cut = SkyCut(pixels=8, field_deg=20.0)
    expected = cut_sky(save(tmp_path / "ring.npy", ring), cut).kappa
    path = save(tmp_path / "nested.npy", healpy.reorder(ring, r2n=True))
    found = cut_sky(path, SkyCut(pixels=8, field_deg=20.0, ordering="nested")).kappa
    np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(cut_sky(path, cut).kappa, expected)


def test_interpolation_is_that_of_healpy(tmp_path, rng):
    sky = rng.normal(size=12 * NSIDE**2).astype("float32")
    cut = SkyCut(pixels=5, field_deg=20.0, sampling="interpolate")
    maps = cut_sky(save(tmp_path / "sky.npy", sky), cut)
    for centre, kappa in zip(tile_sky(20.0), maps.kappa, strict=True):
        expected = healpy.get_interp_val(sky, *centre, lonlat=True)
        assert kappa[2, 2] == pytest.approx(expected, abs=1e-6)


def test_all_patches_of_a_sky_stay_together(tmp_path, rng):
    for number in range(4):
        save(tmp_path / f"sky{number}.npy", rng.normal(size=12 * 16**2))
    maps = cut_sky(tmp_path, SkyCut(pixels=4, field_deg=30.0))
    assert np.unique(maps.map_id).tolist() == [0, 1, 2, 3]
    splits = split_by_map(maps, seed=0)
    sides = [set(part.map_id.tolist()) for part in (splits.train, splits.validation, splits.test)]
    assert sum(len(side) for side in sides) == 4


def test_a_folder_of_cosmologies_is_a_set_with_parameters(tmp_path, rng):
    for omega_m in (0.2, 0.3):
        sky = save(tmp_path / "sky.npy", rng.normal(size=12 * 16**2))
        out = tmp_path / "patches" / f"{omega_m}.h5"
        arguments = ["--pixels", "4", "--field-deg", "30", "--parameters", f"omega_m={omega_m}"]
        assert cli.main(["cut", "--sky", str(sky), "--out", str(out), *arguments, "--quiet"]) == 0
    maps = read_maps(tmp_path / "patches")
    assert maps.map_id.tolist() == [0] * 36 + [1] * 36
    assert maps.parameters["omega_m"].tolist() == [0.2] * 36 + [0.3] * 36


def test_patches_with_missing_pixels_are_left_out(tmp_path, rng):
    south = directions()[2] < 0
    sky = rng.normal(size=12 * NSIDE**2).astype("float32")
    cut = SkyCut(pixels=8, field_deg=10.0)
    whole = cut_sky(save(tmp_path / "whole.npy", sky), cut)
    partial = cut_sky(save(tmp_path / "seen.npy", np.where(south, healpy.UNSEEN, sky)), cut)
    north = tile_sky(10.0)[:, 1] > 5.1  # half a patch
    assert len(partial) == pytest.approx(north.sum(), abs=0)
    np.testing.assert_array_equal(partial.kappa, whole.kappa[north])
    mask = healpy.reorder((~south).astype("float32"), r2n=True)
    healpy.write_map(tmp_path / "mask.fits", mask, nest=True, dtype=np.float32)
    masked = SkyCut(pixels=8, field_deg=10.0, mask=str(tmp_path / "mask.fits"))
    np.testing.assert_array_equal(cut_sky(tmp_path / "whole.npy", masked).kappa, partial.kappa)


def test_a_sky_with_fewer_pixels_than_the_first_is_refused(tmp_path):
    sky = np.arange(12.0 * 16**2)
    save(tmp_path / "a.npy", sky)
    sky[0] = np.nan
    save(tmp_path / "b.npy", sky)
    sky[::2] = np.nan
    save(tmp_path / "c.npy", sky)
    save(tmp_path / "d.npy", np.full_like(sky, np.nan))
    cut = SkyCut(pixels=4, field_deg=30.0)
    with pytest.raises(InputError, match=r"c\.npy: pixels are missing that .*a\.npy has"):
        cut_sky(tmp_path / "[ac].npy", cut)
    with pytest.raises(InputError, match="no patch of 30 degrees is without missing"):
        cut_sky(tmp_path / "c.npy", cut)
    save(tmp_path / "e.npy", np.where(np.arange(len(sky)) < 100, np.nan, 0.0))
    with pytest.raises(InputError, match=r"e\.npy: the sky is constant where observed, 0 every"):
        cut_sky(tmp_path / "e.npy", cut)
    with pytest.raises(InputError, match=r"d\.npy: every pixel of the sky is missing"):
        cut_sky(tmp_path / "d.npy", cut)


def test_no_sky_is_read_before_it_is_cut(tmp_path):
    ripple = np.arange(12 * 16**2) % 2 / 10
    for number in range(3):
        save(tmp_path / f"{number}.npy", number + ripple)
    stream = cut_stream(tmp_path, SkyCut(pixels=4, field_deg=30.0))
    save(tmp_path / "2.npy", 5 + ripple)
    means = [float(block.mean()) for block in stream.blocks()]
    assert np.floor(means).tolist() == [0, 1, 5]


def window(ell, pixel_arcmin):
    """Squared window of a square pixel, averaged over directions: 1 − ℓ²s²/12 and so on."""
    angle = np.linspace(0, np.pi / 2, 91)[:, None]
    waves = ell * np.deg2rad(pixel_arcmin / 60) / (2 * np.pi)
    return np.mean((np.sinc(waves * np.cos(angle)) * np.sinc(waves * np.sin(angle))) ** 2, axis=0)


@pytest.mark.parametrize("ending", ["npz", "h5", "fits"])
def test_patches_of_shear_say_so(tmp_path, rng, ending):
    shear = rng.normal(size=(2, 12 * 16**2)).astype("float32")
    np.savez(tmp_path / "sky.npz", kappa=shear[0], Gamma2=shear[1])
    out = tmp_path / f"patches.{ending}"
    arguments = ["--sky", str(tmp_path / "sky.npz"), "--field", "gamma2", "--quiet"]
    arguments += ["--field-deg", "30", "--pixels", "4", "--out", str(out)]
    assert cli.main(["cut", *arguments]) == 0
    with pytest.raises(InputError, match="not named as convergence"):
        read_maps(out)
    read = read_maps(out, field="gamma2")
    direct = cut_sky(tmp_path / "sky.npz", SkyCut(pixels=4, field_deg=30.0, field="gamma2"))
    assert read.quantity == direct.quantity == "gamma2"
    np.testing.assert_array_equal(read.kappa[:], direct.kappa)
    # Written once more, they are still shear.
    write_maps(tmp_path / "again.npz", read)
    assert read_maps(tmp_path / "again.npz", field="gamma2").quantity == "gamma2"


@pytest.mark.slow
def test_patches_have_the_power_spectrum_of_the_sky(tmp_path):
    """P(ℓ) is C_ℓ times the windows of the two kinds of pixels, to 3 %.

    The 371 patches have 9,000 modes in the lowest bin: 1.5 % of scatter. The edges of the patches
    and the distortion of the projection, 0.5 % on average, add to it. A pixel of HEALPix is taken
    for a square of its area.
    """
    ell = np.arange(1000)
    power = 1e-9 / (ell + 50.0)
    rng = np.random.default_rng(1)
    degree, order = healpy.Alm.getlm(999)
    real, imaginary = rng.normal(size=(2, order.size)) * np.sqrt(power[degree])
    alm = np.where(order, (real + 1j * imaginary) / np.sqrt(2), real)
    sky = healpy.alm2map(alm, 512)
    maps = cut_sky(save(tmp_path / "sky.npy", sky), SkyCut(pixels=64, field_deg=10.0))
    edges = np.array([90, 180, 270, 360, 450, 540, 630])
    bins, measured = power_spectrum(maps.kappa, pixel_arcmin=maps.pixel_arcmin, ell_edges=edges)
    expected = np.interp(bins, ell, power) * window(bins, maps.pixel_arcmin)
    expected *= window(bins, healpy.nside2resol(512, arcmin=True))
    np.testing.assert_allclose(measured.mean(axis=0) / expected, 1, atol=0.03)


def test_the_mean_of_the_observed_sky_is_subtracted(tmp_path, rng):
    sky = rng.normal(3.0, 1.0, 12 * NSIDE**2).astype("float32")
    south = directions()[2] < 0
    sky[south] = np.nan
    path = save(tmp_path / "sky.npy", sky)
    whole = cut_sky(path, SkyCut(pixels=8, field_deg=10.0))
    centred = cut_sky(path, SkyCut(pixels=8, field_deg=10.0, subtract_mean=True))
    np.testing.assert_allclose(centred.kappa, whole.kappa - sky[~south].mean(), atol=1e-5)


def test_patches_with_smaller_pixels_than_the_sky_are_warned_of(tmp_path, rng, capsys):
    path = save(tmp_path / "sky.npy", rng.normal(size=12 * NSIDE**2))
    with pytest.warns(UserWarning, match=r"patches, 38 arcmin, .* the sky, 55 arcmin"):
        cut_stream(path, SkyCut(pixels=16, field_deg=10.0))
    cut_stream(path, SkyCut(pixels=16, field_deg=10.0, sampling="interpolate"))
    arguments = ["--sky", str(path), "--out", str(tmp_path / "p.h5"), "--pixels", "16", "--quiet"]
    assert cli.main(["cut", *arguments, "--field-deg", "10"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cosmogan: warning: The pixels of the patches, 38 arcmin, are smaller")


def test_bad_cuts_are_refused(tmp_path, rng):
    with pytest.raises(InputError, match="field_deg must be positive and at most 30"):
        SkyCut(pixels=8, field_deg=40.0)
    with pytest.raises(InputError, match="pixels must be positive"):
        SkyCut(pixels=0, field_deg=5.0)
    with pytest.raises(InputError, match="expected one of mean, interpolate"):
        SkyCut(pixels=8, field_deg=5.0, sampling="nearest")
    path = save(tmp_path / "sky.npy", rng.normal(size=1000))
    with pytest.raises(InputError, match=r"12 nside² pixels\. Received: shape"):
        cut_sky(path, SkyCut(pixels=8, field_deg=5.0))
    path = save(tmp_path / "sky.npy", rng.normal(size=12 * 3**2))
    with pytest.raises(InputError, match="nested order needs a power of 2"):
        cut_sky(path, SkyCut(pixels=8, field_deg=5.0, ordering="nested"))
    mask = save(tmp_path / "mask.npy", np.ones(12 * 4**2))
    path = save(tmp_path / "sky.npy", rng.normal(size=12 * 8**2))
    with pytest.raises(InputError, match="the mask has nside 4, the sky 8"):
        cut_sky(path, SkyCut(pixels=8, field_deg=5.0, mask=str(mask)))
