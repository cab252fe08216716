"""Who may see and do what: the only source of 404 (not yours to know of) and 403 (not your role).

Viewers look and download; members export; owners also hold credentials, projects' credentials, members and tokens.
"""

from typing import Final

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from exports.models import Credential, Export, Member, Project, Team, User
from exports.models.team import MEMBER, OWNER, VIEWER

VIEW: Final = "look"
EXPORT: Final = "export"
MANAGE: Final = "hold"

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
    """The teams a person may see."""
    return Team.objects.for_user(user).order_by("name", "pk")


def get_member(user: User, team_slug: str, verb: str = VIEW) -> Member:
    """The person's membership, if the role allows the verb. Raises Http404, PermissionDenied."""
    found = Member.objects.select_related("team", "user").filter(team__slug=team_slug, user=user).first()
    if found is None:
        raise Http404("There is no such team.")
    return require(found, verb)


def require(member: Member, verb: str) -> Member:
    """The member, if the role allows the verb. Raises PermissionDenied."""
    if verb not in ROLE_PERMISSIONS.get(member.role, frozenset()):
        raise PermissionDenied(DENIED_MESSAGES[verb])
    return member


def exports(member: Member) -> QuerySet[Export]:
    """The exports a member may see."""
    return Export.objects.with_related().filter(team=member.team)


def projects(member: Member) -> QuerySet[Project]:
    """The projects a member may see."""
    return Project.objects.select_related("credential", "team").filter(team=member.team)


def credentials(member: Member) -> QuerySet[Credential]:
    """The credentials a member may see (never their secrets)."""
    return Credential.objects.select_related("team").filter(team=member.team)


def export(member: Member, pk: int, verb: str = VIEW) -> Export:
    """One export. Raises Http404, PermissionDenied."""
    found = exports(member).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such export in this team.")
    require(member, verb)
    return found


def project(member: Member, pk: int, verb: str = VIEW) -> Project:
    """One project. Raises Http404, PermissionDenied."""
    found = projects(member).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such project in this team.")
    require(member, verb)
    return found


def credential(member: Member, pk: int, verb: str = VIEW) -> Credential:
    """One credential. Raises Http404, PermissionDenied."""
    found = credentials(member).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such credential in this team.")
    require(member, verb)
    return found
