"""The classifier two-sample test: what it tells, its halves, masks and units."""

import csv
import json
import re

import keras
import numpy as np
import pytest

from cosmogan_k3.cli import main as cli
from cosmogan_k3.errors import InputError
from cosmogan_k3.gan.map_classifier import (
    _divide,
    build_classifier,
    classifier_metrics,
    classifier_test,
)
from cosmogan_k3.maps import MapSet
from cosmogan_k3.statistics import power_spectrum

COUNT, SIDE = 200, 24


def gaussian(rng, count=COUNT):
    """Return Gaussian maps with P(k) ∝ 1/k², of standard deviation 1."""
    k = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE))
    k[0, 0] = np.inf
    white = rng.normal(size=(count, SIDE, SIDE))
    maps = np.fft.irfft2(np.fft.rfft2(white) / k, s=(SIDE, SIDE))
    return (maps / maps.std()).astype("float32")


def lognormal(rng, count=COUNT):
    maps = np.exp(0.7 * gaussian(rng, count))
    return (maps - maps.mean()).astype("float32")


def random_phases(maps, rng):
    """Return maps with the power of each mode of the given ones, and random phases."""
    noise = np.fft.rfft2(rng.normal(size=maps.shape))
    modes = np.abs(np.fft.rfft2(maps)) * noise / np.abs(noise)
    return np.fft.irfft2(modes, s=maps.shape[1:]).astype("float32")


@pytest.fixture(scope="module")
def real():
    return MapSet(lognormal(np.random.default_rng(1)), 2.0)


@pytest.mark.slow
def test_gaussian_maps_of_the_same_power_are_told_from_lognormal_ones(real, rng):
    fake = random_phases(lognormal(rng), rng)
    power = [power_spectrum(maps, pixel_arcmin=2.0)[1].mean(axis=0) for maps in (real.kappa, fake)]
    np.testing.assert_allclose(*power, rtol=0.2)  # the power says nothing
    result = classifier_test(real, MapSet(fake, 2.0))
    assert result.distance > 0.95
    assert result.pvalue == pytest.approx(1 / 500)
    metrics = classifier_metrics(result)
    assert metrics["classifier_auc"] == result.distance
    assert metrics["classifier_auc_null"] == pytest.approx(0.5, abs=0.01)
    # σ² = (n + m + 1)/(12 n m) for halves of 100; 499 exchanges know it to 3 %.
    expected = np.sqrt(201 / (12 * 100 * 100))
    assert metrics["classifier_auc_null_std"] == pytest.approx(expected, rel=0.15)


def test_two_halves_of_one_kind_are_not_told_apart(real, rng):
    result = classifier_test(real, MapSet(lognormal(rng), 2.0))
    # The null has a standard deviation of 0.041.
    assert abs(result.distance - 0.5) < 0.13
    assert result.agrees


def test_a_unit_is_on_one_side(real):
    of_boxes = MapSet(real.kappa, 2.0, map_id=np.arange(COUNT) // 20)
    parts = _divide(of_boxes, np.random.default_rng(0), 0)
    boxes = [set(np.asarray(part.map_id).tolist()) for part in parts]
    assert [len(box) for box in boxes] == [4, 1, 5]
    assert len(set.union(*boxes)) == 10


def test_masked_pixels_are_never_read_and_any_side_is_taken(rng):
    mask = np.ones((20, 20), bool)
    mask[3:9, 4:9] = False
    sets = [np.where(mask, rng.normal(size=(24, 20, 20)), hidden) for hidden in (np.nan, 9)]
    result = classifier_test(*(MapSet(maps, 2.0) for maps in sets), mask=mask)
    assert 0.1 < result.distance < 0.9  # 12 against 12 maps: ±0.12
    with pytest.raises(ValueError, match="multiple of 8"):
        build_classifier(20)


def test_too_few_maps_are_refused(real):
    with pytest.raises(InputError, match="needs 16 maps") as caught:
        classifier_test(real, real.take(np.arange(15)))
    assert caught.value.parameter == "classifier"


def test_the_command_adds_it_to_every_file(real, capsys, tmp_path):
    for name, maps in (("real", real.kappa[:24]), ("generated", real.kappa[24:48] + 1)):
        np.save(tmp_path / f"{name}.npy", maps)
    command = ["evaluate", "--pixel-arcmin", "2", "--out", str(tmp_path / "out"), "--classifier"]
    for name in ("real", "generated"):
        command += [f"--{name}", str(tmp_path / f"{name}.npy")]
    assert cli.main([*command, "--backend", keras.backend.backend()]) == 0
    assert re.search("Classifier +DIFFERS", capsys.readouterr().out)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["classifier_auc"] == 1  # a mean of 1 is hard to miss
    with (tmp_path / "out" / "statistics.csv").open(newline="") as file:
        row = list(csv.DictReader(file))[-1]
    assert row["statistic"] == "classifier"
    same = (tmp_path / "out" / name for name in ("numbers/distances.csv", "statistics.csv"))
    assert len({path.read_bytes() for path in same}) == 1
    assert float(row["pvalue"]) == metrics["pvalue_classifier"] == 1 / 500
    report = (tmp_path / "out" / "report.html").read_text()
    assert "Beside these, with p-values of their own" in report
    assert report.count("Classifier <span") == 1  # one panel
