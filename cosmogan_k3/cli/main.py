"""Entry point of the command line: parse, dispatch, report errors in one line.

No framework is imported before the arguments are parsed and within their bounds.
"""

import importlib
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from cosmogan_k3._imports.extras import explained
from cosmogan_k3.cli.backends import backend_name, restart_with_tunables
from cosmogan_k3.cli.noise import hush
from cosmogan_k3.cli.parser import build_parser, flags_of
from cosmogan_k3.cli.stages import shown
from cosmogan_k3.config import COMMANDS
from cosmogan_k3.errors import InputError, masked, one_line
from cosmogan_k3.training.interruption import Interruption, Terminated, raising_on_signals

# Libraries raise the last three for values that no earlier check refused.
_INPUT_ERRORS = (InputError, OSError, ValueError, OverflowError, MemoryError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command and options. By default those of this process, which may then be started again.

    Returns
    -------
    int
        Exit code: 0; 2 after an error that the user can correct; 1 after any other error, which is
        an error of this package; 130 after SIGINT (Ctrl-C), 143 after SIGTERM.

    Examples
    --------
    >>> main(["evaluate", "--generated", "new.npz"])  # prints an error to standard error
    2
    """
    options = vars(build_parser().parse_args(arguments))
    command, debug = options.pop("command"), options.pop("debug")
    if not debug:
        hush()
    if arguments is None and _uses_keras(command, options):
        restart_with_tunables(backend_name(options["backend"]))
    with shown(quiet=options.get("quiet", True)), raising_on_signals() as interruption:
        try:
            module = importlib.import_module(f"cosmogan_k3.cli.commands.{command}")
            module.run(COMMANDS[command](**options))
        except (Exception, KeyboardInterrupt, Terminated) as error:
            if debug:
                print(masked(traceback.format_exc()), file=sys.stderr)
            code, message = _verdict(error, interruption)
            notes = getattr(error, "__notes__", ())  # how to go on
            print("; ".join([f"cosmogan {command}: {message}", *notes]), file=sys.stderr)
            return code
    return 0


def _uses_keras(command: str, options: dict[str, Any]) -> bool:
    """Whether a command computes with Keras; an evaluation does only if it trains a classifier."""
    return "backend" in options and bool(command != "evaluate" or options["classifier"])


def _verdict(error: BaseException, interruption: Interruption) -> tuple[int, str]:
    """Return the exit code and the line of an error, without the name of the command."""
    if interruption.number:  # an error of a library on the way out is none to report
        return interruption.exit_code, interruption.name
    if isinstance(error, KeyboardInterrupt):
        return 130, "interrupted"
    if isinstance(error, ModuleNotFoundError) and (advice := explained(error)) is not error:
        return 2, f"error: {advice}"
    if isinstance(error, _INPUT_ERRORS):
        flags = flags_of(getattr(error, "parameter", ""))
        prefix = f"{flags}: " if flags else ""
        return 2, f"error: {prefix}{one_line(error) or type(error).__name__}"
    reason = f"{type(error).__name__}: {one_line(error, 300)}"
    return 1, (
        f"unexpected error: {reason}; please report it, with the output of the same command with "
        "--debug"
    )
