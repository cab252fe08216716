"""Providers by what a test needs of them, found in the registry, so that no test names one."""

from collections.abc import Callable
from typing import Final

from exports.providers.contract import Provider
from exports.providers.registry import PROVIDERS
from exports.sandbox.registry import DECLARATIONS


class Role(str):
    """The slug of a provider that a test takes for what it can do, whatever its name."""

    __slots__ = ()

    @property
    def provider(self) -> Provider:
        """Its declaration."""
        return PROVIDERS[self]

    @property
    def label(self) -> str:
        """Its name on pages."""
        return str(self.provider.label)


def cast_for(fits: Callable[[Provider], bool]) -> Role:
    """The first registered provider that fits, which has a stand-in."""
    return Role(next(slug for slug, provider in PROVIDERS.items() if slug in DECLARATIONS and fits(provider)))


def copies(provider: Provider, *formats: str) -> bool:
    """Whether one of its kinds copies something and has all these formats."""
    return any(kind.effect == "copies" and set(formats) <= set(kind.formats) for kind in provider.kinds)


# One kind, with the formats csv and xlsx; its jobs are listed completely; OAuth or an API key.
TABLES: Final = cast_for(lambda provider: copies(provider, "csv", "xlsx"))
# Two kinds, zip; options that are chosen from what the provider lists; one token.
ARCHIVES: Final = cast_for(lambda provider: copies(provider, "zip") and len(provider.kinds) == 2)
# One kind, mp4; two secrets, exchanged for a token that is renewed; webhooks tell progress.
VIDEOS: Final = cast_for(lambda provider: copies(provider, "mp4"))
# One kind, which changes something at the provider and has no file.
CHANGING: Final = cast_for(lambda provider: any(kind.effect != "copies" for kind in provider.kinds))
