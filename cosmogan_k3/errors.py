"""The error caused by invalid user input."""


class InputError(ValueError):
    """Report input that cannot be used.

    The message says what was given, what was expected and what to do. It names parameters as in
    Python, never as flags of the command line: the command line adds the flag of ``parameter``,
    prints one line and exits with code 2.

    Parameters
    ----------
    message : str
        What is wrong, in one or two sentences.
    parameter : str, optional
        Name of the parameter that holds the input, as in ``config``, or several names separated
        by commas; empty if there is none.

    Examples
    --------
    >>> error = InputError("must be positive. Received: -1", parameter="pixel_arcmin")
    >>> error.parameter, str(error)
    ('pixel_arcmin', 'must be positive. Received: -1')
    """

    def __init__(self, message: str, *, parameter: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter


def one_line(error: object, limit: int | None = None) -> str:
    r"""Return a message without line breaks.

    Parameters
    ----------
    error : object
        An exception, or anything else with a text.
    limit : int, optional
        Largest number of characters; the rest is cut.

    Returns
    -------
    str

    Examples
    --------
    >>> one_line(ValueError("no such\n   file"))
    'no such file'
    """
    return " ".join(str(error).split())[:limit]
