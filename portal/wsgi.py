"""The WSGI application that gunicorn serves."""

import os
import ssl
import sys
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

from portal.chunked import ChunkedBodies
from portal.environment import WEB_LIMITS, limit_waits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
limit_waits(settings.DATABASES["default"], WEB_LIMITS)

# With this exit code gunicorn ends instead of starting its worker again and again.
CANNOT_START = 4


def _require_prepared_database() -> None:
    from exports.management.start_check import why_not_start

    if sentence := why_not_start():
        print(sentence, file=sys.stderr, flush=True)
        raise SystemExit(CANNOT_START)


_django = ChunkedBodies(get_wsgi_application(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
_require_prepared_database()


def _close_idle_connections() -> None:
    """While a thread waits for its client it keeps no database connection, so that there are no more than turns."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django, told the scheme of the connection itself, and the path below PUBLIC_URL.

    However it is started, gunicorn takes https from X-Forwarded-Proto and other headers of whoever is on this machine
    (its secure_scheme_headers, forwarded_allow_ips). The header that is trusted is named by PROXY_SSL_HEADER.
    """
    if (turns := environ.get("exports.turns")) is not None:
        turns.on_leave = _close_idle_connections
    connection = environ.get("gunicorn.socket")
    if connection is not None:
        environ["wsgi.url_scheme"] = "https" if isinstance(connection, ssl.SSLSocket) else "http"
    if settings.BASE_PATH and f"{environ.get('PATH_INFO')}/".startswith(f"{settings.BASE_PATH}/"):
        # The proxy hands on the path as it came.
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(settings.BASE_PATH)
    return _django(environ, start_response)
