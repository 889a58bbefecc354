"""Listening at an address, and answering until the process is stopped."""

import socket

import uvicorn

from cosmogan_k3.emulator import Emulator
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.serving.app import build_app

# Connections at a time; further ones get status 503.
_MOST_CONNECTIONS = 256
_BACKLOG = 128


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address.

    Parameters
    ----------
    host : str
    port : int
        0 for any free one.

    Raises
    ------
    InputError
        If the address cannot be used.

    Examples
    --------
    >>> with listen("127.0.0.1", 0) as opened:
    ...     opened.getsockname()[0]
    '127.0.0.1'
    """
    try:
        return socket.create_server((host, port), backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"{host}:{port}: cannot be listened at ({one_line(error, 100)}); give another address",
            parameter="host, port",
        ) from error


def serve(emulator: Emulator, opened: socket.socket) -> None:
    """Answer requests for maps until the process is stopped.

    Parameters
    ----------
    emulator : Emulator
    opened : socket
        As ``listen`` returns it.
    """
    settings = uvicorn.Config(
        build_app(emulator), log_level="warning", limit_concurrency=_MOST_CONNECTIONS
    )
    uvicorn.Server(settings).run(sockets=[opened])
