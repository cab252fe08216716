"""Which providers are not called at present: open circuits, and rate classes of credentials that are paused."""

from exports import clock
from exports.models import OpenCircuit, RateLimitPause


def open_circuits(limit: int) -> list[OpenCircuit]:
    """Returns the origins that do not answer, the longest first, in one query.

    An answer deletes the row, so one whose `until` has passed is being probed.
    """
    return list(OpenCircuit.objects.order_by("since")[:limit])


def paused_rate_classes(limit: int) -> list[RateLimitPause]:
    """Returns the pauses in force with credential and team, the longest first, in one query."""
    pauses = RateLimitPause.objects.filter(until__gt=clock.now()).select_related("credential__team")
    return list(pauses.order_by("-until")[:limit])
