"""What a webhook carries: `type`, `timestamp`, and `data` in the shapes of the API."""

from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter

from exports import representations
from exports.models import Credential, Event, Schedule, Team
from exports.portal_url import portal_url
from exports.representations import Moment

TEST_EVENT: Final = "webhook.test"
_MOMENT: Final = TypeAdapter(Moment)


def body_of(event: Event) -> dict[str, Any]:
    """The body of an event's webhooks. `event` comes with team, export and project loaded."""
    data: dict[str, Any] = {"team": _shape(representations.team(event.team))}
    if event.export is not None:
        data["export"] = _shape(representations.export(event.export, portal_url()))
    if event.project is not None and not event.type.startswith(("export.", "file.")):
        data["project"] = _shape(representations.project(event.project))
    # By its id, since it is a row that may be deleted while its event stays.
    if "schedule_id" in event.data and (schedule := _find_schedule(event)) is not None:
        data["schedule"] = _shape(representations.schedule(schedule, []))
    if "credential_id" in event.data and (credential := _find_credential(event)) is not None:
        data["credential"] = _shape(representations.credential(credential))
    figures = {name: value for name, value in event.data.items() if not name.endswith("_id")}
    return _body(event.type, event.at, {**figures, **data})


def test_body(team: Team, webhook_id: int, at: datetime) -> dict[str, Any]:
    """The body of a test."""
    return _body(TEST_EVENT, at, {"team": _shape(representations.team(team)), "webhook": {"id": webhook_id}})


def _find_schedule(event: Event) -> Schedule | None:
    rows = Schedule.objects.select_related("project__credential", "team", "owner")
    return rows.filter(pk=event.data["schedule_id"]).first()


def _find_credential(event: Event) -> Credential | None:
    return Credential.objects.filter(pk=event.data["credential_id"]).first()


def _body(type_: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"type": type_, "timestamp": _MOMENT.dump_python(at), "data": data}


def _shape(resource: BaseModel) -> dict[str, Any]:
    return resource.model_dump(mode="json", by_alias=True)
