"""The answer to too much at once."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# Seconds; the longest of the limits that count requests per minute.
DEFAULT_RETRY_SECONDS = 60


def too_many_requests(request: HttpRequest, seconds: int = DEFAULT_RETRY_SECONDS) -> HttpResponse:
    """429 with the time after which another attempt makes sense; allauth calls it as the URLconf's `handler429`."""
    answer = render(request, "429.html", {"minutes": max(1, round(seconds / 60))}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer
