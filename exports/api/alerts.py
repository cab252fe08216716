"""Endpoints of alerts: list, create, change, delete, send a test. Addresses are masked in every answer."""

from ninja import Router, Status

from exports import access
from exports.api import body, serializers
from exports.api.alert_schemas import AlertOut, AlertsOut, ChangedAlert, NewAlert, alert_out
from exports.api.auth import ApiRequest
from exports.api.lists import read_paging
from exports.api.openapi import PAGING_PARAMETERS, operation_docs
from exports.api.schemas import EmptyBody
from exports.exporting import pagination
from exports.models import Alert
from exports.notify import alert_rules
from exports.notify.alert_rules import LastMessage

router = Router(tags=["Alerts"])


@router.get("/alerts", response=AlertsOut, openapi_extra=operation_docs(422, parameters=PAGING_PARAMETERS))
def list_alerts(request: ApiRequest) -> AlertsOut:
    """The team's alerts, newest first."""
    before, limit = read_paging(request.GET)
    page = pagination.get_page(access.alerts(request.auth.member), before=before, limit=limit)
    last = alert_rules.last_messages(page.rows)
    rows = [alert_out(row, last.get(row.pk, LastMessage())) for row in page.rows]
    return AlertsOut(alerts=rows, meta=serializers.page_meta(page))


@router.post("/alerts", response={201: AlertOut}, openapi_extra=operation_docs(409, body=NewAlert))
def create_alert(request: ApiRequest) -> AlertOut:
    """Adds an alert; for owners. Nothing is sent: test it afterwards."""
    member = access.require(request.auth.member, access.MANAGE)
    data = body.read_body(request, NewAlert)
    return _answer(alert_rules.create_alert(member.team, member.user, **data.model_dump()))


@router.post(
    "/alerts/{int:alert_id}/test", response={202: AlertOut}, openapi_extra=operation_docs(404, 409, body=EmptyBody)
)
def test_alert(request: ApiRequest, alert_id: int) -> AlertOut:
    """Sends a test message soon; for owners. `last_sent_at` and `last_error` say how it went."""
    member = request.auth.member
    row = access.alert(member, alert_id, access.MANAGE)
    body.read_body(request, EmptyBody)
    alert_rules.send_test(row, member.user)
    return _answer(row)


@router.get("/alerts/{int:alert_id}", response=AlertOut, openapi_extra=operation_docs(404))
def get_alert(request: ApiRequest, alert_id: int) -> AlertOut:
    """One alert."""
    return _answer(access.alert(request.auth.member, alert_id))


@router.patch("/alerts/{int:alert_id}", response=AlertOut, openapi_extra=operation_docs(404, body=ChangedAlert))
def change_alert(request: ApiRequest, alert_id: int) -> AlertOut:
    """Changes an alert; for owners. Turned on again, it tells what happens from then on."""
    member = request.auth.member
    row = access.alert(member, alert_id, access.MANAGE)
    data = body.read_body(request, ChangedAlert)
    return _answer(alert_rules.change_alert(row, member.user, **data.model_dump(exclude_unset=True)))


@router.delete("/alerts/{int:alert_id}", response={204: None}, openapi_extra=operation_docs(403, 404))
def delete_alert(request: ApiRequest, alert_id: int) -> Status[None]:
    """Deletes an alert, with what it was not told yet; for owners."""
    member = request.auth.member
    alert_rules.delete_alert(access.alert(member, alert_id, access.MANAGE), member.user)
    return Status(204, None)


def _answer(row: Alert) -> AlertOut:
    return alert_out(row, alert_rules.last_messages([row]).get(row.pk, LastMessage()))
