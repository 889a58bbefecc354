"""``cosmogan models``: the models that come with the package. Needs no Keras."""

from cosmogan_k3.config import ModelsConfig
from cosmogan_k3.pretrained import card_text, names, read_card, summary


def run(config: ModelsConfig) -> None:
    """List all models, or print the card of one."""
    if config.name:
        print(card_text(read_card(config.name)))
        return
    for name in names():
        print(summary(read_card(name)))
    if not names():
        print("no pretrained models come with this version")
