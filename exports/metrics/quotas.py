"""Which teams keep nearly as many bytes as they may."""

from typing import Final

from django.db.models import F, FloatField
from django.db.models.functions import Cast

from exports.models import Team

NEAR_PERCENT: Final = 80


def percent_kept(team: Team) -> int | None:
    """Returns how much of its quota a team keeps, in percent; None without a quota. An empty quota is full."""
    if team.quota_bytes is None:
        return None
    return 100 * team.kept_bytes // team.quota_bytes if team.quota_bytes else 100


def teams_near_quota(limit: int) -> list[Team]:
    """Returns the teams that keep NEAR_PERCENT of their quota or more, the fullest first, in one query."""
    share = Cast("kept_bytes", FloatField()) / Cast("quota_bytes", FloatField())
    near = Team.objects.filter(quota_bytes__gt=0, kept_bytes__gte=F("quota_bytes") * NEAR_PERCENT / 100)
    return list(near.order_by((share).desc(), "pk")[:limit])
