"""Exports in every state, made without a provider."""

import hashlib
from datetime import timedelta
from typing import Any

from django.utils import timezone

from exports import states
from exports.models import Alert, Export, File, Project, User
from exports.models.event import EXPORT_FAILED
from exports.notify import alert_rules
from exports.settle.good_copies import record_good_copy
from exports.storage import files
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export

ALERT_ADDRESS = "https://chat.example/hooks/T1/B2/secret3"
ORDERS_CSV = b"order.id,order.total\n1,10\n"


def waiting_export(cast: Cast, project: Project | None = None, **more: Any) -> Export:
    project = project or cast.project(TABLES)
    return request_export(project, cast.member, project.provider.kinds[0].type, **more)


def processing_export(cast: Cast, **more: Any) -> Export:
    export = waiting_export(cast, **more)
    export.move(
        states.PROCESSING,
        source="worker",
        step=states.POLL,
        remote_id="77",
        started_at=timezone.now(),
        next_step_at=timezone.now() + timedelta(minutes=1),
        provider_status="running",
        progress=40.0,
    )
    return export


def succeeded_export(cast: Cast, name: str = "orders.csv", **more: Any) -> Export:
    export = processing_export(cast, **more)
    path = f"{cast.team.pk}/{export.pk}/{name}"
    target = files.files_dir() / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(ORDERS_CSV)
    file = File.objects.create(
        team=cast.team,
        name=name,
        size=len(ORDERS_CSV),
        sha256=hashlib.sha256(ORDERS_CSV).hexdigest(),
        content_type="text/csv; charset=utf-8",
        path=path,
        verified_at=timezone.now(),
    )
    export.move(states.SUCCEEDED, source="worker", file=file, progress=100.0)
    record_good_copy(export, file)
    return export


def failed_export(cast: Cast, code: str = "rejected", message: str = "The provider said no.", **more: Any) -> Export:
    export = processing_export(cast, **more)
    export.move(
        states.FAILED,
        source="poll",
        error_code=code,
        error_message=message,
        error_action=states.DEFAULT_ACTION[code],
        note=message,
    )
    return export


def staff_user() -> User:
    return User.objects.create_superuser("staff@example.org", "correct horse battery staple")


def alert(
    cast: Cast, kind: str = "slack", address: str = "https://chat.example/hooks/T1/B2/secret3", **more: Any
) -> Alert:
    """An alert of the team, about failures unless `events` says otherwise."""
    more.setdefault("events", [EXPORT_FAILED])
    return alert_rules.create_alert(cast.team, cast.owner.user, kind=kind, address=address, **more)
