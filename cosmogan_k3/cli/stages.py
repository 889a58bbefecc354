"""What a command is doing: the stages that its rooms log, as lines on standard output."""

import contextlib
import logging
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def shown(*, quiet: bool) -> Iterator[None]:
    """Print the stages that the package logs within the block, unless the command is quiet.

    Without it a stage of half a minute would be silent. Programs that use the package as a library
    see the stages if they set a handler of the logger ``cosmogan_k3``.

    Parameters
    ----------
    quiet : bool

    Examples
    --------
    >>> with shown(quiet=False):
    ...     logging.getLogger("cosmogan_k3.training").info("evaluating epoch 3")
    evaluating epoch 3
    """
    if quiet:
        yield
        return
    logger = logging.getLogger("cosmogan_k3")
    handler = logging.StreamHandler(sys.stdout)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False  # TensorFlow gives the root a handler, too
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]
