"""The usual way: one Celery task per export, which polls and retries itself later. For comparison only.

    celery -A tests.bench.celery_task_per_poll worker -P prefork -c 2 -Q peer
    celery -A tests.bench.celery_task_per_poll worker -P threads -c 200 -Q peer

The provider's code is the portal's own. The task loads the row, polls, saves what changed, and comes back by
`self.retry`. In a thread pool it takes the database connection of a pool of CONNECTIONS for each of its reads and
writes: two hundred threads with a connection each are more than PostgreSQL takes by default.
"""

import contextlib
import os
import queue
from collections.abc import Iterator
from typing import Any, Final

import django
from celery import Celery, signals

app = Celery("peer", broker=os.environ.get("CELERY_BROKER_URL", ""))
app.conf.update(task_ignore_result=True, task_default_queue="peer", broker_connection_retry_on_startup=True)
if os.environ.get("DJANGO_SETTINGS_MODULE"):
    django.setup()

INTERVAL: Final = float(os.environ.get("BENCH_INTERVAL", "10"))
CONNECTIONS: Final = 20
_connections: "queue.LifoQueue[Any]" = queue.LifoQueue()


@signals.celeryd_after_setup.connect
def fill_connection_pool(instance: Any, **_: Any) -> None:
    """Makes the connections, where many threads share them; a prefork process keeps Django's own."""
    if instance.pool_cls.__module__.endswith(".thread"):
        from django.db import connections

        for _number in range(CONNECTIONS):
            connection = connections.create_connection("default")
            connection.inc_thread_sharing()
            _connections.put(connection)
        signals.celeryd_after_setup.disconnect(fill_connection_pool)
        app.conf.update(peer_shares_connections=True)


@contextlib.contextmanager
def database() -> Iterator[None]:
    """A connection of the pool, where there is one, as Django's connection in this thread."""
    from django.db import connections

    if not app.conf.get("peer_shares_connections"):
        yield
        return
    connection = _connections.get()
    connections["default"] = connection
    try:
        yield
    finally:
        del connections["default"]
        _connections.put(connection)


@app.task(name="peer.poll", bind=True, max_retries=None)
def poll(self: Any, export_id: int) -> None:
    """Polls a job once."""
    from django.conf import settings

    from exports.models import Export
    from exports.providers.contract import Job
    from exports.transport.client import Client
    from exports.transport.connections import shared_session
    from exports.transport.ssrf import AddressGuard

    with database():
        export = Export.objects.select_related("project__credential").get(pk=export_id)
    credential = export.project.credential
    guard = AddressGuard.allowing(settings.PRIVATE_HOSTS)
    client = Client(
        provider=credential.provider_definition,
        origin=credential.origin_url,
        secrets=credential.secrets(),
        guard=guard,
        session=shared_session(credential.origin_url, guard),
    )
    job = Job(project=export.project.remote_id, type=export.type, format=export.format, remote_id=export.remote_id)
    status = credential.provider_definition.poll(client, job)
    if status.provider_status != export.provider_status:
        export.provider_status = status.provider_status
        with database():
            export.save(update_fields=["provider_status"])
    if status.state == "running":
        raise self.retry(countdown=INTERVAL)
