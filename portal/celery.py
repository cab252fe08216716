"""The Celery application. Tasks are in `exports.tasks`; the worker also runs the engine's own crew of threads."""

import os
from typing import Any

from celery import Celery, bootsteps, signals
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
TRANSPORT_ALIASES["spool"] = "portal.spool:Transport"


class Crew(bootsteps.StartStopStep):
    """Runs the engine's threads as long as the worker runs, also while the broker is away.

    Steps like this one start before the worker connects to the broker and stop after it has let go of it. The import
    is made late because this module is loaded before Django is set up.
    """

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:
        """Start the threads. An error ends the worker."""
        from exports import tasks

        tasks.start_crew(parent.hostname)

    def stop(self, parent: Any) -> None:
        """Stop the threads and wait for what they hold in their hands."""
        from exports.engine import crew

        crew.stop()

    terminate = stop


app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(Crew)


@signals.setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Tell Celery that logging is set up: the LOGGING setting holds in worker and beat as everywhere else."""
