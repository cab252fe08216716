"""A tiny Celery application on the spool, for tests with real workers and publishers.

As a program: python -m tests.portal.spool_celery_app NAME COUNT publishes that many messages.
Environment: SPOOL is the broker's folder, DONE a file that gets a line per task.
"""

import contextlib
import os
import sys
import time
from pathlib import Path

from celery import Celery

import portal.celery  # noqa: F401  makes the spool known to Kombu

app = Celery("spool_app", broker="spool://localhost", fixups=[], set_as_current=False)
app.conf.update(
    broker_transport_options={"folder": os.environ["SPOOL"]},
    task_ignore_result=True,
    worker_send_task_events=True,
    broker_connection_retry_on_startup=True,
)


@app.task(name="note")
def note(text: str) -> None:
    """Appends a line in one write, so that lines of several processes do not mix."""
    with Path(os.environ["DONE"]).open("ab", buffering=0) as file:
        file.write(f"{text}\n".encode())


def publish(name: str, count: int) -> None:
    """Publishes messages, and waits while the queue is long, since a full queue drops what comes."""
    queue = Path(os.environ["SPOOL"]) / "celery"
    for number in range(count):
        with contextlib.suppress(FileNotFoundError):  # a test may take the folder away at any moment
            while len(os.listdir(queue)) > 60:
                time.sleep(0.01)
        note.apply_async((f"{name}-{number}",), retry=False)


if __name__ == "__main__":
    publish(sys.argv[1], int(sys.argv[2]))
