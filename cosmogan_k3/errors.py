"""The one error that is the user's to mend."""


class InputError(ValueError):
    """Something given from outside cannot be used; the message says what was given, what was expected, what to do.

    The command line prints it as one line and exits with 2.
    """


def one_line(error, limit=None):
    r"""The message of an error without line breaks, cut after ``limit`` characters.

    Example:
        >>> one_line(ValueError("no such\n   file"))
        'no such file'
    """
    return " ".join(str(error).split())[:limit]
