"""What the API's page shows of the reader: the sidebar of their team, and ids with which its examples work."""

from typing import Any

from django.db.models import Max
from django.http import HttpRequest

from exports import access
from exports.models import Member
from exports.people import security
from exports.web import rendering


def api_page_context(request: HttpRequest) -> dict[str, Any]:
    """Returns what base.html needs, and `example_ids`; {} for readers who are signed out or have no team.

    `?team=` names the team, else it is the reader's first.
    """
    if not request.user.is_authenticated:
        return {}
    rows = Member.objects.select_related("team", "user").filter(user=request.user).order_by("pk")
    members = {row.team.slug: row for row in rows}
    member = members.get(request.GET.get("team", "")) or next(iter(members.values()), None)
    if member is None or (member.team.require_second_factor and not security.has_second_factor(request.user)):
        return {}
    return {**rendering.base_context(member), "example_ids": example_ids(member)}


def example_ids(member: Member) -> dict[str, int]:
    """Returns the latest ids of the team's objects by the names of the API's parameters; one query each."""
    newest = {
        "project_id": access.projects(member),
        "export_id": access.exports(member).filter(file__isnull=False, file__deleted_at=None),
        "credential_id": access.credentials(member),
        "schedule_id": access.schedules(member),
        "webhook_id": access.webhooks(member),
        "alert_id": access.alerts(member),
    }
    found = {name: rows.aggregate(newest=Max("pk"))["newest"] for name, rows in newest.items()}
    return {name: pk for name, pk in found.items() if pk is not None}
