"""What every request brings along: where it comes from, and in which zone its person reads times."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from exports.engine import audit


class Visit:
    """Notes the address for activity, and shows times in the zone of whoever is signed in.

    The address is the connection's own; what a header claims may come from anybody.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with audit.coming_from(request.META.get("REMOTE_ADDR")), timezone.override(_zone(request)):
            return self.get_response(request)


def _zone(request: HttpRequest) -> ZoneInfo | None:
    """None, for strangers and for zones that the machine no longer knows, is the portal's own: UTC."""
    try:
        return ZoneInfo(request.user.time_zone) if request.user.is_authenticated else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
