"""Who may see and do what. Raises Http404 for objects of other teams and PermissionDenied for a role that is too low.

Viewers see and download; members also export; owners also manage credentials, members and invitations.
"""

from typing import Any, Final, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404

from exports.models import Alert, Credential, Export, Member, OutboxMessage, Project, Schedule, Team, User, Webhook
from exports.models.outbox import WEBHOOK
from exports.models.team import MEMBER, OWNER, VIEWER

M = TypeVar("M", bound=Model)

VIEW: Final = "view"
EXPORT: Final = "export"
MANAGE: Final = "manage"

ROLE_PERMISSIONS: Final[dict[str, frozenset[str]]] = {
    VIEWER: frozenset({VIEW}),
    MEMBER: frozenset({VIEW, EXPORT}),
    OWNER: frozenset({VIEW, EXPORT, MANAGE}),
}
DENIED_MESSAGES: Final = {
    EXPORT: "Your role in this team is viewer: you can look and download. Ask an owner to make you a member.",
    MANAGE: "Only owners of the team can do this. Ask one of them.",
}


def teams(user: User) -> QuerySet[Team]:
    """The teams of the person, by name."""
    return Team.objects.for_user(user).order_by("name", "pk")


def get_member(user: User, team_slug: str, verb: str = VIEW) -> Member:
    """The person's membership, if the role allows the verb. Raises Http404, PermissionDenied."""
    member = Member.objects.select_related("team", "user").filter(team__slug=team_slug, user=user).first()
    if member is None:
        raise Http404("There is no such team.")
    return require(member, verb)


def require(member: Member, verb: str) -> Member:
    """The member, if the role allows the verb. Raises PermissionDenied."""
    if verb not in ROLE_PERMISSIONS.get(member.role, frozenset()):
        raise PermissionDenied(DENIED_MESSAGES[verb])
    return member


def exports(member: Member) -> QuerySet[Export]:
    """The exports that the member may see: those of the team."""
    return Export.objects.with_related().filter(team=member.team)


def projects(member: Member, *, with_archived: bool = False) -> QuerySet[Project]:
    """The projects that the member may see: those of the team, without archived ones unless asked for."""
    rows = Project.objects.select_related("credential", "team").filter(team=member.team)
    return rows if with_archived else rows.filter(archived_at=None)


def credentials(member: Member) -> QuerySet[Credential]:
    """The credentials that the member may see, though not their secrets: those of the team."""
    return Credential.objects.select_related("team").filter(team=member.team, deleted_at=None)


def schedules(member: Member) -> QuerySet[Schedule]:
    """The schedules that the member may see: those of the team."""
    rows = Schedule.objects.select_related("project__credential", "owner", "team")
    return rows.filter(team=member.team)


def _get(rows: QuerySet[M], pk: int, name: str, member: Member, verb: str) -> M:
    """The row with this id, if there is one and the role allows the verb: a role is asked for after the row is seen."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404(f"There is no such {name} in this team.")
    require(member, verb)
    return row


def export(member: Member, pk: int, verb: str = VIEW, **annotations: Any) -> Export:
    """The team's export with this id, with `annotations` of the query. Raises Http404, PermissionDenied."""
    return _get(exports(member).annotate(**annotations), pk, "export", member, verb)


def project(member: Member, pk: int, verb: str = VIEW, *, with_archived: bool = False) -> Project:
    """The team's project with this id. Raises Http404, PermissionDenied."""
    return _get(projects(member, with_archived=with_archived), pk, "project", member, verb)


def credential(member: Member, pk: int, verb: str = VIEW) -> Credential:
    """The team's credential with this id. Raises Http404, PermissionDenied."""
    return _get(credentials(member), pk, "credential", member, verb)


def alerts(member: Member) -> QuerySet[Alert]:
    """The alerts that the member may see, though not their addresses: those of the team."""
    return Alert.objects.select_related("team").filter(team=member.team)


def alert(member: Member, pk: int, verb: str = VIEW) -> Alert:
    """The team's alert with this id. Raises Http404, PermissionDenied."""
    return _get(alerts(member), pk, "alert", member, verb)


def schedule(member: Member, pk: int, verb: str = VIEW) -> Schedule:
    """The team's schedule with this id. Raises Http404, PermissionDenied."""
    return _get(schedules(member), pk, "schedule", member, verb)


def may_own_schedules(team: Team, user: User) -> bool:
    """Whether exports may be asked for on the person's behalf: an active account, and a role that may export."""
    member = Member.objects.filter(team=team, user=user).first() if user.is_active else None
    return member is not None and EXPORT in ROLE_PERMISSIONS.get(member.role, frozenset())


def webhooks(member: Member) -> QuerySet[Webhook]:
    """The webhooks that the member may see, though not their secrets: those of the team."""
    return Webhook.objects.filter(team=member.team)


def webhook(member: Member, pk: int, verb: str = VIEW) -> Webhook:
    """The team's webhook with this id. Raises Http404, PermissionDenied."""
    return _get(webhooks(member), pk, "webhook", member, verb)


def delivery(member: Member, pk: int, verb: str = VIEW) -> OutboxMessage:
    """The delivery of one of the team's webhooks with this id. Raises Http404, PermissionDenied."""
    rows = OutboxMessage.objects.select_related("webhook")
    rows = rows.filter(team=member.team, webhook__team=member.team, kind=WEBHOOK)
    return _get(rows, pk, "delivery", member, verb)
