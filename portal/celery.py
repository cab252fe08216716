"""The Celery application. Tasks are in `exports.tasks`, what a worker adds to Celery's own in `portal.worker`."""

import os
import sys
from pathlib import Path
from typing import Any

from celery import Celery, signals
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu.transport import TRANSPORT_ALIASES

from portal import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
TRANSPORT_ALIASES["spool"] = "portal.spool:Transport"


def _end_with_sentence() -> None:
    """Ends `celery -A portal …` with what is wrong in the environment, where Celery would print a traceback."""
    program = Path(sys.argv[0])
    if program.name == "celery" or program.parts[-2:] == ("celery", "__main__.py"):
        try:
            _ = settings.INSTALLED_APPS
        except ImproperlyConfigured as problem:
            raise SystemExit(str(problem)) from None


_end_with_sentence()
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
