"""The Celery application. Tasks are in `exports.tasks`, what a worker adds to Celery's own in `portal.worker`."""

import os
from typing import Any

from celery import Celery, signals
from kombu.transport import TRANSPORT_ALIASES

from portal import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
TRANSPORT_ALIASES["spool"] = "portal.spool:Transport"

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def set_up_logging(loglevel: int | str | None = None, logfile: str | None = None, **_: Any) -> None:
    """Keeps the portal's LOGGING in worker and beat, with Celery's `-l` and `-f` where they are given."""
    logs.apply_celery_options(loglevel, logfile)


@signals.celeryd_init.connect
def add_worker_steps(**_: Any) -> None:
    """Loads what only a worker needs, not beat or the web processes."""
    from portal import worker

    worker.install(app)
