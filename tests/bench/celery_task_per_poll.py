"""The usual way: one Celery task per export, which asks and retries itself later. For comparison only.

    celery -A tests.bench.celery_task_per_poll worker -P prefork -c 2

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
    from exports.providers.contract import Job
    from exports.transport.client import Client
    from exports.transport.connections import shared_session
    from exports.transport.ssrf import AddressGuard

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
    sight = credential.provider_definition.poll(client, job)
    if sight.provider_status != export.provider_status:
        export.provider_status = sight.provider_status
        export.save(update_fields=["provider_status"])
    if sight.state == "running":
        raise self.retry(countdown=INTERVAL)
