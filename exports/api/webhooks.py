"""Endpoints of webhooks and of their deliveries."""

from typing import Any, Final

from ninja import Router, Status
from pydantic import BaseModel, Field

from exports import access
from exports.api import body
from exports.api.auth import ApiRequest
from exports.api.body import RequestBody
from exports.api.lists import read_paging
from exports.api.openapi import PAGING_PARAMETERS, operation_docs
from exports.api.schemas import EmptyBody, Meta
from exports.api.serializers import page_meta
from exports.exporting import pagination
from exports.models import Member, OutboxMessage, Webhook
from exports.models.event import EVENT_TYPES
from exports.notify import webhook_rules
from exports.representations import Moment

router = Router(tags=["Webhooks"])

_URL: Final[dict[str, Any]] = {"minLength": 1, "maxLength": webhook_rules.MAX_URL_LENGTH}
_EVENTS: Final[dict[str, Any]] = {"items": {"type": "string", "enum": list(EVENT_TYPES)}, "minItems": 1}


class WebhookOut(BaseModel):
    """A webhook. `url` is masked for who may not change it. Until `previous_secret_until` two secrets sign."""

    id: int
    url: str
    events: list[str]
    enabled: bool
    disabled_reason: str = Field(description="Why the portal turned it off; empty where it did not.")
    failing_since: Moment | None = Field(description="Since when nothing but failures came; null where it works.")
    previous_secret_until: Moment | None
    created_at: Moment


class NewWebhookOut(WebhookOut):
    """A webhook with its signing secret, which is shown this once."""

    secret: str = Field(repr=False)


class WebhooksOut(BaseModel):
    webhooks: list[WebhookOut]
    meta: Meta


class DeliveryOut(BaseModel):
    """One message to a webhook. `state`: waiting, sent or failed. `status`: that of the last answer."""

    id: int
    webhook_id: int
    message_id: str = Field(description="The header webhook-id, the same at each attempt.")
    event: str
    state: str
    attempts: int
    created_at: Moment
    next_at: Moment | None
    status: int | None
    error: str | None


class DeliveriesOut(BaseModel):
    deliveries: list[DeliveryOut]
    meta: Meta


class NewWebhook(RequestBody):
    """`url`: where the events are sent, by POST. `events`: which of them."""

    url: str = Field(repr=False, json_schema_extra=_URL)
    events: list[str] = Field(json_schema_extra=_EVENTS)
    enabled: bool = True


class WebhookChanges(RequestBody):
    """What is left out stays."""

    url: str | None = Field(None, repr=False, json_schema_extra=_URL)
    events: list[str] | None = Field(None, json_schema_extra=_EVENTS)
    enabled: bool | None = None


@router.get("/webhooks", response=WebhooksOut, openapi_extra=operation_docs(422, parameters=PAGING_PARAMETERS))
def list_webhooks(request: ApiRequest) -> WebhooksOut:
    """The team's webhooks, newest first. Secrets never come back."""
    member = request.auth.member
    before, limit = read_paging(request.GET)
    page = pagination.get_page(access.webhooks(member), before=before, limit=limit)
    return WebhooksOut(webhooks=[_webhook(row, member) for row in page.rows], meta=page_meta(page))


@router.post("/webhooks", response={201: NewWebhookOut}, openapi_extra=operation_docs(409, body=NewWebhook))
def create_webhook(request: ApiRequest) -> NewWebhookOut:
    """Adds a webhook; for owners. Its secret is in this answer only. Nothing is sent: test it afterwards."""
    member = access.require(request.auth.member, access.MANAGE)
    data = body.read_body(request, NewWebhook)
    row, secret = webhook_rules.create_webhook(
        member.team, member.user, url=data.url, events=data.events, enabled=data.enabled
    )
    return NewWebhookOut(**_webhook(row, member).model_dump(), secret=secret)


@router.get("/webhooks/{int:webhook_id}", response=WebhookOut, openapi_extra=operation_docs(404))
def get_webhook(request: ApiRequest, webhook_id: int) -> WebhookOut:
    """One webhook."""
    return _webhook(access.webhook(request.auth.member, webhook_id), request.auth.member)


@router.patch("/webhooks/{int:webhook_id}", response=WebhookOut, openapi_extra=operation_docs(404, body=WebhookChanges))
def change_webhook(request: ApiRequest, webhook_id: int) -> WebhookOut:
    """Changes a webhook; for owners. `enabled: true` begins afresh after the portal turned it off."""
    member = request.auth.member
    row = access.webhook(member, webhook_id, access.MANAGE)
    data = body.read_body(request, WebhookChanges)
    return _webhook(webhook_rules.change_webhook(row, member.user, **data.model_dump(exclude_unset=True)), member)


@router.delete("/webhooks/{int:webhook_id}", response={204: None}, openapi_extra=operation_docs(403, 404))
def delete_webhook(request: ApiRequest, webhook_id: int) -> Status[None]:
    """Deletes a webhook with its deliveries; for owners."""
    member = request.auth.member
    webhook_rules.delete_webhook(access.webhook(member, webhook_id, access.MANAGE), member.user)
    return Status(204, None)


@router.post(
    "/webhooks/{int:webhook_id}/rotate", response=NewWebhookOut, openapi_extra=operation_docs(404, body=EmptyBody)
)
def rotate_webhook_secret(request: ApiRequest, webhook_id: int) -> NewWebhookOut:
    """Gives a webhook a new secret; for owners. The one before signs as well for 24 hours."""
    member = request.auth.member
    row = access.webhook(member, webhook_id, access.MANAGE)
    body.read_body(request, EmptyBody)
    row, secret = webhook_rules.rotate_secret(row, member.user)
    return NewWebhookOut(**_webhook(row, member).model_dump(), secret=secret)


@router.post(
    "/webhooks/{int:webhook_id}/test",
    response={202: DeliveryOut},
    openapi_extra=operation_docs(404, 409, body=EmptyBody),
)
def test_webhook(request: ApiRequest, webhook_id: int) -> Status[DeliveryOut]:
    """Sends the event `webhook.test` soon; for owners. The delivery says how it went."""
    member = request.auth.member
    row = access.webhook(member, webhook_id, access.MANAGE)
    body.read_body(request, EmptyBody)
    return Status(202, _delivery(webhook_rules.send_test(row, member.user)))


@router.get(
    "/webhooks/{int:webhook_id}/deliveries",
    response=DeliveriesOut,
    openapi_extra=operation_docs(404, 422, parameters=PAGING_PARAMETERS),
)
def list_deliveries(request: ApiRequest, webhook_id: int) -> DeliveriesOut:
    """The deliveries of a webhook, newest first. Those that have ended are kept for 30 days."""
    row = access.webhook(request.auth.member, webhook_id)
    before, limit = read_paging(request.GET)
    page = pagination.get_page(webhook_rules.deliveries_of(row), before=before, limit=limit)
    return DeliveriesOut(deliveries=[_delivery(message) for message in page.rows], meta=page_meta(page))


@router.post(
    "/deliveries/{int:delivery_id}/redeliver",
    response={202: DeliveryOut},
    openapi_extra=operation_docs(404, 409, body=EmptyBody),
)
def redeliver(request: ApiRequest, delivery_id: int) -> Status[DeliveryOut]:
    """Sends a delivery again soon, with the same id and body; for owners."""
    member = request.auth.member
    row = access.delivery(member, delivery_id, access.MANAGE)
    body.read_body(request, EmptyBody)
    return Status(202, _delivery(webhook_rules.redeliver(row, member.user)))


def _webhook(row: Webhook, member: Member) -> WebhookOut:
    return WebhookOut(
        id=row.pk,
        url=webhook_rules.url_for(row, may_manage=access.MANAGE in access.ROLE_PERMISSIONS[member.role]),
        events=row.events,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        failing_since=row.failing_since,
        previous_secret_until=row.previous_secret_until if row.has_previous_secret else None,
        created_at=row.created_at,
    )


def _delivery(row: OutboxMessage) -> DeliveryOut:
    return DeliveryOut(
        id=row.pk,
        webhook_id=row.webhook_id or 0,
        message_id=row.key,
        event=row.payload.get("type", ""),
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        next_at=row.due_at,
        status=row.answer_status,
        error=row.last_error or None,
    )
