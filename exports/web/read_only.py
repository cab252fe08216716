"""Maintenance: with READ_ONLY pages and GETs work and say so, and everything else is answered with 503.

Signing in and out goes on, since nobody could read pages otherwise; so do receipts of downloads and the marks of when a
session or token was last used. So the database must take writes.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

# Nobody can know how long it takes; whoever repeats a request does not do it often.
RETRY_SECONDS: Final = 60
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SIGNING_IN: Final = ("/sign-in/", "/sign-out/")
SENTENCE: Final = (
    "The portal is being maintained and can only be read. Nothing was changed: send the request again in some minutes."
)


class ReadOnlyMiddleware:
    """Refuses what is no reading, as long as READ_ONLY is set. It runs after the language is known."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if not settings.READ_ONLY or request.method in READING or path.startswith(SIGNING_IN):
            return self.get_response(request)
        response = _refusal(request, path)
        response["Retry-After"] = str(RETRY_SECONDS)
        return response


def _refusal(request: HttpRequest, path: str) -> HttpResponse:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if path.startswith("/api/"):
        body = {"type": "about:blank", "title": status.phrase, "status": status, "detail": SENTENCE}
        return HttpResponse(json.dumps(body), status=status, content_type="application/problem+json")
    if path.startswith("/hooks/"):
        return HttpResponse(f"{SENTENCE}\n", status=status, content_type="text/plain")
    return render(request, "read_only.html", status=status)
