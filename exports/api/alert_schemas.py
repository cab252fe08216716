"""The fields of alerts in requests and answers, and their values."""

from typing import Any

from pydantic import BaseModel, Field

from exports.api.body import RequestBody
from exports.api.schemas import Meta, Moment
from exports.models import Alert
from exports.models.alert import ALERT_KINDS, DAILY, NO_DIGEST
from exports.models.event import EVENT_TYPES
from exports.notify.alert_addresses import masked_address
from exports.notify.alert_rules import LastMessage


class AlertOut(BaseModel):
    """An alert. `address` is masked, since such addresses are secrets."""

    id: int
    kind: str
    address: str
    events: list[str]
    digest: str
    enabled: bool
    disabled_reason: str = Field(description="Why it was turned off by itself; empty where it was not.")
    created_at: Moment
    last_sent_at: Moment | None = Field(description="When its address took a message last.")
    last_error: str = Field(description="Why the latest message was not taken; empty where it was.")


class AlertsOut(BaseModel):
    alerts: list[AlertOut]
    meta: Meta


ALERT_KIND_SCHEMA: dict[str, Any] = {"enum": list(ALERT_KINDS)}
ALERT_EVENTS_SCHEMA: dict[str, Any] = {"items": {"type": "string", "enum": list(EVENT_TYPES)}, "minItems": 1}
ALERT_DIGEST_SCHEMA: dict[str, Any] = {"enum": [NO_DIGEST, DAILY]}


class NewAlert(RequestBody):
    """`address`: that of a webhook, an ntfy server's with a topic, or for mail a member's."""

    kind: str = Field(json_schema_extra=ALERT_KIND_SCHEMA)
    address: str = Field(repr=False, json_schema_extra={"minLength": 1, "maxLength": 2000})
    events: list[str] = Field(json_schema_extra=ALERT_EVENTS_SCHEMA)
    digest: str = Field(NO_DIGEST, json_schema_extra=ALERT_DIGEST_SCHEMA, description="daily: one message a day.")
    enabled: bool = True


class ChangedAlert(RequestBody):
    """What is absent stays as it is."""

    kind: str = Field("", json_schema_extra=ALERT_KIND_SCHEMA)
    address: str = Field("", repr=False, json_schema_extra={"minLength": 1, "maxLength": 2000})
    events: list[str] = Field(default_factory=list, json_schema_extra=ALERT_EVENTS_SCHEMA)
    digest: str = Field(NO_DIGEST, json_schema_extra=ALERT_DIGEST_SCHEMA)
    enabled: bool = True


def alert_out(row: Alert, last: LastMessage) -> AlertOut:
    """The alert with its address masked."""
    return AlertOut(
        id=row.pk,
        kind=row.kind,
        address=masked_address(row),
        events=row.events,
        digest=row.digest,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        created_at=row.created_at,
        last_sent_at=last.sent_at,
        last_error=last.error,
    )
