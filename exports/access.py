"""Who may see and do what. Raises Http404 for objects of other teams and PermissionDenied for a role that is too low.

Viewers see and download; members also export; owners also manage credentials, members and invitations.
"""

from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from exports.models import Credential, Export, Member, Project, Team, User
from exports.models.team import MEMBER, OWNER, VIEWER

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
    return Credential.objects.select_related("team").filter(team=member.team)


def export(member: Member, pk: int, verb: str = VIEW, **annotations: Any) -> Export:
    """The team's export with this id, with `annotations` of the query. Raises Http404, PermissionDenied."""
    row = exports(member).annotate(**annotations).filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such export in this team.")
    require(member, verb)
    return row


def project(member: Member, pk: int, verb: str = VIEW, *, with_archived: bool = False) -> Project:
    """The team's project with this id. Raises Http404, PermissionDenied."""
    row = projects(member, with_archived=with_archived).filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such project in this team.")
    require(member, verb)
    return row


def credential(member: Member, pk: int, verb: str = VIEW) -> Credential:
    """The team's credential with this id. Raises Http404, PermissionDenied."""
    row = credentials(member).filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such credential in this team.")
    require(member, verb)
    return row
