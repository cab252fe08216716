"""Every provider that the portal knows: its own, and those of installed packages.

The portal's own are listed in `exports/shipped.py`; packages bring theirs (exports/providers/packages.py).
"""

from typing import Final

from exports.errors import ConflictError
from exports.providers.contract import Kind, Provider
from exports.providers.packages import load_packages
from exports.shipped import load_classes

SHIPPED: Final[tuple[Provider, ...]] = tuple(provider() for provider in load_classes("exports.providers"))
# Read once, at start: a package that is installed meanwhile counts from the next start on.
PACKAGES: Final = load_packages(provider.slug for provider in SHIPPED)
PROVIDERS: Final[dict[str, Provider]] = {
    provider.slug: provider for provider in (*SHIPPED, *(one.provider for one in PACKAGES if one.provider))
}


class NotInstalledError(ConflictError, KeyError):
    """The portal has no provider of this slug, or the provider has no kind of this type: a sentence."""

    # Django's templates take the attribute as empty then.
    silent_variable_failure = True

    def __str__(self) -> str:
        return str(self.args[0])


def get_provider(slug: str) -> Provider:
    """The provider with this slug. Raises NotInstalledError."""
    try:
        return PROVIDERS[slug]
    except KeyError:
        raise NotInstalledError(f"The provider {slug} is not installed.") from None


def get_kind(slug: str, type_: str) -> Kind:
    """The kind of export of that provider and type. Raises NotInstalledError."""
    provider = get_provider(slug)
    kind = provider.kind(type_)
    if kind is None:
        raise NotInstalledError(f"{provider.label} has no kind of export {type_}.")
    return kind
