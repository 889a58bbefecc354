"""``python -m cosmogan_k3``: the command line."""

from cosmogan_k3.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
