"""``cosmogan serve``: a model as a web service."""

from cosmogan_k3.cli.backends import use_backend
from cosmogan_k3.config import ServeConfig


def run(config: ServeConfig) -> None:
    """Load the model, and answer requests until the process is stopped."""
    use_backend(config.backend)
    from cosmogan_k3.emulator import Emulator
    from cosmogan_k3.serving.server import listen, serve

    with listen(config.host, config.port) as opened:
        emulator = Emulator.load(config.model)
        if not config.quiet:
            host, port = opened.getsockname()[:2]
            print(f"{config.model} answers at http://{host}:{port}/invocations", flush=True)
        serve(emulator, opened)
