"""The figures of the admin site's index: one function of `exports.metrics` for each question, by permission."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser

from exports.metrics import disk, outages, quotas
from exports.metrics.backlog import due_steps, stuck_exports
from exports.metrics.failures import failures_by_provider
from exports.metrics.undelivered import undelivered_messages
from exports.metrics.workers import get_workers
from exports.models import User

# Rows of a card. One more is read, so that the card can say that there are more.
MAX_ROWS: Final = 8


def _disk_room() -> disk.DiskRoom | None:
    try:
        return disk.disk_room()
    except OSError:
        return None


# Name of each figure: the permission to see it, and the function that reads it.
FIGURES: Final[dict[str, tuple[str, Callable[[], Any]]]] = {
    "workers": ("exports.view_heartbeat", get_workers),
    "disk": ("exports.view_heartbeat", _disk_room),
    "due": ("exports.view_export", due_steps),
    "stuck": ("exports.view_export", lambda: stuck_exports(MAX_ROWS + 1)),
    "failures": ("exports.view_export", failures_by_provider),
    "circuits": ("exports.view_opencircuit", lambda: outages.open_circuits(MAX_ROWS + 1)),
    "pauses": ("exports.view_ratelimitpause", lambda: outages.paused_rate_classes(MAX_ROWS + 1)),
    "quotas": ("exports.view_team", lambda: quotas.teams_near_quota(MAX_ROWS + 1)),
    "undelivered": ("exports.view_outboxmessage", undelivered_messages),
}


def get_figures(user: User | AnonymousUser) -> dict[str, Any]:
    """Returns the figures that the person may see by name, with sums for the strip at the top.

    At most ten queries; none of them grows with the history of exports.
    """
    figures = {name: read() for name, (permission, read) in FIGURES.items() if user.has_perm(permission)}
    workers = figures.get("workers")
    if workers is not None:
        figures["slots"] = sum(node.slots for node in workers.alive)
        figures["busy"] = sum(node.busy for node in workers.alive)
    if "failures" in figures:
        figures["failed_day"] = sum(entry.last_day for entry in figures["failures"])
        figures["failed_week"] = sum(entry.last_week for entry in figures["failures"])
    if "undelivered" in figures:
        figures["given_up"] = sum(entry.given_up for entry in figures["undelivered"])
        figures["waiting"] = sum(entry.waiting for entry in figures["undelivered"])
    return figures
