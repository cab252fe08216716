"""Endpoints of the token's team: what it is, and what its owners set."""

from ninja import Router
from pydantic import Field

from exports import access
from exports.api import body
from exports.api.auth import ApiRequest
from exports.api.body import RequestBody
from exports.api.openapi import operation_docs
from exports.api.schemas import TeamSettingsOut
from exports.exporting import team_settings
from exports.models import Member, Team

router = Router(tags=["About"])


class TeamChanges(RequestBody):
    """What to change; what is left out stays. `odd_change_percent`: null for no change is odd."""

    name: str = Field("", json_schema_extra={"minLength": 1, "maxLength": team_settings.MAX_NAME_LENGTH})
    time_zone: str = Field("UTC", description="The name of a zone, like Europe/Paris.")
    language: str = Field("en", description="Of messages to chats and phones, and of invitations: en or fr.")
    paused: bool = Field(False, description="Paused: nothing new runs; what runs continues.")
    odd_change_percent: int | None = Field(
        None, json_schema_extra={"minimum": 1, "maximum": team_settings.MAX_ODD_CHANGE_PERCENT}
    )
    expiry_notice_days: int = Field(
        0, json_schema_extra={"minimum": 0, "maximum": team_settings.MAX_EXPIRY_NOTICE_DAYS}
    )


@router.get("/team", response=TeamSettingsOut, openapi_extra=operation_docs())
def get_team(request: ApiRequest) -> TeamSettingsOut:
    """The team of this token: its settings, members and storage."""
    return _serialize(request.auth.member.team)


@router.patch("/team", response=TeamSettingsOut, openapi_extra=operation_docs(body=TeamChanges))
def change_team(request: ApiRequest) -> TeamSettingsOut:
    """Renames the team, sets its time zone, pauses or resumes it. For owners."""
    member = access.require(request.auth.member, access.MANAGE)
    data = body.read_body(request, TeamChanges)
    changes = {name: getattr(data, name) for name in data.model_fields_set}
    return _serialize(team_settings.change_team(member.team, member.user, changes))


def _serialize(team: Team) -> TeamSettingsOut:
    return TeamSettingsOut(
        id=team.pk,
        slug=team.slug,
        name=team.name,
        time_zone=team.time_zone,
        language=team.language,
        paused=team.paused_at is not None,
        paused_at=team.paused_at,
        odd_change_percent=team.odd_change_percent,
        expiry_notice_days=team.expiry_notice_days,
        members=Member.objects.filter(team=team).count(),
        kept_files=team.kept_files,
        kept_bytes=team.kept_bytes,
        quota_bytes=team.quota_bytes,
    )
