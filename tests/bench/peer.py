"""The usual way: one Celery task per export, which asks and retries itself later. For comparison only.

    celery -A tests.bench.peer worker -P prefork -c 2

The provider's code is the portal's own. It loads the row, asks, saves what changed, and comes back by `self.retry`.
"""

import os
from typing import Any

import django
from celery import Celery

app = Celery("peer", broker=os.environ.get("CELERY_BROKER_URL", ""))
app.conf.update(task_ignore_result=True, task_default_queue="peer", broker_connection_retry_on_startup=True)
if os.environ.get("DJANGO_SETTINGS_MODULE"):
    django.setup()

INTERVAL = float(os.environ.get("BENCH_INTERVAL", "10"))


@app.task(name="peer.poll", bind=True, max_retries=None)
def poll(self: Any, export_id: int) -> None:
    """One look at a job."""
    from django.conf import settings

    from exports.models import Export
    from exports.providers.base import Job
    from exports.providers.guard import Guard
    from exports.providers.http import Client
    from exports.providers.wire import shared_session

    export = Export.objects.select_related("project__credential").get(pk=export_id)
    credential = export.project.credential
    guard = Guard.allowing(settings.PRIVATE_HOSTS)
    client = Client(
        provider=credential.declared,
        origin=credential.address,
        secrets=credential.secrets(),
        guard=guard,
        session=shared_session(credential.address, guard),
    )
    job = Job(project=export.project.remote_id, type=export.type, format=export.format, remote_id=export.remote_id)
    sight = credential.declared.poll(client, job)
    if sight.word != export.provider_status:
        export.provider_status = sight.word
        export.save(update_fields=["provider_status"])
    if sight.state == "running":
        raise self.retry(countdown=INTERVAL)
