"""Where the maps of a report come from, in words."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from cosmogan_k3._typing import Metrics
from cosmogan_k3._version import __version__

_METHODS = {"nbody": "N-body simulations", "halos": "halo models", "lognormal": "lognormal fields"}

# What the words of ``origin`` say already.
_SAID = (
    *("preset", "backend", "keras_backend", "epochs", "seed", "data", "pixels", "pixel_arcmin"),
    *("train_maps", "validation_maps", "test_maps", "out", "run_id", "cosmogan_k3", "model_name"),
    *("real", "generated", "training", "real_maps_read", "generated_maps_read"),
    *("training_maps_read", "device_count"),
    *("method", "maps", "field_deg", "source_redshift"),
)


def origin(provenance: Mapping[str, Any], metrics: Metrics, today: date) -> list[tuple[str, str]]:
    """Say which model, data, field, run and software a report is about.

    Parameters
    ----------
    provenance : mapping of str to Any
        What the caller of an evaluation said, and what the evaluation found.
    metrics : mapping of str to float
        With the chosen epoch of a training.
    today : date
        Of the report.

    Returns
    -------
    list of (str, str)
        Subjects, and what is known of them; others are left out.

    Examples
    --------
    >>> known = {"preset": "best", "backend": "jax", "seed": 3, "pixels": 64, "pixel_arcmin": 4.5}
    >>> for subject, words in origin(known, {}, date(2026, 1, 2)):
    ...     print(f"{subject}: {words}")
    model: preset best, trained on jax with seed 3
    field: 4.8° × 4.8°, 64 × 64 pixels of 4.5 arcmin
    date: 2 January 2026
    software: cosmogan_k3 ...
    """
    said = {
        "model": _model(provenance, metrics),
        "data": _data(provenance),
        "field": _field(provenance),
        "date": f"{today.day} {today:%B %Y}",
        "run": _run(provenance),
        "software": f"cosmogan_k3 {provenance.get('cosmogan_k3', __version__)}",
    }
    return [(subject, words) for subject, words in said.items() if words]


def _model(known: Mapping[str, Any], metrics: Metrics) -> str:
    if "preset" not in known:
        return f"maps of {known['generated']}" if known.get("generated") else ""
    words = [f"preset {known['preset']}, trained on {known.get('backend', '')}"]
    words[0] += f" with seed {known['seed']}" if "seed" in known else ""
    if "selected_epoch" in metrics:
        last = f" of {metrics['last_epoch']:g}" if "last_epoch" in metrics else ""
        words.append(f"epoch {metrics['selected_epoch']:g}{last}")
    return ", ".join(words)


def _data(known: Mapping[str, Any]) -> str:
    if known.get("real"):
        words = f"real maps of {known['real']}"
        return f"{words}; training maps of {known['training']}" if known.get("training") else words
    words = str(known.get("data", ""))
    if not words and "simulation.method" in known:
        of = {name.removeprefix("simulation."): value for name, value in known.items()}
        method = _METHODS.get(of["method"], of["method"])
        words = (
            f"{of['maps']:,} maps of {method}, Ωₘ = {of['omega_m']:g}, σ₈ = {of['sigma_8']:g}, "
            f"sources at z = {of['source_redshift']:g}"
        )
    parts = [
        f"{known[f'{part}_maps']:,} {part}"
        for part in ("train", "validation", "test")
        if f"{part}_maps" in known
    ]
    return f"{words} ({', '.join(parts)})" if parts else words


def _field(known: Mapping[str, Any]) -> str:
    if not known.get("pixels") or not known.get("pixel_arcmin"):
        return ""
    pixels, size = known["pixels"], known["pixel_arcmin"]
    side = pixels * size / 60
    return f"{side:.3g}° × {side:.3g}°, {pixels} × {pixels} pixels of {size:.3g} arcmin"


def _run(known: Mapping[str, Any]) -> str:
    names = {"folder": known.get("out"), "MLflow run": known.get("run_id")}
    return ", ".join(f"{name} {value}" for name, value in names.items() if value)


def parameters(provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the names and values that ``origin`` does not say and that are not empty.

    Parameters
    ----------
    provenance : mapping of str to Any

    Returns
    -------
    list of (str, str)

    Examples
    --------
    >>> parameters({"preset": "best", "start": "", "preset.augment": True, "mask": None})
    [('preset augment', 'True')]
    """
    return [
        (str(name).replace("_", " ").replace(".", " "), str(value))
        for name, value in provenance.items()
        if name not in _SAID and value not in ("", None, (), [], {})
    ]
