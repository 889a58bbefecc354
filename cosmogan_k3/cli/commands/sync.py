"""``cosmogan sync``: to MLflow what trainings recorded while it did not answer."""

from cosmogan_k3.config import SyncConfig
from cosmogan_k3.tracking.runs import sync


def run(config: SyncConfig) -> None:
    """Send the records that are pending in a folder."""
    print(f"{config.folder}: {sync(config.folder)} records sent")
