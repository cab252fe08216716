"""The cards of the coverage page: how many projects of each provider are protected."""

from collections.abc import Mapping
from dataclasses import dataclass

from exports.exporting.coverage import UNPROTECTED
from exports.exporting.freshness import providers_with_copies


@dataclass(frozen=True)
class ProviderCard:
    """How many projects of a provider there are, and how many of them are protected."""

    provider: str
    total: int
    unprotected: int
    makes_copies: bool

    @property
    def protected(self) -> int:
        """How many are here."""
        return self.total - self.unprotected

    @property
    def percent(self) -> float:
        """The share that is here, 0 to 100."""
        return round(100 * self.protected / self.total, 1) if self.total else 0.0


def provider_cards(counts: Mapping[str, Mapping[str, int]]) -> list[ProviderCard]:
    """Returns the cards, those with the most unprotected projects first."""
    with_copies = providers_with_copies()
    cards = [
        ProviderCard(provider, sum(row.values()), row[UNPROTECTED], provider in with_copies)
        for provider, row in counts.items()
    ]
    return sorted(cards, key=lambda card: (not card.makes_copies, -card.unprotected, card.provider))
