"""The split of a training can be read back, for the same maps only."""

import json

import numpy as np
import pytest

from cosmogan_k3.cli.commands.evaluate import run
from cosmogan_k3.config import EvaluateConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import MapSet, read_maps, split_by_map, write_maps
from cosmogan_k3.maps.split_file import PARTS, part_of_split, write_split


@pytest.fixture
def maps():
    kappa = 0.02 * np.random.default_rng(0).normal(size=(40, 16, 16)).astype("float32")
    return MapSet(kappa, 3.75, map_id=np.arange(40) // 2)


def test_each_part_is_that_of_the_training(maps, tmp_path):
    splits = split_by_map(maps, validation=0.2, test=0.3, seed=4)
    write_split(tmp_path / "split.json", splits, maps.fingerprint())
    for name in PARTS:
        part = part_of_split(maps, tmp_path / "split.json", name)
        assert part.fingerprint() == getattr(splits, name).fingerprint()


def test_other_maps_and_other_files_are_refused(maps, tmp_path):
    path = tmp_path / "split.json"
    splits = split_by_map(maps, validation=0, seed=4)
    write_split(path, splits, maps.fingerprint())
    with pytest.raises(InputError, match="written for other maps; give the whole set"):
        part_of_split(maps.take(np.arange(39)), path)
    with pytest.raises(InputError, match="validation has no maps"):
        part_of_split(maps, path, "validation")
    good = json.loads(path.read_text())
    for content in ("", "[]", "3", "[" * 100_000, json.dumps(good | {"test": [1.5]}), "{}"):
        path.write_text(content)
        with pytest.raises(InputError, match="is no split of a training"):
            part_of_split(maps, path)
    with pytest.raises(InputError, match=r"gone\.json: cannot be read \(No such file"):
        part_of_split(maps, tmp_path / "gone.json")


def test_evaluate_compares_with_the_test_part_alone(maps, tmp_path):
    write_maps(tmp_path / "maps.npz", maps)
    read = read_maps(tmp_path / "maps.npz")
    splits = split_by_map(read, test=0.3, seed=1)
    write_split(tmp_path / "split.json", splits, read.fingerprint())
    path = str(tmp_path / "maps.npz")
    config = EvaluateConfig(
        real=path,
        generated=path,
        split=str(tmp_path / "split.json"),
        out=str(tmp_path / "out"),
        quiet=True,
    )
    run(config)
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["real_maps"] == len(splits.test)
    assert metrics["real_fingerprint"] == splits.test.fingerprint()
    assert (metrics["generated_maps"], metrics["part"]) == (40, "test")
