"""How many exports failed lately, by provider, over all teams."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Count, Q

from exports import clock, states
from exports.models import Export

DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass
class ProviderFailures:
    """Failures of a provider's exports. `codes`: error codes of the last seven days with their counts."""

    provider: str
    last_day: int = 0
    last_week: int = 0
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def common_codes(self) -> list[tuple[str, int]]:
        """The three most common error codes, the most common first."""
        return self.codes.most_common(3)


def failures_by_provider() -> list[ProviderFailures]:
    """Returns the providers with failures in the last seven days, the worst day first, in one query."""
    now = clock.now()
    rows = (
        Export.objects.filter(status=states.FAILED, finished_at__gte=now - WEEK)
        .values_list("project__credential__provider", "error_code")
        .annotate(last_day=Count("pk", filter=Q(finished_at__gte=now - DAY)), last_week=Count("pk"))
    )
    found: dict[str, ProviderFailures] = {}
    for provider, code, last_day, last_week in rows.order_by():
        entry = found.setdefault(provider, ProviderFailures(provider))
        entry.last_day += last_day
        entry.last_week += last_week
        entry.codes[code] += last_week
    return sorted(found.values(), key=lambda entry: (-entry.last_day, -entry.last_week, entry.provider))
