"""Whether a credential works: what was wrong with it last, and telling its team once."""

from typing import Any

from django.db import transaction
from django.db.models import Q

from exports import clock
from exports.models import Credential, Event
from exports.models.event import CREDENTIAL_REFUSED


def record_refused(credential: Credential, message: str, **fields: Any) -> None:
    """Records that the provider refused the credential, or that its test failed; `message` holds no secret.

    Its team is told once, until it works again. `fields` are written with it.
    """
    now = clock.now()
    fields["last_error"] = message[:500]
    with transaction.atomic():
        rows = Credential.objects.filter(pk=credential.pk)
        if rows.filter(refused_notified_at=None).update(**fields, refused_notified_at=now):
            key = f"{CREDENTIAL_REFUSED}:{credential.pk}:{now.timestamp():.3f}"
            Event.record(credential.team_id, CREDENTIAL_REFUSED, key, credential_id=credential.pk, error=message[:500])
        else:
            rows.update(**fields)


def record_accepted(credential: Credential, **fields: Any) -> None:
    """Records that the credential works; `fields` are written with it."""
    rows = Credential.objects.filter(pk=credential.pk)
    rows.update(**fields, last_error="", refused_notified_at=None)


def forget_refusal(credential: Credential) -> None:
    """As `record_accepted`, where the row as it was read says that there is something to forget."""
    if credential.last_error or credential.refused_notified_at is not None:
        rows = Credential.objects.filter(pk=credential.pk).exclude(Q(last_error="") & Q(refused_notified_at=None))
        rows.update(last_error="", refused_notified_at=None)
