"""The 429 page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# The longest of the limits that count requests per minute.
DEFAULT_RETRY_SECONDS = 60


def too_many_requests(request: HttpRequest, seconds: int = DEFAULT_RETRY_SECONDS) -> HttpResponse:
    """Returns a 429 page with Retry-After. allauth calls it as the URLconf's `handler429`."""
    response = render(request, "429.html", {"minutes": max(1, round(seconds / 60))}, status=429)
    response["Retry-After"] = str(seconds)
    return response
