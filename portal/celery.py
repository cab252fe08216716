"""The Celery application. Tasks are in `exports.tasks`, what a worker adds to Celery's own in `portal.worker`."""

import os
import sys
from pathlib import Path
from typing import Any

from celery import Celery, Task, signals
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from kombu.transport import TRANSPORT_ALIASES

from portal import logs
from portal.environment import WORKER_LIMITS, limit_waits

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


class PortalTask(Task[Any, Any]):
    """A task. With READ_ONLY it does nothing: what its message carried is due again, and stays so until after it."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return None if settings.READ_ONLY else super().__call__(*args, **kwargs)


app: "Celery[Any]" = Celery("portal", task_cls=PortalTask)
app.config_from_object("django.conf:settings", namespace="CELERY")


@signals.setup_logging.connect
def set_up_logging(loglevel: int | str | None = None, logfile: str | None = None, **_: Any) -> None:
    """Keeps the portal's LOGGING in worker and beat, with Celery's `-l` and `-f` where they are given."""
    logs.apply_celery_options(loglevel, logfile)


@signals.celeryd_init.connect
def add_worker_steps(**_: Any) -> None:
    """Loads what only a worker needs, not beat or the web processes: they send tasks by name."""
    from portal import worker

    limit_waits(settings.DATABASES["default"], WORKER_LIMITS)

    worker.install(app)


@signals.beat_init.connect
def limit_beat(**_: Any) -> None:
    """Beat waits for the database no longer than workers do."""
    limit_waits(settings.DATABASES["default"], WORKER_LIMITS)
