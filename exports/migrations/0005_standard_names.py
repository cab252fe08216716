"""The field's standard names for models and columns, and what Celery's pool needs to run the steps."""

from typing import ClassVar

from django.db import migrations

MODELS = {
    "Event": "AuditEntry",
    "Allowance": "RateWindow",
    "Pause": "RateLimitPause",
    "Outage": "OpenCircuit",
    "Notice": "OutboxMessage",
}
FIELDS = {
    "auditentry": {"thing": "target"},
    "credential": {
        "sealed": "encrypted_secrets",
        "sealed_grant": "encrypted_grant",
        "grant_lock": "grant_locked_until",
        "trouble": "last_error",
    },
    "export": {
        "misses": "consecutive_failures",
        "stalls": "crash_count",
        "looks": "search_attempts",
        "trouble": "last_error_code",
        "ticket": "rate_slot",
        "nudged": "wake_requested",
        "sealed_link": "encrypted_link",
        "asked_at": "request_sent_at",
        "most_bytes": "largest_part_bytes",
        "unreadable": "unreadable_answers",
    },
    "opencircuit": {"times": "trip_count"},
    "outboxmessage": {"trouble": "last_error"},
    "ratewindow": {"issued": "next_slot"},
    "team": {"most_bytes": "quota_bytes", "demand_second_factor": "require_second_factor"},
}


class Migration(migrations.Migration):
    """Renames, which keep every row; the columns that are new come in the next one."""

    dependencies: ClassVar = [("exports", "0004_room_in_pages")]
    operations: ClassVar = [
        *(migrations.RenameModel(old, new) for old, new in MODELS.items()),
        *(
            migrations.RenameField(model, old, new)
            for model, fields in FIELDS.items()
            for old, new in fields.items()
        ),
    ]
