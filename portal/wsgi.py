"""The WSGI application that gunicorn serves."""

import os
import ssl
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from portal.chunked import ChunkedBodies
from portal.environment import limit_waits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
limit_waits(settings.DATABASES["default"])

_django = ChunkedBodies(get_wsgi_application(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django, told the scheme of the connection itself.

    However it is started, gunicorn takes https from X-Forwarded-Proto and other headers of whoever is on this machine
    (its secure_scheme_headers, forwarded_allow_ips). The header that is trusted is named by PROXY_SSL_HEADER.
    """
    connection = environ.get("gunicorn.socket")
    if connection is not None:
        environ["wsgi.url_scheme"] = "https" if isinstance(connection, ssl.SSLSocket) else "http"
    return _django(environ, start_response)
