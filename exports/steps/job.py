"""The export as its provider needs to know it before there is a job."""

from exports.credentials.client import job_fields
from exports.models import Export
from exports.providers.contract import Job
from exports.queue import inbound_webhooks


def build_job(export: Export, *, with_watched_ids: bool = False) -> Job:
    """A Job with the portal's webhook address, where one is taken.

    `with_watched_ids`: also the ids that other exports watch already, which only a search for the job needs.
    """
    watched = _watched_ids(export) if with_watched_ids else frozenset()
    takes_webhooks = export.project.credential.provider_definition.supports_webhooks
    webhook_url = inbound_webhooks.webhook_url(export) if takes_webhooks else ""
    return Job(**job_fields(export), watched_ids=watched, webhook_url=webhook_url)


def _watched_ids(export: Export) -> frozenset[str]:
    others = Export.objects.filter(
        project__remote_id=export.project.remote_id,
        project__credential__provider=export.project.credential.provider,
        type=export.type,
    )
    return frozenset(others.exclude(pk=export.pk).exclude(remote_id="").values_list("remote_id", flat=True))
