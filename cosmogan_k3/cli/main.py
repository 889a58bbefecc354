"""The command line: a thin reading of ``config``, one function a command.

Nothing heavy is imported before the arguments are known to be good.
"""

import argparse
import math
import os
import sys
from dataclasses import asdict, fields

from cosmogan_k3._version import __version__
from cosmogan_k3.config import BACKENDS, COMMANDS, Simulation
from cosmogan_k3.errors import InputError, one_line

_EPILOG = """\
examples:
  cosmogan simulate --maps 1000 --source-redshift 0.7 --out maps.fits
  cosmogan train --data maps.fits --backend torch --out run
  cosmogan generate --model run/model.keras --maps 5000 --seed 1 --out new.npz
  cosmogan evaluate --real maps.fits --generated new.npz --out evaluation
  cosmogan tune --data maps.fits --trials 40 --workers 4 --out study
  cosmogan simulate --vary "omega_m=0.2:0.4,sigma_8=0.6:1.0" --out many.h5
  cosmogan train --data many.h5 --condition omega_m,sigma_8 --out conditional
  cosmogan main            all but the last, from a simulation to a registered model
"""


HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
"""What glibc reads in the environment of a new process alone."""


class _Parser(argparse.ArgumentParser):
    """Say what is wrong in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def build_parser():
    parser = _Parser(
        prog="cosmogan",
        description="Weak-lensing convergence maps from generative adversarial networks.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cosmogan_k3 {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, config in COMMANDS.items():
        text = config.__doc__.strip()
        command = commands.add_parser(
            name,
            help=text,
            description=text,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        )
        for field in fields(config):
            _add_option(command, field)
    return parser


def _add_option(command, field):
    flag = "--" + field.name.replace("_", "-")
    help = field.metadata["help"]
    if field.metadata["flag"]:
        command.add_argument(flag, action="store_true", help=help)
        return
    options = (
        {} if field.metadata["bare"] is None else {"nargs": "?", "const": field.metadata["bare"]}
    )
    kind = field.type.__name__.upper()
    command.add_argument(
        flag, default=field.default, type=_checked(field), metavar=kind, help=help, **options
    )


def _checked(field):
    """A conversion that argparse calls, which knows the bounds of a field."""
    choices, minimum, above = (field.metadata[key] for key in ("choices", "minimum", "above"))

    def convert(text):
        try:
            value = field.type(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"expected {field.type.__name__}. Received: {text!r}"
            ) from None
        if choices is not None and value not in choices:
            expected = ", ".join(str(choice) for choice in choices if choice != "")
            raise argparse.ArgumentTypeError(f"expected one of {expected}. Received: {text!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise argparse.ArgumentTypeError(f"expected a finite number. Received: {text!r}")
        if minimum is not None and value < minimum:
            raise argparse.ArgumentTypeError(f"must be at least {minimum}. Received: {text}")
        if above is not None and value <= above:
            raise argparse.ArgumentTypeError(f"must be greater than {above}. Received: {text}")
        return value

    return convert


def _backend_name(name):
    return name or os.environ.get("KERAS_BACKEND") or BACKENDS[0]


def _take_huge_pages():
    """Start this process anew with glibc set to huge pages.

    Each step of JAX on a CPU takes its memory afresh, page by page. Who has set glibc otherwise is left alone.
    """
    if sys.platform == "linux" and not HUGE_PAGES.keys() & os.environ.keys():
        os.environ.update(HUGE_PAGES)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def use_backend(name):
    """Choose the Keras backend before Keras is imported.

    Raises:
        InputError: a backend that is unknown or not installed.
    """
    name = _backend_name(name)
    if name not in BACKENDS:
        raise InputError(
            f"Unknown backend. Received: KERAS_BACKEND={name!r}; expected one of {', '.join(BACKENDS)}"
        )
    os.environ["KERAS_BACKEND"] = name
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        # By Keras: TensorFlow, imported first, would load Keras while itself incomplete, and our models not at all.
        __import__("keras")
    except ImportError as error:
        raise InputError(
            f"The backend {name} is not installed ({error}); pip install 'cosmogan_k3[{name}]'"
        ) from error
    from cosmogan_k3 import backend

    backend.leave_out_tensorflow()


def _use_devices(devices):
    """Choose the devices of a training, and join its other processes, before anything is computed.

    Raises:
        InputError: no such number of devices, or processes that do not find each other.
    """
    if devices != "auto" and not (devices.isdecimal() and int(devices)):
        raise InputError(f"--devices: expected auto or a positive number. Received: {devices!r}")
    from cosmogan_k3 import backend

    try:
        backend.use_devices(None if devices == "auto" else int(devices))
    except InputError:
        raise
    except (RuntimeError, ValueError) as error:
        cause = one_line(error, 200)
        raise InputError(
            f"--devices: the processes cannot join ({cause}); see docs/devices.md"
        ) from error


def _calling(config):
    from cosmogan_k3.parallel.executor import calling

    return calling(config.workers, config.scheduler, quiet=config.quiet)


def _uses_dask(config):
    from cosmogan_k3.parallel.executor import wants_dask

    return wants_dask(config.workers, config.scheduler)


def _write(shards, config):
    with _calling(config) as run:
        shards.write(run)


def _simulate(config):
    if _uses_dask(config):
        from cosmogan_k3.parallel.shards import simulated_shards

        _write(simulated_shards(config), config)
        return
    from cosmogan_k3.maps.io.writers import check_output, write_maps
    from cosmogan_k3.simulation import simulate_stream

    check_output(config.out)
    write_maps(config.out, simulate_stream(config, quiet=config.quiet))


def _train(config):
    if not config.data:
        raise InputError(
            "--data: say which maps to learn from, or use `cosmogan main`, which simulates them"
        )
    use_backend(config.backend)
    _use_devices(config.devices)
    from cosmogan_k3.training import trainer as training

    preset = training.prepare(config)
    training.train(config, preset, training.load(config, preset))


def _main(config):
    use_backend(config.backend)
    _use_devices(config.devices)
    from cosmogan_k3.training import trainer as training

    preset = training.prepare(config)
    maps, provenance = _maps_of(config, preset)
    training.train(config, preset, maps, provenance=provenance)


def _maps_of(config, preset):
    """The maps that are given or, if none are, simulated ones, and what to log of the simulation."""
    if config.data:
        from cosmogan_k3.training.trainer import load

        return load(config, preset), {}
    from cosmogan_k3.simulation import simulate_maps
    from cosmogan_k3.training.distributed import is_main_process

    simulation = Simulation(
        maps=config.maps,
        pixels=config.pixels or preset.pixels,
        field_deg=config.field_deg,
        source_redshift=config.source_redshift,
        seed=config.seed,
    )
    provenance = {f"simulation.{key}": value for key, value in asdict(simulation).items()}
    return simulate_maps(simulation, quiet=config.quiet or not is_main_process()), provenance


def _tune(config):
    use_backend(config.backend)
    from cosmogan_k3.tuning import tune

    plan = tune.prepare(config)
    maps, provenance = _maps_of(config, plan.preset)
    tune.tune(config, plan, maps, provenance=provenance)


def _evaluate(config):
    from cosmogan_k3.evaluation.evaluate import evaluate_maps, summary, write_evaluation
    from cosmogan_k3.maps import read_maps, read_mask
    from cosmogan_k3.maps.io.writers import check_writable

    for name in ("real", "generated"):
        if not getattr(config, name):
            raise InputError(f"--{name}: say which maps to compare")
    check_writable(config.out)
    _uses_dask(config)
    options = {"pixels": config.pixels or None, "pixel_arcmin": config.pixel_arcmin or None}
    names = ("real", "generated", "training") if config.training else ("real", "generated")
    sets = {name: read_maps(getattr(config, name), **options) for name in names}
    provenance = {name: str(getattr(config, name)) for name in names}
    mask = read_mask(config.mask, pixels=sets["real"].pixels) if config.mask else None
    provenance |= {"mask": config.mask} if config.mask else {}
    provenance |= {f"{name}_fingerprint": maps.fingerprint(mask) for name, maps in sets.items()}
    provenance |= {"cosmogan_k3": __version__, "seed": config.seed}
    with _calling(config) as run:
        evaluation = evaluate_maps(**sets, mask=mask, seed=config.seed, run=run)
    write_evaluation(config.out, evaluation, provenance=provenance)
    if not config.quiet:
        print(summary(evaluation))


def _generate(config):
    if _uses_dask(config):
        use_backend(config.backend)
        from cosmogan_k3.parallel.shards import generated_shards

        _write(generated_shards(config), config)
        return
    from cosmogan_k3.maps.conditioning import parse_parameters
    from cosmogan_k3.maps.io.writers import check_output, write_maps

    check_output(config.out)
    options = {
        "seed": config.seed,
        "quiet": config.quiet,
        "parameters": parse_parameters(config.parameters),
    }
    use_backend(config.backend)
    from cosmogan_k3.emulator import Emulator

    emulator = Emulator.load(config.model)
    write_maps(
        config.out, emulator.sample_stream(config.maps, pixels=config.pixels or None, **options)
    )


def _info(config):
    use_backend(config.backend)
    import keras

    from cosmogan_k3 import backend

    facts = {
        "cosmogan_k3": __version__,
        "keras": keras.__version__,
        "backend": backend.name,
    } | backend.describe()
    for key, value in facts.items():
        print(f"{key:12} {value}")


_RUN = {
    "main": _main,
    "simulate": _simulate,
    "train": _train,
    "evaluate": _evaluate,
    "generate": _generate,
    "tune": _tune,
    "info": _info,
}


def main(arguments=None):
    """Run one command; return the exit code.

    Args:
        arguments: list of str; by default those of this process, which may then be started anew.
    """
    namespace = vars(build_parser().parse_args(arguments))
    if (
        arguments is None
        and "backend" in namespace
        and _backend_name(namespace["backend"]) == "jax"
    ):
        _take_huge_pages()
    command = namespace.pop("command")
    try:
        _RUN[command](COMMANDS[command](**namespace))
    except (InputError, OSError) as error:
        parameter = getattr(error, "parameter", "")
        flag = f"--{parameter.replace('_', '-')}: " if parameter else ""
        print(f"cosmogan {command}: error: {flag}{one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"cosmogan {command}: interrupted", file=sys.stderr)
        return 130
    return 0
