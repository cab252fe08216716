"""The WSGI application that gunicorn serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from portal.chunked import ChunkedBodies
from portal.environment import limit_waits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
limit_waits(settings.DATABASES["default"])

application = ChunkedBodies(get_wsgi_application(), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
