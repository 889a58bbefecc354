"""Maps in folders of shards: whoever draws them, the same bytes; what is there is kept."""

import hashlib
import json
import subprocess
import sys
import time

import numpy as np
import pytest
from distributed import LocalCluster

from cosmogan_k3.cli import main as cli
from cosmogan_k3.cli.commands import generate as generate_command
from cosmogan_k3.cli.commands.simulate import simulated_shards
from cosmogan_k3.config import SimulateConfig, Simulation
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import read_maps
from cosmogan_k3.maps.io import disk
from cosmogan_k3.parallel import shards as shards_module
from cosmogan_k3.parallel.executor import executor, thread_map
from cosmogan_k3.simulation import simulate_maps
from tests.harness import run_python


def sky(out, **changes):
    """Twelve maps in files of one: more shards than a digit counts."""
    options = {"maps": 12, "pixels": 16, "field_deg": 2.0, "shard_maps": 1, "seed": 3}
    return SimulateConfig(out=str(out), quiet=True, **(options | changes))


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The folder that one process writes."""
    folder = tmp_path_factory.mktemp("shards") / "whole"
    simulated_shards(sky(folder)).write(thread_map)
    return folder


def test_shards_hold_the_maps_of_the_one_file_in_its_order(tmp_path, whole):
    command = [
        "simulate",
        "--maps",
        "12",
        "--pixels",
        "16",
        "--field-deg",
        "2",
        "--seed",
        "3",
        "--quiet",
    ]
    assert cli.main([*command, "--out", str(tmp_path / "maps.h5")]) == 0
    one, many = read_maps(tmp_path / "maps.h5"), read_maps(whole)
    assert many.fingerprint() == one.fingerprint()
    assert many.map_id.tolist() == one.map_id.tolist()
    assert many.parameters.keys() == one.parameters.keys()


def test_the_same_bytes_with_one_two_and_four_workers(tmp_path, whole):
    for workers in (1, 2, 4):
        out = tmp_path / str(workers)
        with executor(workers) as map_calls:
            simulated_shards(sky(out)).write(map_calls)
        assert digests(out) == digests(whole)


def test_every_format_is_written_and_read_back(tmp_path, whole):
    for ending in ("npz", "fits"):
        out = tmp_path / f"maps.{ending}"
        simulated_shards(sky(out, maps=5, shard_maps=2)).write(thread_map)
        assert [path.name for path in sorted(out.glob("part-*"))] == [
            f"part-0000{i}.{ending}" for i in range(3)
        ]
        np.testing.assert_array_equal(read_maps(out).kappa[:], read_maps(whole).kappa[:5])


def test_a_repeated_command_draws_what_is_missing_and_nothing_else(tmp_path):
    shards = simulated_shards(sky(tmp_path / "maps", maps=8, shard_maps=3))
    shards.write(thread_map)
    before = digests(shards.folder)
    shards.path(1).unlink()
    (shards.folder / ".partial-killed.h5").write_bytes(b"half a shard")
    assert len(read_maps(shards.folder)) == 5, "what is half written is not read"
    made = []

    def map_calls(calls, description, maps):
        made.extend(call.args[0] for call in calls)
        return thread_map(calls)

    simulated_shards(sky(tmp_path / "maps", maps=8, shard_maps=3)).write(map_calls)
    assert made == [shards.path(1)]
    assert digests(shards.folder) == before


def test_names_sort_as_numbers_do_however_many_there_are(tmp_path):
    shards = simulated_shards(sky(tmp_path / "maps", maps=1_000_000))
    assert shards.path(99_999).name < shards.path(999_999).name


def test_a_folder_that_belongs_to_something_else_is_left_alone(tmp_path):
    out = tmp_path / "maps"
    simulated_shards(sky(out, maps=2)).write(thread_map)
    before = digests(out)
    with pytest.raises(InputError, match="with another maps, seed; name a new folder"):
        simulated_shards(sky(out, maps=3, seed=4))
    with pytest.raises(InputError, match="with another shard_maps; name a new folder"):
        simulated_shards(sky(out, maps=2, shard_maps=2))
    assert digests(out) == before
    (out / "shards.json").write_text("{")
    with pytest.raises(InputError, match=r"shards\.json: cannot be read"):
        simulated_shards(sky(out, maps=2))
    (out / "shards.json").write_text("[1]")
    with pytest.raises(InputError, match=r"shards\.json: cannot be read"):
        simulated_shards(sky(out, maps=2))
    with pytest.raises(InputError, match="holds other files"):
        simulated_shards(sky(tmp_path))
    (tmp_path / "maps.h5").touch()
    with pytest.raises(InputError, match=r"maps.h5: is a file; shards are written to a folder"):
        simulated_shards(sky(tmp_path / "maps.h5"))
    with pytest.raises(InputError, match="unknown kind of file"):
        simulated_shards(sky(tmp_path / "maps.csv"))


def test_overwriting_replaces_the_shards_of_any_command_and_nothing_else(tmp_path, whole):
    out = tmp_path / "maps"
    simulated_shards(sky(out, maps=14, shard_maps=2, seed=4)).write(thread_map)
    simulated_shards(sky(out, overwrite=1)).write(thread_map)
    assert digests(out) == digests(whole)
    with pytest.raises(InputError, match="holds other files"):
        simulated_shards(sky(tmp_path, overwrite=1))


def test_a_worker_that_outlives_its_command_adds_no_shard_to_another_set(tmp_path):
    out = tmp_path / "maps"
    late = []
    simulated_shards(sky(out, seed=4)).write(lambda calls, *_, **__: late.extend(calls))
    simulated_shards(sky(out, overwrite=1))
    with pytest.raises(InputError, match="with another seed"):
        late[0]()
    assert [path.name for path in out.iterdir()] == ["shards.json"]


def test_errors_name_a_shard_and_not_its_partial_file(tmp_path, monkeypatch):
    shards = simulated_shards(sky(tmp_path / "maps"))
    monkeypatch.setattr(disk, "_free", lambda path: 0)
    with pytest.raises(InputError, match=r"maps/part-0000\d\.h5: needs 1\.02 kB"):
        shards.write(thread_map)
    assert [path.name for path in shards.folder.iterdir()] == ["shards.json"]


_TOGETHER = """
import sys, time
from pathlib import Path
from cosmogan_k3.cli import main as cli
from cosmogan_k3.cli.commands import simulate
ready, go = Path(sys.argv[1]), Path(sys.argv[2])
ready.touch()
while not go.exists():
    time.sleep(0.001)
options = ["--maps", "6", "--pixels", "16", "--field-deg", "2", "--shard-maps", "1"]
sys.exit(cli.main(["simulate", *options, *sys.argv[3:]]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [(1, 2), (1, 1)])
def test_of_two_commands_together_one_writes_and_one_is_refused(tmp_path, seeds):
    out, go = tmp_path / "maps", tmp_path / "go"
    started = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", _TOGETHER, str(tmp_path / f"ready{i}"), str(go)),
                *("--workers", "1", "--seed", str(seed), "--out", str(out), "--quiet"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        for i, seed in enumerate(seeds)
    ]
    while len(list(tmp_path.glob("ready*"))) < 2:
        time.sleep(0.01)
    go.touch()
    errors = [process.communicate()[1] for process in started]
    codes = [process.returncode for process in started]
    assert sorted(codes) == [0, 2], errors
    assert "another process is writing to it" in errors[codes.index(2)]
    seed = seeds[codes.index(0)]
    assert json.loads((out / "shards.json").read_text())["seed"] == seed
    expected = simulate_maps(Simulation(maps=6, pixels=16, field_deg=2.0, seed=seed))
    np.testing.assert_array_equal(read_maps(out).kappa[:], expected.kappa)


def test_of_two_manifests_together_one_is_written(tmp_path, monkeypatch):
    # Without locks, as on a file system that has none: the other comes after the look.
    out = tmp_path / "maps"
    simulated_shards(sky(out, seed=1))
    (out / "shards.json").rename(tmp_path / "other.json")
    real = shards_module.creating

    def later(path):
        (tmp_path / "other.json").rename(path)
        return real(path)

    monkeypatch.setattr(shards_module, "creating", later)
    with pytest.raises(InputError, match="with another seed"):
        simulated_shards(sky(out, seed=2))
    assert json.loads((out / "shards.json").read_text())["seed"] == 1


def test_what_cannot_be_simulated_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="0 < omega_b < omega_m"):
        simulated_shards(sky(tmp_path / "maps", omega_b=0.4))
    assert not (tmp_path / "maps").exists()


@pytest.mark.backend
def test_generated_shards_are_the_same_bytes_whoever_draws_them(tmp_path):
    import keras

    from cosmogan_k3.gan.build import build_gan

    backend = keras.backend.backend()
    build_gan("tiny", pixels=16, pixel_arcmin=3.0).save(tmp_path / "model.keras")
    command = [
        "generate",
        "--model",
        tmp_path / "model.keras",
        "--maps",
        20,
        "--seed",
        2,
        "--backend",
        backend,
    ]
    # With more threads a framework may add the same products in another order: TensorFlow does.
    one_thread = {**generate_command.ONE_THREAD, "OMP_NUM_THREADS": "1"}
    run_python(
        "-m",
        "cosmogan_k3",
        *command,
        "--quiet",
        "--out",
        tmp_path / "one.h5",
        environment=one_thread,
    )

    def generate(out, *more):
        return cli.main([str(a) for a in (*command, "--quiet", "--out", tmp_path / out, *more)])

    with LocalCluster(
        2, threads_per_worker=1, dashboard_address="127.0.0.1:0", memory_limit=0
    ) as cluster:
        for out, workers in (("two", 2), ("single", 1)):
            cluster.scale(workers)
            # Six maps in a file, batches of twenty: every shard lies across a batch.
            assert generate(out, "--scheduler", cluster.scheduler_address, "--shard-maps", 6) == 0
    one, two, single = (read_maps(tmp_path / out) for out in ("one.h5", "two", "single"))
    assert [path.name for path in sorted((tmp_path / "two").glob("part-*"))] == [
        f"part-0000{i}.h5" for i in range(4)
    ]
    assert two.fingerprint() == single.fingerprint() == one.fingerprint()
    metadata = json.loads((tmp_path / "two" / "shards.json").read_text())
    assert (metadata["backend"], metadata["maps"], metadata["pixels"]) == (backend, 20, 16)
    build_gan("tiny", pixels=16, pixel_arcmin=3.0, seed=1).save(tmp_path / "model.keras")
    assert generate("two", "--workers", 1, "--shard-maps", 6) == 2, (
        "another model's maps do not go among these"
    )


@pytest.mark.backend
def test_a_worker_on_another_backend_is_refused(tmp_path, monkeypatch):
    import keras

    for name in generate_command.ONE_THREAD:
        monkeypatch.setenv(name, "1")
    with pytest.raises(
        InputError, match=f"A worker runs Keras on {keras.backend.backend()}, the command on numpy"
    ):
        generate_command._worker_emulator.__wrapped__(tmp_path / "model.keras", "", "numpy")
