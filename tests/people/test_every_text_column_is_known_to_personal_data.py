"""Each column of text is one that a deleted account is taken out of, or one that is known to name nobody."""

from typing import Final

from django.apps import apps
from django.db.models import CharField, GenericIPAddressField, JSONField, TextField

from exports.people import personal_data

# Columns of text in which nothing that the portal writes names a person, or only as a link to the account.
NAMELESS: Final = {
    "Alert": "encrypted_address events disabled_reason",
    "AuditEntry": "verb",
    "AutoProtection": "type format options cron time_zone disabled_reason",
    "Cached": "cache_key value",
    "Call": "method url error correlation",
    "Change": "from_status to_status provider_status",
    "Credential": "provider name origin dialect encrypted_secrets encrypted_grant last_error discovery_error",
    "Event": "key",
    "DatabaseIdentity": "identity",
    "Export": "type format options options_key provider_status messages error_code error_message error_action"
    " remote_id odd_change baseline memo encrypted_link last_error_code wait_note",
    "File": "name sha256 content_type path unchecked storage moved_from",
    "Heartbeat": "name queues",
    "IdempotencyKey": "key digest",
    "Incident": "key detail",
    "Invitation": "digest",
    "LastRun": "name",
    "Member": "mail_events",
    "OpenCircuit": "origin reason",
    "OutboxMessage": "key host",
    "Project": "remote_id name",
    "RateLimitPause": "rate_class reason",
    "RateWindow": "rate_class",
    "RemoteProject": "remote_id name",
    "Reservation": "task_id queue exports",
    "Rollup": "key",
    "Schedule": "type format options cron time_zone disabled_reason",
    "Team": "name slug time_zone",
    "Token": "name prefix digest",
    "Webhook": "url encrypted_secret encrypted_previous_secret events disabled_reason",
}
# Columns of which whole values are replaced.
REPLACED: Final = {
    "AuditEntry": "actor address",
    "Change": "actor",
    "Download": "actor address",
    "Invitation": "email",
    "OutboxMessage": "recipient",
    "User": "password email name time_zone",
}


def test_every_column_of_text_is_replaced_or_known_to_name_nobody() -> None:
    searched = {(model.__name__, field) for model, field in (*personal_data.SENTENCES, *personal_data.DOCUMENTS)}
    known = {
        (name, field) for table in (NAMELESS, REPLACED) for name, fields in table.items() for field in fields.split()
    }
    kinds = (CharField, TextField, JSONField, GenericIPAddressField)
    there = {
        (model.__name__, field.name)
        for model in apps.get_app_config("exports").get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, kinds) and not field.choices
    }
    assert there - known - searched == set(), "Does it name a person? Then exports.people.personal_data must know it."
