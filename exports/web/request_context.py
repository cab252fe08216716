"""What every request brings along: where it comes from, and in which zone its person reads times."""

import ipaddress
import time
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from allauth.usersessions.models import UserSession
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from exports.audit import log as audit_log

# When the session was last noted to be in use (Unix time), and how long that is good for: one write in so many seconds.
LAST_SEEN_KEY: Final = "seen"
LAST_SEEN_INTERVAL: Final = 300


def client_address(request: HttpRequest) -> str | None:
    """Where a request comes from: the connection's address, or what the proxy says of it (`middleware.Intake`)."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None  # over a Unix socket


class SessionActivityMiddleware:
    """Notes the address for activity and the use of the session, and shows times in the zone of who is signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        address = client_address(request)
        with audit_log.address_context(address), timezone.override(_zone(request)):
            _note_use(request, address)
            return self.get_response(request)


def _note_use(request: HttpRequest, address: str | None) -> None:
    """Every few minutes, for the list of sessions. What scripts ask by themselves is no use by a person."""
    noted = request.session.get(LAST_SEEN_KEY)
    if noted is None or time.time() - noted < LAST_SEEN_INTERVAL or "HX-Request" in request.headers:
        return
    request.session[LAST_SEEN_KEY] = int(time.time())
    rows = UserSession.objects.filter(session_key=request.session.session_key)
    rows.update(last_seen_at=timezone.now(), **({"ip": address} if address else {}))


def _zone(request: HttpRequest) -> ZoneInfo | None:
    """None, for strangers and for zones that the machine no longer knows, is the portal's own: UTC."""
    try:
        return ZoneInfo(request.user.time_zone) if request.user.is_authenticated else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
