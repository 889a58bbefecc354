"""``cosmogan simulate``: convergence maps in a file or in a folder of files."""

from dataclasses import asdict, fields
from pathlib import Path

from cosmogan_k3.cli.endings import maps_written, say
from cosmogan_k3.cli.outputs import output_file, output_folder
from cosmogan_k3.cli.simulated import draw_maps, shard_size, warn_of_resolution
from cosmogan_k3.cli.survey import Observation
from cosmogan_k3.config import SimulateConfig, Simulation
from cosmogan_k3.maps.io.write import write_maps
from cosmogan_k3.parallel.executor import executor, wants_dask
from cosmogan_k3.parallel.shards import Shards
from cosmogan_k3.simulation import simulate_stream


def run(config: SimulateConfig) -> None:
    """Simulate maps and write them, to a folder if the output has no ending or Dask has workers."""
    if not wants_dask(config.workers, config.scheduler) and Path(config.out).suffix:
        with output_file(config.out, overwrite=config.overwrite):
            maps = _observation(config).of(simulate_stream(config, quiet=config.quiet))
            warn_of_resolution(config, quiet=config.quiet)
            write_maps(config.out, maps)
    else:
        _write_folder(config)
    pixel_arcmin = 60 * config.field_deg / config.pixels
    found = maps_written(config.out, config.maps, config.pixels, pixel_arcmin)
    say({"wrote": found}, quiet=config.quiet)


def _write_folder(config: SimulateConfig) -> None:
    """Simulate maps in threads or on Dask workers, and write them to files of a folder."""
    with output_folder(config.out):
        shards = simulated_shards(config)
        warn_of_resolution(config, quiet=config.quiet)
        with executor(config.workers, config.scheduler, quiet=config.quiet) as map_calls:
            shards.write(map_calls)


def simulated_shards(config: SimulateConfig) -> Shards:
    """Return the folder of files that a command simulates, with its manifest.

    Parameters
    ----------
    config : SimulateConfig
        Options of the command.

    Returns
    -------
    Shards

    Raises
    ------
    InputError
        As ``simulate_maps``, ``Observation.of``, ``Shards`` and ``Shards.claim``.
    """
    simulation = Simulation(
        **{field.name: getattr(config, field.name) for field in fields(Simulation)}
    )
    observation = _observation(config)
    metadata = {"command": "simulate", **asdict(simulation), **observation.metadata}
    draw = observation.of_draws(draw_maps(simulation))
    size = shard_size(simulation, config.shard_maps)
    shards = Shards(Path(config.out), config.maps, size, metadata, draw)
    observation.of(simulate_stream(simulation))  # raises InputError before any worker is started
    shards.claim(overwrite=bool(config.overwrite))
    return shards


def _observation(config: SimulateConfig) -> Observation:
    return Observation.of_command(config, config.pixels, "simulated")
