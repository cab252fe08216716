"""Pages for errors, inside the team's navigation where the reader is signed in and has a team (`own_navigation`).

Those for 500 and 503 do not touch the database: they have the navigation where the request had found its member before
it failed, and stand alone otherwise.
"""

import logging
import sys
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template.loader import render_to_string

from exports.http import unavailable
from exports.web.decorators import found_member
from exports.web.rendering import base_context

log = logging.getLogger(__name__)

# The longest of the limits that count requests per minute.
DEFAULT_RETRY_SECONDS: Final = 60


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The setting CSRF_FAILURE_VIEW: the form's token is missing or old."""
    return render(request, "403_csrf.html", status=403)


def too_many_requests(request: HttpRequest, seconds: int = DEFAULT_RETRY_SECONDS) -> HttpResponse:
    """Returns a 429 page with Retry-After. allauth calls it as the URLconf's `handler429`."""
    response = render(request, "429.html", {"minutes": max(1, round(seconds / 60))}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def server_failed(request: HttpRequest) -> HttpResponse:
    """The URLconf's `handler500`: 500, or 503 where `exports.http.unavailable` says so. Makes no query."""
    response = unavailable.server_failed(request)
    member = found_member(request)
    if member is not None:
        context = {
            **base_context(member),
            "user": member.user,
            "csrf_token": get_token(request),
            "is_unavailable": response.status_code == unavailable.STATUS,
            "sentence": unavailable.own_sentence(sys.exc_info()[1]),
            "seconds": unavailable.RETRY_SECONDS,
        }
        try:
            response.content = render_to_string("500_in_team.html", context).encode()
        except Exception:  # the page that stands alone needs nothing
            log.exception("The page of an error could not be drawn inside the team's navigation.")
    return response
