"""Kept files that the proxy in front sends, by nginx's X-Accel-Redirect: the portal decides, and carries no bytes.

docs/operating.md has the location that nginx needs. It takes ETag, Last-Modified and the security headers from the
portal's answer and does ranges by itself.
"""

import os
from typing import Final
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest

from exports.models import File

HEADER: Final = "X-Accel-Redirect"
# nginx would hold these against a validator of its own. The portal has found them fulfilled and sends the file itself.
OWN_PRECONDITIONS: Final = ("If-Match", "If-Unmodified-Since")


def location_of(request: HttpRequest, file: File) -> str:
    """Returns the internal address at which the proxy finds a file on the disk; "" where the portal must send it."""
    location = str(settings.X_ACCEL_LOCATION)
    if not location or file.storage or any(name in request.headers for name in OWN_PRECONDITIONS):
        return ""
    return location + quote(os.fsencode(file.path), safe="/")
