"""The WSGI application that gunicorn serves."""

import os
import ssl
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django, told the scheme of the connection itself.

    However it is started, gunicorn takes https from X-Forwarded-Proto and other headers of whoever is on this machine
    (its secure_scheme_headers, forwarded_allow_ips). The header that is trusted is named by PROXY_SSL_HEADER.
    """
    connection = environ.get("gunicorn.socket")
    if connection is not None:
        environ["wsgi.url_scheme"] = "https" if isinstance(connection, ssl.SSLSocket) else "http"
    response: Iterable[bytes] = _django(environ, start_response)
    return response
