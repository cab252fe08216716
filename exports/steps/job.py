"""The export as its provider needs to know it before there is a job."""

from exports.credentials.client import job_fields
from exports.models import Export
from exports.providers.contract import Job
from exports.queue import inbound_webhooks


def build_job(export: Export) -> Job:
    """A Job with the ids that other exports watch already, and the portal's webhook address where one is taken."""
    others = Export.objects.filter(
        project__remote_id=export.project.remote_id,
        project__credential__provider=export.project.credential.provider,
        type=export.type,
    )
    watched = others.exclude(pk=export.pk).exclude(remote_id="").values_list("remote_id", flat=True)
    takes_webhooks = export.project.credential.provider_definition.supports_webhooks
    webhook_url = inbound_webhooks.webhook_url(export) if takes_webhooks else ""
    return Job(**job_fields(export), watched_ids=frozenset(watched), webhook_url=webhook_url)
