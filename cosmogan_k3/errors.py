"""The error caused by invalid user input, and how messages are shown."""

import re

# A password ends at the last @ before a blank: some programs that take URLs allow @, / and
# quotation marks in it. Of two URLs in a row, only a blank tells where the second begins.
_PASSWORD = re.compile(r"(://[^\s:/@]*):\S*@")
# Colors of a terminal, as Keras puts them into its errors.
_COLOR = re.compile(r"\x1b\[[\d;]*m")
_SECRET = re.compile(r"([?&][\w-]*(?:pass|pwd|token|secret|key)[\w-]*=)[^\s'\"&]*", re.IGNORECASE)


class InputError(ValueError):
    """Report input that cannot be used.

    The message says what was given, what was expected and what to do. It names parameters as in
    Python, never as flags of the command line: the command line adds the flag of ``parameter``,
    prints one line and exits with code 2.

    Parameters
    ----------
    message : str
        What is wrong, in one or two sentences. Passwords in URLs are masked.
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
        super().__init__(masked(message))
        self.parameter = parameter


def one_line(error: object, limit: int | None = None) -> str:
    r"""Return a message without line breaks, control characters and passwords of URLs.

    Names out of files of others may hold control characters, which a terminal would obey.

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
    >>> one_line("\x1b[1mno array 'kappa\x07'\x1b[0m")
    "no array 'kappa\\x07'"
    """
    text = " ".join(_COLOR.sub("", str(error)).split())
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return masked(shown)[:limit]


def masked(text: str) -> str:
    """Return a text whose URLs show no passwords.

    All that is shown or logged and may hold an address goes through this function.

    Parameters
    ----------
    text : str
        A URL, or a message that holds URLs.

    Returns
    -------
    str

    Examples
    --------
    >>> masked("postgresql://me:secret@host/studies: no such database")
    'postgresql://me:***@host/studies: no such database'
    >>> masked("http://host/api?token=secret&page=2")
    'http://host/api?token=***&page=2'
    """
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))
