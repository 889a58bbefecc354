"""``cosmogan cut``: flat patches of full-sky maps in one file."""

import sys
import warnings
from dataclasses import fields

from cosmogan_k3.cli.outputs import output_file
from cosmogan_k3.config import CutConfig
from cosmogan_k3.errors import InputError
from cosmogan_k3.maps import SkyCut, cut_stream, write_maps
from cosmogan_k3.maps.conditioning import parse_parameters


def run(config: CutConfig) -> None:
    """Cut full-sky maps into patches and write them."""
    if not config.sky:
        raise InputError("expected full-sky maps. Received: ''", parameter="sky")
    cut = SkyCut(**{each.name: getattr(config, each.name) for each in fields(SkyCut)})
    parameters = parse_parameters(config.parameters)
    with output_file(config.out, overwrite=config.overwrite):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            stream = cut_stream(config.sky, cut, parameters=parameters, quiet=config.quiet)
        for warning in caught:
            print(f"cosmogan: warning: {warning.message}", file=sys.stderr)
        write_maps(config.out, stream)
    if not config.quiet:
        of_each = len(stream) // (int(stream.map_id[-1]) + 1)
        print(f"{len(stream)} patches, {of_each} of each sky, in {config.out}")
