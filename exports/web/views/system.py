"""What machines ask: whether the portal answers, and the providers' webhooks."""

import contextlib
import logging
from typing import Final

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from exports.http import throttling
from exports.queue import inbound_webhooks

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 64 * 1024


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


@csrf_exempt
def webhook(request: HttpRequest, pk: int, mark: str) -> HttpResponse:
    """A provider tells of progress. Nothing it says is believed; it only brings the next look forward.

    Whatever comes, the answer is the same, so that nobody learns from it which addresses there are.
    """
    seconds = _taken(request)
    if not seconds:
        try:
            inbound_webhooks.receive_webhook(pk, mark)
        except DatabaseError:
            log.warning("A hint for export %s could not be taken; its next look comes without it.", pk)
    return _answer(seconds)


@csrf_exempt
def unknown_webhook(request: HttpRequest, nonsense: str) -> HttpResponse:
    """An address that never was one of ours."""
    return _answer(_taken(request))


def _taken(request: HttpRequest) -> float:
    """Takes the body off the wire, so that the sender hears an answer and no reset, and throws it away.

    Returns 0, or the seconds until its address may send the next: whatever the mark, so that this tells nothing of it.
    """
    with contextlib.suppress(OSError):
        request.read(MAX_BODY_BYTES)
    return throttling.WEBHOOKS.acquire(throttling.client_key(request))


def _answer(seconds: float) -> HttpResponse:
    if not seconds:
        return HttpResponse(status=204)
    error = throttling.ThrottledError("Too many hints came from this address.", seconds)
    headers = {"Retry-After": str(error.seconds)}
    return HttpResponse(f"{error}\n", status=429, content_type="text/plain", headers=headers)


def favicon(request: HttpRequest) -> HttpResponse:
    """Where the portal's icon is."""
    return redirect(static("exports/favicon.svg"))
