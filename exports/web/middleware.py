"""Middleware: security headers and an id on every response, and limits on every request."""

import re
import uuid
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase

from exports import log_ids
from exports.http.client_address import parse_address
from exports.web.views import probes

# Pages load everything from /static/: nothing from other origins, nothing inline.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img", "font", "connect", "media", "manifest")),
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
REQUEST_ID_HEADER: Final = "X-Request-ID"
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Without this list Django's function views would answer TRACE as they answer GET.
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
    """Adds SECURITY_HEADERS that the view has not set itself, and keeps HTML out of shared caches.

    It is the first middleware, so that responses of WhiteNoise and of other middleware get the headers too.
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


class RequestIdMiddleware:
    """Gives each request an id, for the log and the header X-Request-ID of the answer.

    One that a proxy has given it is taken over, where it is 8 to 64 letters, digits, dots, hyphens and underscores.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        id_ = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        log_ids.begin(request=id_)
        response = self.get_response(request)
        response.headers[REQUEST_ID_HEADER] = id_
        return response


class ProbesMiddleware:
    """Answers monitors before anything looks at the host's name, sessions or the database.

    They come by whatever address a machine has in its network, over plain http (SECURE_REDIRECT_EXEMPT). No answer
    depends on the host's name.
    It runs before `RequestLimitsMiddleware` puts the address that a proxy names in the place of the connection's.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        view = probes.VIEWS.get(request.path_info)
        return self.get_response(request) if view is None else view(request)


class RequestLimitsMiddleware:
    """Refuses ambiguous hosts, other methods and large bodies, and takes the client's address from the proxy's header.

    Django limits the size of form fields but not of uploaded files, which it would write to disk in any size, also for
    anonymous clients. The API and the webhook receiver limit their bodies themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.PROXY_ADDRESS_HEADER and (address := _proxied_address(request)):
            request.META["REMOTE_ADDR"] = address
        return _refusal(request) or self.get_response(request)


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """Returns the response that refuses the request, or None."""
    if not _names_one_host(request):
        return HttpResponse("Say once which host is meant.\n", status=400, content_type="text/plain")
    # path_info, not path: gunicorn lets some clients set the prefix that path starts with (a SCRIPT_NAME header).
    if request.path_info.startswith(("/api/", "/hooks/")):
        return None
    if request.method not in PAGE_METHODS:
        return HttpResponseNotAllowed(PAGE_METHODS)
    max_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if _content_length(request) > max_bytes:
        return HttpResponse(f"At most {max_bytes} bytes can be sent.\n", status=413, content_type="text/plain")
    return None


def _names_one_host(request: HttpRequest) -> bool:
    """Whether there is a Host header and the request line names no other host (RFC 9112, 3.2), as gunicorn read it."""
    line, host = str(request.META.get("RAW_URI", "")), request.META.get("HTTP_HOST")
    if line and host is None:
        return bool(request.META.get("SERVER_PROTOCOL") != "HTTP/1.1")
    is_absolute = line and line != "*" and not line.startswith("/")
    return not is_absolute or line.partition("://")[2].partition("/")[0].lower() == str(host).lower()


def _content_length(request: HttpRequest) -> int:
    """Returns the Content-Length; 0 when it is missing or no number, since WSGI then reads no body."""
    text = request.META.get("CONTENT_LENGTH", "")
    return int(text[:20]) if text.isascii() and text.isdigit() else 0


def _proxied_address(request: HttpRequest) -> str:
    """Returns the last address of the proxy's header, or "". The ones before it are what the client claims."""
    return parse_address(request.headers.get(settings.PROXY_ADDRESS_HEADER, "").rpartition(",")[2].strip()) or ""
