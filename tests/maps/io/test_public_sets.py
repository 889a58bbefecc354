"""Public sets of maps, rebuilt in miniature from their documents, read as the docs say."""

import re
import shlex
import struct
from pathlib import Path

import h5py
import healpy
import numpy as np
import pytest
from astropy.io import fits

from cosmogan_k3.cli import main as cli
from cosmogan_k3.cli.parser import build_parser
from cosmogan_k3.maps import read_maps
from cosmogan_k3.maps.io.sky import read_sky
from tests.conftest import ROOT

SIDE = 128  # of flat maps; the sets have 512 to 1024 pixels and more
NSIDE = 32  # the sets have 512 to 16384


def commands():
    """Return the commands of the page on public sets."""
    text = (ROOT / "docs" / "howto" / "public-sets.md").read_text().replace("\\\n", " ")
    return re.findall(r"^cosmogan .*$", text, re.MULTILINE)


def kappa(rng, side=SIDE):
    return rng.normal(0, 0.02, (side, side))


def ktng(rng):
    """The groups z01 to z40 of a file hold kappa, 1024 x 1024; here two of them."""
    for run in ("LP001/LP001_run001_maps", "LP001/LP001_run002_maps", "LP002/LP002_run001_maps"):
        with h5py.File(folder_of(f"kappaTNG/{run}.hdf5"), "w") as file:
            for group in ("z01", "z23"):
                file[f"{group}/kappa"] = kappa(rng)
            expected = file["z23/kappa"][:]
    return 3, expected


def ktng_binary(rng):
    """An integer of four bytes, 1024, before and after 1024² doubles."""
    for run in ("LP001/run001", "LP001/run002"):
        expected, marker = kappa(rng), struct.pack("<i", SIDE)
        folder = folder_of(f"kappaTNG-Hydro/{run}/kappa23.dat")
        folder.write_bytes(marker + expected.tobytes() + marker)
        folder.with_name("kappa30.dat").write_bytes(marker + kappa(rng).tobytes() + marker)
    return 2, expected


def lenstools(path, data):
    """The header that LensTools writes."""
    unit = fits.PrimaryHDU(data.astype("float32"))
    unit.header["H0"], unit.header["H"] = 70.0, 0.7
    unit.header["OMEGA_M"], unit.header["Z"] = 0.3, 1.0
    unit.header["ANGLE"] = (3.5, "Side angle in degrees")
    unit.header["ITYPE"] = ("ConvergenceMap", "Image type")
    unit.writeto(folder_of(path))


def massivenus(rng):
    for number in (1, 2, 3):
        expected = kappa(rng)
        folder = "convergence_gal_mnv0.00000_om0.30000_As2.1000"
        lenstools(f"{folder}/Maps10/WLconv_z1.00_{number:04}r.fits", expected)
        lenstools(f"{folder}/Maps20/WLconv_z2.00_{number:04}r.fits", kappa(rng))
    return 3, expected


def columbia(rng):
    for number in (1, 2):
        expected = kappa(rng)
        lenstools(f"Maps/WLconv_z1.00_{number:04}r.fits", expected)
        lenstools(f"Maps/WLconv_z2.00_{number:04}r.fits", kappa(rng))
    return 2, expected


def lenstools_npz(rng):
    for number in (1, 2):
        expected = kappa(rng)
        np.savez(folder_of(f"Maps/{number}.npz"), expected, angle_deg=3.5)
    return 2, expected


def slics(rng):
    for number in (74, 75):
        expected = kappa(rng)
        fits.writeto(folder_of(f"slics/kappa_LOS_cone{number}.fits"), expected.astype("float32"))
    return 2, expected


def cosmogrid(rng):
    """Data sets probe/sample, each a map of the whole sky."""
    for cosmology in ("cosmo_000001", "cosmo_000002"):
        name = "projected_probes_maps_nobaryons512.h5"
        path = folder_of(f"stage3_forecast/grid/{cosmology}/perm_0000/{name}")
        with h5py.File(path, "w") as file:
            for probe in ("kg", "ia", "dg"):
                for sample in range(1, 5):
                    file[f"{probe}/stage3_lensing{sample}"] = sky(rng)
            expected = file["kg/stage3_lensing4"][:]
            expected -= np.float32(expected.mean(dtype=np.float64))
    return 2, expected


def takahashi(rng):
    """A record with nside and 12 nside², then κ, γ1, γ2 and ω, each a record of float32."""
    for number in (0, 53):
        expected = sky(rng)
        fields = [expected, *(sky(rng) for _ in range(3))]
        header = struct.pack("<iq", NSIDE, expected.size)
        records = [header, *(each.tobytes() for each in fields)]
        path = folder_of(f"takahashi/allskymap_nres12r{number:03}.zs16.mag.dat")
        path.write_bytes(b"".join(record(each) for each in records))
    return 2, expected


def darkgrid(rng):
    for number in (0, 1):
        expected = sky(rng)
        healpy.write_map(folder_of(f"darkgrid/sky{number}.fits"), expected, dtype=np.float32)
    return 2, expected


def folder_of(path):
    """Return a path in the working directory, with its folder made."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Path(path)


def sky(rng):
    return rng.normal(0, 0.02, 12 * NSIDE**2).astype("float32")


def record(content, largest=10**9):
    """Return a Fortran record; the marker of a part is negative if another part follows."""
    parts = [content[i : i + largest] for i in range(0, len(content), largest)]
    last = len(parts) - 1
    return b"".join(
        struct.pack("<i", len(part) if i == last else -len(part))
        + part
        + struct.pack("<i", -len(part) if i else len(part))
        for i, part in enumerate(parts)
    )


SETS = [  # in the order of the commands: number, writer, pixel size of flat maps
    (0, ktng, 5 * 60 / 1024),
    (1, ktng_binary, 5 * 60 / 1024),
    (2, massivenus, 3.5 * 60 / SIDE),
    (3, columbia, 3.5 * 60 / SIDE),
    (4, lenstools_npz, 3.5 * 60 / SIDE),
    (5, cosmogrid, None),
    (6, slics, 0.15),
    (7, takahashi, None),
    (8, darkgrid, None),
]


@pytest.mark.filterwarnings("ignore:The pixels of the patches")  # the skies are miniatures
@pytest.mark.parametrize(("number", "write", "size"), SETS, ids=[each[1].__name__ for each in SETS])
def test_each_set_is_read_with_the_command_of_the_docs(
    monkeypatch, tmp_path, rng, number, write, size
):
    monkeypatch.chdir(tmp_path)
    count, expected = write(rng)
    arguments = shlex.split(commands()[number])[1:]
    config = build_parser().parse_args(arguments)
    if config.command == "train":
        maps = read_maps(
            config.data,
            pixels=config.pixels,
            pixel_arcmin=config.pixel_arcmin or None,
            field=config.field,
        )
        # The last map in four patches of 64 pixels.
        last = np.asarray(maps.kappa[-4:]).reshape(2, 2, 64, 64).swapaxes(1, 2)
        np.testing.assert_array_equal(last.reshape(SIDE, SIDE), expected.astype(last.dtype))
        assert np.bincount(maps.map_id).tolist() == [4] * count
        assert maps.pixel_arcmin == pytest.approx(size, rel=1e-6)
        return
    # Fewer patches than the docs have: this test needs none of their number.
    assert cli.main([*arguments, "--field-deg", "30", "--quiet"]) == 0
    maps = read_maps(config.out)
    assert np.bincount(maps.map_id).tolist() == [36] * count
    assert maps.pixel_arcmin == 30 * 60 / 64
    # Flat pixels have a quarter of the side of a pixel of the sky: most lie within one.
    of_last = np.asarray(maps.kappa[np.flatnonzero(maps.map_id == count - 1)])
    assert np.isin(of_last, expected).mean() > 0.5


def test_every_command_of_the_docs_has_a_set():
    assert len(commands()) == len(SETS)


def test_a_record_in_parts_is_joined(tmp_path, rng):
    """Parts need not end with a whole number; Fortran's have 2³¹ − 9 bytes."""
    fields = [sky(rng) for _ in range(4)]
    header = struct.pack("<iq", NSIDE, fields[0].size)
    path = tmp_path / "allskymap_nres13r000.zs16.mag.dat"
    content = record(header) + b"".join(record(each.tobytes(), 20_001) for each in fields)
    path.write_bytes(content)
    for name, values in zip(("", "gamma1", "gamma2", "omega"), fields, strict=True):
        np.testing.assert_array_equal(read_sky(path, field=name).pixels, values)
