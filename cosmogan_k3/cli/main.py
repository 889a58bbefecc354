"""Entry point of the command line: parse, dispatch, report errors in one line.

No framework is imported before the arguments are parsed and within their bounds.
"""

import importlib
import sys
import traceback
from collections.abc import Sequence

from cosmogan_k3.cli.backends import backend_name, restart_with_huge_pages
from cosmogan_k3.cli.parser import build_parser, flags_of
from cosmogan_k3.config import COMMANDS
from cosmogan_k3.errors import InputError, masked, one_line

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
        an error of this package; 130 after an interrupt.

    Examples
    --------
    >>> main(["evaluate", "--generated", "new.npz"])  # prints an error to standard error
    2
    """
    options = vars(build_parser().parse_args(arguments))
    command, debug = options.pop("command"), options.pop("debug")
    if arguments is None and "backend" in options and backend_name(options["backend"]) == "jax":
        restart_with_huge_pages()
    try:
        module = importlib.import_module(f"cosmogan_k3.cli.commands.{command}")
        module.run(COMMANDS[command](**options))
    except _INPUT_ERRORS as error:
        if debug:
            print(masked(traceback.format_exc()), file=sys.stderr)
        flags = flags_of(getattr(error, "parameter", ""))
        prefix = f"{flags}: " if flags else ""
        reason = one_line(error) or type(error).__name__  # a MemoryError has no text
        print(f"cosmogan {command}: error: {prefix}{reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"cosmogan {command}: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if debug:
            print(masked(traceback.format_exc()), file=sys.stderr)
        reason = f"{type(error).__name__}: {one_line(error, 300)}"
        print(
            f"cosmogan {command}: unexpected error: {reason}; please report it, with the output of "
            "the same command with --debug",
            file=sys.stderr,
        )
        return 1
    return 0
