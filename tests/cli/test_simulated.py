"""Simulated maps that one command leaves to the next."""

from dataclasses import replace

import numpy as np
import pytest

from cosmogan_k3.cli import simulated
from cosmogan_k3.cli.simulated import CACHE, cache_folder, cached_maps
from cosmogan_k3.config import Simulation
from cosmogan_k3.errors import InputError
from cosmogan_k3.simulation import simulate_maps
from cosmogan_k3.training.setup import split

BOXES = Simulation(method="nbody", maps=11, pixels=16, box_maps=4, particles=16)


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """The cache is in a folder of its own; the first maps that were drawn are listed."""
    firsts = []

    def draw(simulation, first, count):
        firsts.append(first)
        return original(simulation, first, count)

    original = simulated._draw
    monkeypatch.setattr(simulated, "_draw", draw)
    monkeypatch.setenv(CACHE, str(tmp_path))
    return firsts


def test_the_next_command_reads_what_the_first_simulated(drawn):
    first = cached_maps(BOXES)
    assert sorted(drawn) == [0, 4, 8]
    again = cached_maps(BOXES)
    assert len(drawn) == 3
    direct = simulate_maps(BOXES)
    for found in (first, again):
        np.testing.assert_array_equal(found.kappa, direct.kappa)
        np.testing.assert_array_equal(found.parameters["omega_m"], direct.parameters["omega_m"])
        # The numbers of the boxes differ where and only where those of the direct maps differ.
        assert len(np.unique(found.map_id)) == 3
        np.testing.assert_array_equal(np.diff(found.map_id) != 0, np.diff(direct.map_id) != 0)


def test_an_interrupted_command_leaves_its_boxes(drawn):
    cached_maps(BOXES)
    (folder,) = cache_folder().iterdir()
    (folder / "part-00001.h5").unlink()
    cached_maps(BOXES)
    assert drawn[3:] == [4]


def test_other_settings_have_other_maps(drawn):
    kappa = cached_maps(BOXES).kappa
    other = cached_maps(replace(BOXES, seed=1)).kappa
    assert not np.isclose(kappa, other).all(axis=(1, 2)).any()
    assert len(list(cache_folder().iterdir())) == 2


def test_what_cannot_be_simulated_leaves_nothing(drawn):
    with pytest.raises(InputError, match="at most 15 degrees wide"):
        cached_maps(replace(BOXES, field_deg=20.0))
    assert not cache_folder().exists()


def test_a_training_keeps_a_box_on_one_side(drawn):
    """Of 10 boxes three are test boxes; of single maps a fifth are test maps."""
    maps = cached_maps(replace(BOXES, maps=40))
    splits = split(maps, 0)
    parts = [set(part.map_id) for part in (splits.train, splits.validation, splits.test)]
    assert [len(part) for part in parts] == [6, 1, 3]
    assert not parts[0] & parts[1] | parts[1] & parts[2] | parts[0] & parts[2]
    assert len(split(simulate_maps(Simulation(maps=40, pixels=16)), 0).test) == 8
