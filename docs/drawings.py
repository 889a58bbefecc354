"""Draw both networks of the paper's preset and of ``best`` as SVG.

::

    python docs/drawings.py     # writes docs/images/*.svg

``tests/docs/test_drawings.py`` compares the sides and channels with the networks themselves.
"""

from collections.abc import Iterator
from html import escape
from pathlib import Path

IMAGES = Path(__file__).parent / "images"

# A block: what it does, its output, and its kind (the colour).
Block = tuple[str, str, str]

WIDTH, HEIGHT, GAP, MARGIN = 400, 46, 16, 10
COLOURS = {
    "input": "#e8e8ef",
    "network": "#d6e4f5",
    "norm": "#dcefdc",
    "special": "#f8e3c5",
    "output": "#e8e8ef",
}

NETWORKS: dict[str, list[Block]] = {
    "geogan-generator": [
        ("latent z, normal", "64", "input"),
        ("dense, virtual batch norm, ReLU", "16 × 16 × 512", "norm"),
        ("transposed 5×5, virtual batch norm, ReLU", "32 × 32 × 256", "norm"),
        ("transposed 5×5, virtual batch norm, ReLU", "64 × 64 × 128", "norm"),
        ("transposed 5×5, virtual batch norm, ReLU", "128 × 128 × 64", "norm"),
        ("transposed 5×5, tanh", "256 × 256 × 1", "network"),
        ("map, in network units", "256 × 256", "output"),
    ],
    "geogan-discriminator": [
        ("map, in network units", "256 × 256 × 1", "input"),
        ("5×5 stride 2, leaky ReLU", "128 × 128 × 64", "network"),
        ("5×5 stride 2, batch norm, leaky ReLU", "64 × 64 × 128", "norm"),
        ("5×5 stride 2, batch norm, leaky ReLU", "32 × 32 × 256", "norm"),
        ("5×5 stride 2, batch norm, leaky ReLU", "16 × 16 × 512", "norm"),
        ("minibatch discrimination, 256 kernels", "16 × 16 × 513", "special"),
        ("5×5, batch norm, leaky ReLU", "16 × 16 × 513", "norm"),
        ("dense: the logit D(x)", "1", "output"),
    ],
    "best-generator": [
        ("latent grid, normal", "8 × 8 × 16", "input"),
        ("3×3", "8 × 8 × 64", "network"),
        ("upsample, 3×3, + noise, + field, ReLU", "16 × 16 × 48", "network"),
        ("upsample, 3×3, + noise, + field, ReLU", "32 × 32 × 32", "network"),
        ("upsample, 3×3, + noise, + field, ReLU", "64 × 64 × 16", "network"),
        ("3×3, + noise, + field, ReLU", "64 × 64 × 16", "network"),
        ("3×3, zero at the start", "64 × 64 × 1", "network"),
        ("+ Gaussian field of the maps' spectrum", "64 × 64 × 1", "special"),
        ("lognormal output", "64 × 64 × 1", "special"),
        ("after training: filter, quantile mapping", "64 × 64", "output"),
    ],
    "best-discriminator": [
        ("map, in network units", "64 × 64 × 1", "input"),
        ("starlet planes, smooth map, log map", "64 × 64 × 4", "special"),
        ("5×5 stride 2, leaky ReLU", "32 × 32 × 32", "network"),
        ("3×3 stride 2, leaky ReLU", "16 × 16 × 32", "network"),
        ("3×3 stride 2, leaky ReLU", "8 × 8 × 64", "network"),
        ("3×3 stride 2, leaky ReLU", "4 × 4 × 128", "network"),
        ("mean over the map", "128", "special"),
        ("dense: the logit D(x)", "1", "output"),
    ],
}


def svg(blocks: list[Block]) -> str:
    """Return the drawing of a chain of blocks.

    Parameters
    ----------
    blocks : list of Block
        From the input to the output.

    Returns
    -------
    str
    """
    height = 2 * MARGIN + len(blocks) * HEIGHT + (len(blocks) - 1) * GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            'font-family="sans-serif">',
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
            *_parts(blocks),
            "</svg>\n",
        ]
    )


def _parts(blocks: list[Block]) -> Iterator[str]:
    """Yield boxes with two lines of text, and the arrows between them."""
    middle = WIDTH // 2
    for number, (text, shape, kind) in enumerate(blocks):
        top = MARGIN + number * (HEIGHT + GAP)
        if number:
            yield (
                f'<path d="M{middle} {top - GAP} v{GAP - 3} m-4 -5 l4 5 l4 -5" fill="none" '
                'stroke="#555" stroke-width="1.5"/>'
            )
        yield (
            f'<rect x="{MARGIN}" y="{top}" width="{WIDTH - 2 * MARGIN}" height="{HEIGHT}" rx="6" '
            f'fill="{COLOURS[kind]}" stroke="#777"/>'
        )
        for line, y, size in ((text, 19, 15), (shape, 37, 13)):
            yield (
                f'<text x="{middle}" y="{top + y}" font-size="{size}" text-anchor="middle" '
                f'fill="#1a1a1a">{escape(line)}</text>'
            )


if __name__ == "__main__":
    for name, blocks in NETWORKS.items():
        (IMAGES / f"{name}.svg").write_text(svg(blocks))
