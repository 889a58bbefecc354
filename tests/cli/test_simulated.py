"""Simulated maps that one command leaves to the next."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from cosmogan_k3.cli import simulated
from cosmogan_k3.cli.cache import CACHE, cache_folder
from cosmogan_k3.cli.maps import read_or_simulate
from cosmogan_k3.cli.simulated import SIMULATED, cached_maps
from cosmogan_k3.config import MainConfig, Simulation
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import write_maps
from cosmogan_k3.parallel import shards
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
    (folder,) = cache_folder(SIMULATED).iterdir()
    (folder / "part-00001.h5").unlink()
    cached_maps(BOXES)
    assert drawn[3:] == [4]


def test_other_settings_have_other_maps(drawn):
    kappa = cached_maps(BOXES).kappa
    other = cached_maps(replace(BOXES, seed=1)).kappa
    assert not np.isclose(kappa, other).all(axis=(1, 2)).any()
    assert len(list(cache_folder(SIMULATED).iterdir())) == 2


def test_what_cannot_be_simulated_leaves_nothing(drawn):
    with pytest.raises(InputError, match="at most 15 degrees wide"):
        cached_maps(replace(BOXES, field_deg=20.0))
    assert not cache_folder(SIMULATED).exists()


def test_a_training_keeps_a_box_on_one_side(drawn):
    """Of 10 boxes three are test boxes; of single maps a fifth are test maps."""
    maps = cached_maps(replace(BOXES, maps=40))
    splits = split(maps, 0)
    parts = [set(part.map_id) for part in (splits.train, splits.validation, splits.test)]
    assert [len(part) for part in parts] == [6, 1, 3]
    assert not parts[0] & parts[1] | parts[1] & parts[2] | parts[0] & parts[2]
    assert len(split(simulate_maps(Simulation(maps=40, pixels=16)), 0).test) == 8


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def with_a_flipped_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # among the pixels
    path.write_bytes(content)


def with_another_number_of_maps(path):
    write_maps(path, simulate_maps(replace(BOXES, maps=3)))


@pytest.mark.parametrize("damage", [truncated, with_a_flipped_bit, with_another_number_of_maps])
def test_damaged_files_are_simulated_again(drawn, capsys, damage):
    kappa = cached_maps(BOXES).kappa
    (folder,) = cache_folder(SIMULATED).iterdir()
    damage(folder / "part-00001.h5")
    np.testing.assert_array_equal(cached_maps(BOXES).kappa, kappa)
    assert drawn[3:] == [4]
    assert "part-00001.h5: was damaged, and is simulated again" in capsys.readouterr().err


@pytest.mark.parametrize("damage", [truncated, lambda path: path.unlink()])
def test_a_damaged_manifest_costs_no_box(drawn, damage):
    kappa = cached_maps(BOXES).kappa
    (folder,) = cache_folder(SIMULATED).iterdir()
    damage(folder / "shards.json")
    (folder / "part-00002.h5").unlink()
    np.testing.assert_array_equal(cached_maps(BOXES).kappa, kappa)
    assert drawn[3:] == [8]


def test_another_version_has_other_maps(drawn, monkeypatch):
    cached_maps(BOXES)
    monkeypatch.setattr(simulated, "__version__", "0.0.1")
    monkeypatch.setattr(shards, "__version__", "0.0.1")
    cached_maps(BOXES)
    assert sorted(drawn) == [0, 0, 4, 4, 8, 8]


def test_of_two_commands_at_once_one_simulates(drawn, capsys):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(cached_maps, [BOXES, BOXES])
    np.testing.assert_array_equal(first.kappa, second.kappa)
    assert sorted(drawn) == [0, 4, 8]
    assert "another command simulates these maps; waiting for it" in capsys.readouterr().err


def test_maps_that_do_not_belong_are_named(drawn):
    cached_maps(BOXES)
    (folder,) = cache_folder(SIMULATED).iterdir()
    write_maps(folder / "part-00009.h5", simulate_maps(BOXES))
    with pytest.raises(InputError, match=r"expected 11 maps\. Received: 22") as error:
        cached_maps(BOXES)
    assert "may be removed at any time" in error.value.__notes__[0]


def test_a_cache_that_cannot_be_written_to_is_named(drawn, monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv(CACHE, str(file))
    with pytest.raises(InputError, match="cannot be written to") as error:
        cached_maps(BOXES)
    assert error.value.parameter == ""
    assert f"{CACHE} names another folder" in error.value.__notes__[0]


def test_one_box_for_training_and_test_is_refused_before_it_is_simulated(drawn):
    config = MainConfig(maps=4, box_maps=4, pixels=16, particles=16)
    with pytest.raises(InputError, match="Received: 4 maps, 4 a box") as error:
        read_or_simulate(config, None)
    assert error.value.parameter == "maps, box_maps"
    assert not drawn
