"""Middleware that sets the context of a request: client address for the audit log, time zone, use of the session."""

import time
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from allauth.usersessions.models import UserSession
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from exports.audit import log as audit_log
from exports.http.client_address import client_address
from exports.http.unavailable import try_to_write

# Session key of the time of the last recorded use (Unix time), and the seconds between two such writes.
LAST_SEEN_KEY: Final = "seen"
LAST_SEEN_INTERVAL: Final = 300


class SessionActivityMiddleware:
    """Provides the audit log with the client's address, records use of the session, activates the user's time zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        address = client_address(request)
        with audit_log.address_context(address), timezone.override(_zone(request)):
            _record_session_use(request, address)
            return self.get_response(request)


def _record_session_use(request: HttpRequest, address: str | None) -> None:
    """Writes at most every LAST_SEEN_INTERVAL seconds, for the list of sessions. htmx requests do not count as use."""
    last_seen = request.session.get(LAST_SEEN_KEY)
    if last_seen is None or time.time() - last_seen < LAST_SEEN_INTERVAL or "HX-Request" in request.headers:
        return
    rows = UserSession.objects.filter(session_key=request.session.session_key)
    if try_to_write(lambda: rows.update(last_seen_at=timezone.now(), **({"ip": address} if address else {}))):
        request.session[LAST_SEEN_KEY] = int(time.time())


def _zone(request: HttpRequest) -> ZoneInfo | None:
    """Returns the user's zone; None (the default, UTC) for anonymous users and for zones that this machine lacks."""
    try:
        return ZoneInfo(request.user.time_zone) if request.user.is_authenticated else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
