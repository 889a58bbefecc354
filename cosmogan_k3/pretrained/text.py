"""Model cards as text."""

from typing import Any

from cosmogan_k3.pretrained.card import Card

# A statistic within so many times its null counts as close.
_CLOSE = 2.0


def summary(card: Card) -> str:
    """Return what a list of models says of one, in a few lines.

    Parameters
    ----------
    card : Card

    Returns
    -------
    str
    """
    lines = [
        f"{card.title}",
        f"{_maps(card)}; {_cosmology(card)}",
        f"trained on {_trained_on(card)}; {card.n_bytes / 1000:.0f} kB",
        _quality(card),
    ]
    return "\n".join([card.name, *(f"    {line}" for line in lines)])


def card_text(card: Card) -> str:
    """Return a card as text: what the model is, how it was made, how good it is, where not.

    Parameters
    ----------
    card : Card

    Returns
    -------
    str
    """
    sections = {
        "": [f"pretrained:{card.name}: {card.title}"],
        "Maps": [_maps(card), _cosmology(card), *_parameters(card)],
        "Training": [card.data, _trained_on(card), *_rows(card.training)],
        "Evaluation": [_quality(card), "", *_table(card), "", *_rows(card.evaluation)],
        "Where not to trust it": [f"- {limit}" for limit in card.limits],
        "File": _rows({"bytes": card.n_bytes, "sha256": card.sha256, "licence": card.licence}),
    }
    return "\n\n".join(_section(heading, lines) for heading, lines in sections.items())


def _section(heading: str, lines: list[str]) -> str:
    return "\n".join([heading, *(f"  {line}".rstrip() for line in lines)] if heading else lines)


def _maps(card: Card) -> str:
    side = card.pixels * card.pixel_arcmin / 60
    return (
        f"{card.pixels} x {card.pixels} pixels of {card.pixel_arcmin:.4g} arcmin ({side:.3g} "
        f"degrees), sources at z = {card.source_redshift:g}"
    )


def _cosmology(card: Card) -> str:
    return ", ".join(f"{name} = {value:g}" for name, value in card.cosmology.items())


def _parameters(card: Card) -> list[str]:
    ranges = card.parameters.items()
    return [f"conditional on {name}: {low:g} to {high:g}" for name, (low, high) in ranges]


def _trained_on(card: Card) -> str:
    training = card.training
    maps, groups = training["train_maps"], training["train_groups"]
    return f"{maps:,} maps" + (f" of {groups:,} boxes" if groups < maps else "")


def _quality(card: Card) -> str:
    close = sum(row["distance"] <= _CLOSE * row["null_median"] for row in card.statistics)
    error, null = (card.evaluation[f"power_spectrum_error_mean{end}"] for end in ("", "_null"))
    return (
        f"{close} of {len(card.statistics)} statistics within {_CLOSE:g} times their null; mean "
        f"|dP/P| {error:.1%} (null {null:.1%})"
    )


def _table(card: Card) -> list[str]:
    """Return the distances in units of their null, with corrected p-values."""
    width = max(len(row["statistic"]) for row in card.statistics)
    lines = [f"{'':{width}} {'distance':>10} {'null':>10} {'in nulls':>9} {'p':>7}"]
    return lines + [
        f"{row['statistic']:{width}} {row['distance']:10.4g} {row['null_median']:10.4g} "
        f"{row['distance'] / row['null_median']:9.1f} {row['corrected_pvalue']:7.3g}"
        for row in card.statistics
    ]


def _rows(values: dict[str, Any]) -> list[str]:
    width = max(len(name) for name in values)
    return [f"{name:{width}}  {_plain(value)}" for name, value in values.items()]


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
