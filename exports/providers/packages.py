"""Providers in packages of others: what is installed under the entry-point group `export_portal.providers`.

Nothing is imported but what an entry point names. A package that cannot be used is left out with a sentence that names
it; the system check `exports.E006` stops the start for it (docs/decisions/0031).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from exports.providers.contract import CONTRACT_VERSION, OLDEST_CONTRACT_VERSION, Provider

GROUP: Final = "export_portal.providers"
# The slug is a column's value, a part of addresses, and the stand-in's prefix.
SLUG: Final = re.compile(r"[a-z][a-z0-9]{1,29}")
DECLARED: Final = ("slug", "label", "docs", "origins", "secrets", "kinds", "status_map")


@dataclass(frozen=True)
class ProviderPackage:
    """One entry point of an installed package. `problem`: why its provider cannot be used, a sentence; "" if it can."""

    name: str
    version: str
    target: str
    provider: Provider | None = None
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class UnusableError(Exception):
    """Why a package's provider cannot be used and what to do, as a sentence."""


def load_packages(shipped: Iterable[str]) -> tuple[ProviderPackage, ...]:
    """Loads the provider of every entry point of the group, by the package's name. `shipped`: slugs already taken."""
    owners = dict.fromkeys(shipped, "the portal itself")
    packages: list[ProviderPackage] = []
    for entry_point in sorted(entry_points(group=GROUP), key=lambda one: (_package_of(one), one.name)):
        name, version = _package_of(entry_point)
        try:
            provider = _load(entry_point, owners)
        except UnusableError as error:
            problem = f"The package {name} {version} cannot be used: {error}"
            packages.append(ProviderPackage(name, version, entry_point.value, problem=problem))
        else:
            owners[provider.slug] = f"the package {name}"
            packages.append(ProviderPackage(name, version, entry_point.value, provider))
    return tuple(packages)


def _package_of(entry_point: EntryPoint) -> tuple[str, str]:
    return (entry_point.dist.name, entry_point.dist.version) if entry_point.dist else ("(unnamed)", "")


def _load(entry_point: EntryPoint, owners: dict[str, str]) -> Provider:
    """The provider that the entry point names. Raises UnusableError."""
    target = entry_point.value
    try:
        named = entry_point.load()
    # Whatever a foreign module does when it is imported, the other providers are not to suffer.
    except (Exception, SystemExit) as error:
        reason = f"{target} cannot be imported ({_in_short(error)}). Install what it needs, or uninstall the package."
        raise UnusableError(reason) from error
    if not (isinstance(named, type) and issubclass(named, Provider)):
        raise UnusableError(f"{target} is no subclass of exports.providers.contract.Provider. Tell its author.")
    _check_contract_version(getattr(named, "contract_version", None), target)
    if missing := [name for name in DECLARED if not hasattr(named, name)]:
        raise UnusableError(f"{target} does not declare {', '.join(missing)}. Tell its author.")
    slug: object = named.slug  # A foreign class may declare anything.
    if not isinstance(slug, str) or not SLUG.fullmatch(slug):
        rule = "a slug is 2 to 30 lower-case letters and digits, beginning with a letter"
        raise UnusableError(f"{target} has the slug {str(slug)[:40]!r}, but {rule}. Tell its author.")
    if slug in owners:
        raise UnusableError(f"its slug {slug} is taken by {owners[slug]}. Uninstall one of the two.")
    try:
        return named()
    except Exception as error:
        raise UnusableError(f"{target} cannot be made ({_in_short(error)}). Tell its author.") from error


def _check_contract_version(version: object, target: str) -> None:
    """Raises UnusableError for a version of the contract that this portal does not have."""
    if isinstance(version, bool) or not isinstance(version, int):
        raise UnusableError(
            f"{target} does not say which version of the provider contract it was written for: its class needs"
            f" contract_version = {CONTRACT_VERSION}. Tell its author."
        )
    if version > CONTRACT_VERSION:
        raise UnusableError(
            f"it was written for version {version} of the provider contract, and this portal has {CONTRACT_VERSION}."
            " Upgrade the portal, or install an older release of the package."
        )
    if version < OLDEST_CONTRACT_VERSION:
        raise UnusableError(
            f"it was written for version {version} of the provider contract, and this portal takes"
            f" {OLDEST_CONTRACT_VERSION} to {CONTRACT_VERSION}. Install a newer release of the package."
        )


def _in_short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:200]
