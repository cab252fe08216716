"""Inbound webhooks: each export has an unguessable address, and a call to it only brings the next poll forward."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac

from exports import clock
from exports.models import Export
from exports.models.export import OPEN


def url_signature(export_id: int) -> str:
    """The unguessable part of an export's address: 40 hexadecimal digits."""
    return salted_hmac("exports.engine.hooks", str(export_id), algorithm="sha256").hexdigest()[:40]


def webhook_url(export: Export) -> str:
    """The address at which a provider may report progress; "" without a PUBLIC_URL."""
    return f"{settings.PUBLIC_URL}/hooks/{export.pk}/{url_signature(export.pk)}" if settings.PUBLIC_URL else ""


def receive_webhook(export_id: int, signature: str) -> bool:
    """Brings the next poll forward; the content of the call is ignored. Returns whether the signature is right."""
    if not constant_time_compare(signature, url_signature(export_id)):
        return False
    request_wake(export_id)
    return True


def request_wake(export_id: int) -> bool:
    """Makes the next step due now, or directly after the step under way. Returns whether the export is open."""
    now = clock.now()
    rows = Export.objects.filter(pk=export_id, status__in=OPEN)
    idle = Q(held_until__isnull=True) | Q(held_until__lt=now)
    soon = now + timedelta(seconds=1)
    moved = rows.filter(idle, next_step_at__gt=soon).update(next_step_at=now)
    if not moved and not rows.filter(idle).exists():
        moved = rows.update(wake_requested=True)
    return bool(moved) or rows.exists()
