"""A Celery task that logs, for tests with a real worker: `worker -I tests.portal.logging_task`."""

import logging

from celery import shared_task

TASK_NAME = "tests.log"
log = logging.getLogger("exports.tests")


@shared_task(name=TASK_NAME)
def log_lines(secret: str) -> None:
    """Logs a warning, an info line of a logger with a level of its own, and an error with a secret address."""
    log.warning("a warning")
    logging.getLogger("django").info("an info line")
    log.error("Not found: /invitations/%s/", secret)
