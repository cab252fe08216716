"""Every provider that the portal knows. A new one needs a file beside this one and a line here."""

from typing import Final

from exports.providers.aistudios import AIStudios
from exports.providers.contract import Kind, Provider
from exports.providers.playcanvas import PlayCanvas
from exports.providers.toloka import Toloka
from exports.providers.ulule import Ulule

PROVIDERS: Final[dict[str, Provider]] = {
    provider.slug: provider for provider in (PlayCanvas(), AIStudios(), Toloka(), Ulule())
}


def get_provider(slug: str) -> Provider:
    """The provider with this slug. Raises KeyError."""
    return PROVIDERS[slug]


def get_kind(slug: str, type_: str) -> Kind:
    """The kind of export of that provider and type. Raises KeyError."""
    kind = PROVIDERS[slug].kind(type_)
    if kind is None:
        raise KeyError(f"{slug} {type_}")
    return kind
