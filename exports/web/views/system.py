"""Endpoints for machines: the providers' inbound webhooks, the favicon."""

import contextlib
import logging
from typing import Final

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.csrf import csrf_exempt

from exports.http import throttling
from exports.queue import inbound_webhooks

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 64 * 1024


@csrf_exempt
def webhook(request: HttpRequest, pk: int, mark: str) -> HttpResponse:
    """Takes a provider's progress notification. Its content is ignored; it only makes the next poll due earlier.

    The response is the same for valid and unknown marks, so that nobody can probe for valid addresses.
    """
    seconds = _drain_and_throttle(request)
    if not seconds:
        try:
            inbound_webhooks.receive_webhook(pk, mark)
        except DatabaseError:
            log.warning("A webhook for export %s could not be recorded; the next poll comes at its planned time.", pk)
    return _response(seconds)


@csrf_exempt
def unknown_webhook(request: HttpRequest, path: str) -> HttpResponse:
    """Answers every other address below /hooks/ in the same way."""
    return _response(_drain_and_throttle(request))


def _drain_and_throttle(request: HttpRequest) -> float:
    """Reads and drops up to MAX_BODY_BYTES of the body, so that the sender gets a response and no connection reset.

    Returns 0, or the seconds until the client's address may send again. This does not depend on the mark.
    """
    with contextlib.suppress(OSError):
        request.read(MAX_BODY_BYTES)
    return throttling.WEBHOOKS.acquire(throttling.client_key(request))


def _response(seconds: float) -> HttpResponse:
    if not seconds:
        return HttpResponse(status=204)
    error = throttling.ThrottledError("Too many hints came from this address.", seconds)
    headers = {"Retry-After": str(error.seconds)}
    return HttpResponse(f"{error}\n", status=429, content_type="text/plain", headers=headers)


def favicon(request: HttpRequest) -> HttpResponse:
    """Redirects to the static icon."""
    return redirect(static("exports/favicon.svg"))
