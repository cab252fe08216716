"""What monitors ask: whether the process lives, whether it may be sent requests, and its figures."""

import threading
import time
from collections.abc import Callable, Mapping
from hmac import compare_digest
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from exports.http.client_address import parse_address
from exports.metrics import exposition, health
from exports.metrics.health import CheckResult

# A proxy adds one of these to what it hands on.
FORWARDING_HEADERS: Final = frozenset(
    ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Real-Ip")
)
# A process checks so often at most; requests in between get the same answer.
READY_SECONDS: Final = 1.0
WITHHELD: Final = "Not well; the log and manage.py doctor say why."

_lock = threading.Lock()
_last: tuple[float, list[CheckResult]] | None = None


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answers 200 while the process answers at all: a process that is restarted for its database helps nobody."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answers 200 when requests may be sent here, else 503, with each check.

    `detail` has names and paths of the installation only for who may read the metrics.
    """
    results = _check()
    is_open = may_read_metrics(request)
    checks = {
        one.name: {"ok": one.ok, "detail": one.detail if is_open else ("ok" if one.ok else WITHHELD)} for one in results
    }
    ready = health.is_ready(results)
    return JsonResponse({"ready": ready, "checks": checks}, status=200 if ready else 503)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answers the figures as Prometheus reads them; 503 when the database does not answer in time."""
    if not may_read_metrics(request):
        if settings.METRICS_TOKEN:
            text, headers = "A bearer token is needed.\n", {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return HttpResponse(text, status=401, headers=headers, content_type="text/plain")
        text = "Only for callers on this machine, as long as METRICS_TOKEN is not set.\n"
        return HttpResponse(text, status=403, content_type="text/plain")
    body = exposition.collect()
    if body is None:
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain")
    return HttpResponse(body, content_type=exposition.CONTENT_TYPE)


VIEWS: Final[Mapping[str, Callable[[HttpRequest], HttpResponseBase]]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": metrics,
}


def may_read_metrics(request: HttpRequest) -> bool:
    """Whether the caller is on this machine and no proxy, or has METRICS_TOKEN."""
    given = request.headers.get("Authorization", "").encode()
    if settings.METRICS_TOKEN and compare_digest(given, f"Bearer {settings.METRICS_TOKEN}".encode()):
        return True
    names = {*FORWARDING_HEADERS, *filter(None, (settings.PROXY_ADDRESS_HEADER, settings.PROXY_SSL_HEADER))}
    is_forwarded = any(name in request.headers for name in names)
    # Over a Unix socket there is no address, and whoever is behind it is a proxy.
    return _is_loopback(request.META.get("REMOTE_ADDR", "")) and not is_forwarded


def _is_loopback(text: str) -> bool:
    if (normal := parse_address(text)) is None:
        return False
    address = ip_address(normal)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _check() -> list[CheckResult]:
    global _last
    with _lock:
        if _last is None or time.monotonic() > _last[0] + READY_SECONDS:
            results = health.run_checks(health.READY)
            _last = time.monotonic(), results
        return _last[1]
