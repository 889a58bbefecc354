"""The argument parser, built from the dataclasses in ``config``."""

import argparse
from collections.abc import Callable
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, NoReturn

from cosmogan_k3._options import problem
from cosmogan_k3._version import __version__
from cosmogan_k3.config import COMMANDS
from cosmogan_k3.errors import one_line

_EPILOG = """\
examples:
  cosmogan simulate --maps 1000 --source-redshift 0.7 --out maps.fits
  cosmogan train --data maps.fits --backend torch --out run
  cosmogan generate --model run/model.keras --maps 5000 --seed 1 --out new.npz
  cosmogan generate --model pretrained:nbody --maps 5000 --out new.npz
  cosmogan generate --model pretrained:nbody --film latents --out film.gif
  cosmogan models                                     # that come with the package
  cosmogan serve --model run/model.keras --port 5001
  cosmogan evaluate --real maps.fits --split run/split.json --generated new.npz
  cosmogan tune --data maps.fits --trials 40 --workers 4 --out study
  cosmogan simulate --vary "omega_m=0.2:0.4,sigma_8=0.6:1.0" --out many.h5
  cosmogan train --data many.h5 --condition omega_m,sigma_8 --out conditional
  cosmogan cut --sky "skies/*.fits" --field-deg 5 --pixels 64 --out patches.h5
  cosmogan main            simulate, train, evaluate and register in one command
"""

_LONGEST = 1_000  # characters of an error, which repeats what was typed


class _Parser(argparse.ArgumentParser):
    """Parser that reports an error in one line."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; refuse ``--out=--``, of which argparse makes an empty list."""
        parsed, rest = super().parse_known_args(args, namespace)
        for name, value in vars(parsed).items():
            if isinstance(value, list):
                self.error(f"argument {flags_of(name)}: expected one argument")
        return parsed, rest

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {one_line(message, _LONGEST)}\n")


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of all commands.

    Returns
    -------
    argparse.ArgumentParser
        Its namespaces hold ``command``, ``debug`` and the fields of that command's dataclass.

    Examples
    --------
    >>> build_parser().parse_args(["simulate", "--maps", "3"]).maps
    3
    """
    parser = _Parser(
        prog="cosmogan",
        description="Weak-lensing convergence maps from generative adversarial networks.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"cosmogan_k3 {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, config in COMMANDS.items():
        summary = (config.__doc__ or "").strip().splitlines()[0]
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            allow_abbrev=False,
        )
        for field in fields(config):
            _add_option(command, field)
        # Not a parameter of the command: it changes no result, and MLflow does not log it.
        command.add_argument(
            "--debug",
            action="store_true",
            help="show the traceback of an error, and what libraries log",
        )
    return parser


def flags_of(parameter: str) -> str:
    """Return the flags of parameters.

    Parameters
    ----------
    parameter : str
        Names of parameters, separated by commas.

    Returns
    -------
    str

    Examples
    --------
    >>> flags_of("pixel_arcmin"), flags_of("workers, scheduler")
    ('--pixel-arcmin', '--workers, --scheduler')
    """
    names = (name.strip() for name in parameter.split(",") if name.strip())
    return ", ".join("--" + name.replace("_", "-") for name in names)


def _add_option(command: argparse.ArgumentParser, field: Field[Any]) -> None:
    """Add the option of one field to a command."""
    flag, help = flags_of(field.name), field.metadata["help"] + _range(field)
    if field.default != "" and field.default is not False:
        help += " (default: %(default)s)"
    if field.metadata["flag"]:
        command.add_argument(flag, action="store_true", help=help)
        return
    bare, positional = field.metadata["bare"], field.metadata["positional"]
    options = {} if bare is None else {"const": bare}
    options |= {"nargs": "?"} if positional or bare is not None else {}
    command.add_argument(
        field.name if positional else flag,
        default=field.default,
        type=_converter(field),
        metavar=_placeholder(field),
        help=help,
        **options,
    )


def _placeholder(field: Field[Any]) -> str:
    """Return what stands for the value in the help text: all choices, or its type."""
    if field.metadata["positional"]:
        return field.name.upper()
    if choices := field.metadata["choices"]:
        return "{" + ",".join(str(choice) for choice in choices if choice != "") + "}"
    return _type_of(field).__name__.upper()


def _range(field: Field[Any]) -> str:
    """Return the bounds of a field for its help text, if it has both."""
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    return "" if low is None or high is None else f"; {low:,} to {high:,}"


def _type_of(field: Field[Any]) -> type:
    """Return the type of a field; annotations in ``config`` are types, not strings."""
    assert isinstance(field.type, type)
    return field.type


def _converter(field: Field[Any]) -> Callable[[str], Any]:
    """Return the function by which argparse converts and checks the text of a field."""
    convert = _type_of(field)

    def converted(text: str) -> Any:
        if convert is str and text.startswith("~"):
            text = _expanded(text)
        try:
            value = convert(text)
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"expected {convert.__name__}. Received: {text!r}"
            ) from None
        if reason := problem(value, field.metadata):
            raise argparse.ArgumentTypeError(f"{reason}. Received: {text!r}")
        return value

    return converted


def _expanded(text: str) -> str:
    """Return a path with the home folder for ``~``: no shell expands --out=~/maps.npz."""
    try:
        return str(Path(text).expanduser())
    except RuntimeError:  # there is no such user: the name is meant
        return text
