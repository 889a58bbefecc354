"""Names of metrics in MLflow, whose pages have a section for each group ``group/name``."""

# Prefixes of the names in ``metrics.json`` that are groups of their own.
_GROUPS = {
    "validation_": "validation",
    "pvalue_": "pvalue",
    "start_in_nulls_": "start_in_nulls",
    "in_nulls_": "in_nulls",
    "survey_": "survey",
}
_COPIES = ("duplicate_", "memorisation_", "effective_share", "audited_maps")
# What the end of a training says of the training itself.
_TRAINING = ("images_per_second", "training_seconds", "selected_epoch", "last_epoch", "pca_best")
_NULL = "_null"


def epoch_metric(name: str) -> str:
    """Return the name in MLflow of a number of an epoch.

    MLflow sorts groups by name: losses and logits are what a page opens on.

    Parameters
    ----------
    name : str

    Examples
    --------
    >>> epoch_metric("generator_loss"), epoch_metric("validation_diversity")
    ('by_epoch/generator_loss', 'validation/diversity')
    >>> epoch_metric("validation_peak_counts_error_null")
    'null/validation_peak_counts_error'
    """
    return final_metric(name) if name.startswith("validation_") else f"by_epoch/{name}"


def final_metric(name: str) -> str:
    """Return the name in MLflow of a number of the final evaluation.

    Parameters
    ----------
    name : str
        In ``metrics.json``. A name that has a group already is returned as it is.

    Examples
    --------
    >>> final_metric("peak_counts_error_max"), final_metric("peak_counts_error_max_null")
    ('test/peak_counts_error_max', 'null/peak_counts_error_max')
    >>> final_metric("validation_score"), final_metric("training_seconds")
    ('validation/score', 'training/training_seconds')
    """
    if "/" in name:
        return name
    if name.endswith(_NULL):
        return f"null/{name.removesuffix(_NULL)}"
    for prefix, group in _GROUPS.items():
        if name.startswith(prefix):
            return f"{group}/{name.removeprefix(prefix)}"
    if name.startswith(_COPIES):
        return f"copies/{name}"
    return f"{'training' if name.startswith(_TRAINING) else 'test'}/{name}"


def part_of(metric: str) -> str:
    """Return the part of the split on which a metric of MLflow was measured; "" for none.

    Parameters
    ----------
    metric : str
        As ``final_metric`` returns it.

    Examples
    --------
    >>> part_of("validation/score"), part_of("null/peaks"), part_of("training/last_epoch")
    ('validation', 'test', '')
    """
    group = metric.partition("/")[0]
    if group in ("validation", "training"):
        return "validation" if group == "validation" else ""
    return "test" if "/" in metric else ""
