"""Headers that every answer carries, and what is looked at before a request goes any further."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

# Nothing from elsewhere, nothing inline. What a page needs lies in /static/.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "font", "connect", "media", "manifest")),
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
# Pages know no other; Django would have a page answer TRACE as it answers GET.
PAGE_METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class SecurityHeadersMiddleware:
    """Adds the headers above where a view has not set its own, and keeps pages out of shared caches.

    It stands first, so that it also sees what WhiteNoise and other middleware answer by themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class RequestLimitsMiddleware:
    """Refuses what is no request for us, bounds what is sent, and learns from the proxy where it comes from.

    Django bounds fields but no files: a form with a file in it would be written to the disk whatever its size, also
    for somebody who is not signed in. The API and the webhook receiver bound their bodies themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.PROXY_ADDRESS_HEADER and (address := _told(request)):
            request.META["REMOTE_ADDR"] = address
        return _refusal(request) or self.get_response(request)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request that goes no further."""
    if not _names_one_host(request):
        return HttpResponse("Say once which host is meant.\n", status=400, content_type="text/plain")
    # What is served, not what the address looks like: gunicorn lets some who ask put a prefix before it.
    if request.path_info.startswith(("/api/", "/hooks/")):
        return None
    if request.method not in PAGE_METHODS:
        return HttpResponseNotAllowed(PAGE_METHODS)
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if _length(request) > most:
        return HttpResponse(f"At most {most} bytes can be sent.\n", status=413, content_type="text/plain")
    return None


def _names_one_host(request: HttpRequest) -> bool:
    """Whether the host is in its header, and no other one in the request line (RFC 9112, 3.2), as gunicorn read it."""
    line, host = str(request.META.get("RAW_URI", "")), request.META.get("HTTP_HOST")
    if line and host is None:
        return bool(request.META.get("SERVER_PROTOCOL") != "HTTP/1.1")
    elsewhere = line and line != "*" and not line.startswith("/")
    return not elsewhere or line.partition("://")[2].partition("/")[0].lower() == str(host).lower()


def _length(request: HttpRequest) -> int:
    """The length of the body; 0 where none is said that could be one, for then nothing is read."""
    said = request.META.get("CONTENT_LENGTH", "")
    return int(said[:20]) if said.isascii() and said.isdigit() else 0


def _told(request: HttpRequest) -> str:
    """The address the proxy names: the last of its list, since those before it are what the client claims."""
    said = request.headers.get(settings.PROXY_ADDRESS_HEADER, "").rpartition(",")[2].strip()
    try:
        return str(ip_address(said))
    except ValueError:
        return ""
