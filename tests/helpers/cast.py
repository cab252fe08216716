"""The fixed cast: one team with an owner, a member and a viewer, and an outsider of another team."""

from dataclasses import dataclass
from typing import Any

from exports.credentials import service
from exports.models import Credential, Member, Project, Team, User
from exports.models.team import MEMBER, OWNER, VIEWER
from exports.providers import registry
from exports.providers.registry import get_kind
from exports.sandbox.registry import DECLARATIONS

# Clearly no real secrets; the stand-in providers take them.
SECRETS: dict[str, dict[str, str]] = {slug: dict(stand_in.secrets) for slug, stand_in in DECLARATIONS.items()}
PROJECTS: dict[str, str] = {slug: stand_in.project_id for slug, stand_in in DECLARATIONS.items()}
PASSWORD = "correct horse battery staple"

# (provider, type, format, options) of every kind and format.
KINDS: list[tuple[str, str, str, dict[str, Any]]] = [
    (slug, request.type, format_, dict(request.options))
    for slug, stand_in in DECLARATIONS.items()
    for request in stand_in.exports
    for format_ in stand_in.formats or get_kind(slug, request.type).formats
]


def default_origin(provider: str) -> str:
    """The provider's own; an address of nobody where each installation has one."""
    return "" if registry.PROVIDERS[provider].origins else "https://service.example.org"


@dataclass
class Cast:
    """Everybody, and what they work with."""

    team: Team
    owner: Member
    member: Member
    viewer: Member
    other_team: Team
    outsider: Member

    def credential(self, provider: str, origin: str = "", name: str = "", **more: Any) -> Credential:
        """A credential of the team, for the stand-in providers when `origin` points at them."""
        secrets, origin = more.pop("secrets", SECRETS[provider]), origin or default_origin(provider)
        return service.create_credential(
            self.team, self.owner.user, provider=provider, name=name or provider, secrets=secrets, origin=origin, **more
        )

    def project(self, provider: str, origin: str = "", remote_id: str = "", **more: Any) -> Project:
        """A project of the team, with its credential made when there is none of this provider and origin yet."""
        origin = origin or default_origin(provider)
        rows = Credential.objects.filter(team=self.team, provider=provider, origin=origin)
        credential = more.pop("credential", None) or rows.first()
        if credential is None:
            count = Credential.objects.filter(team=self.team).count()
            credential = self.credential(provider, origin, name=f"{provider} {count}", **more)
        remote_id = remote_id or PROJECTS[provider]
        known = Project.objects.filter(credential=credential, remote_id=remote_id).first()
        return known or service.create_project(
            credential, self.owner.user, remote_id=remote_id, name=f"The {provider} one"
        )


def _person(name: str) -> User:
    return User.objects.create_user(f"{name}@example.org", PASSWORD, name=name.capitalize())


def make_cast() -> Cast:
    """Makes the cast in the database."""
    team = Team.objects.create(name="The Team", slug="the-team")
    other = Team.objects.create(name="Other Team", slug="other-team")
    return Cast(
        team=team,
        owner=Member.objects.create(team=team, user=_person("owner"), role=OWNER),
        member=Member.objects.create(team=team, user=_person("member"), role=MEMBER),
        viewer=Member.objects.create(team=team, user=_person("viewer"), role=VIEWER),
        other_team=other,
        outsider=Member.objects.create(team=other, user=_person("outsider"), role=OWNER),
    )
