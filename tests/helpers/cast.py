"""The fixed cast: one team with an owner, a member and a viewer, and an outsider of another team."""

from dataclasses import dataclass
from typing import Any

from exports.credentials import service
from exports.models import Credential, Member, Project, Team, User
from exports.models.team import MEMBER, OWNER, VIEWER

# Clearly no real secrets; the stand-in providers take them.
SECRETS: dict[str, dict[str, str]] = {
    "playcanvas": {"token": "sandbox-token"},
    "aistudios": {"app_id": "sandbox-app", "user_key": "sandbox-key"},
    "toloka": {"token": "sandbox-token", "scheme": "OAuth"},
    "ulule": {"api_key": "sandbox-key"},
}
PROJECTS = {"playcanvas": "100001", "aistudios": "65fa6b07dca2e367461a2925", "toloka": "10", "ulule": "4001"}
PASSWORD = "correct horse battery staple"

# (provider, type, format, options) of every kind.
KINDS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("playcanvas", "archive", "zip", {}),
    ("playcanvas", "app", "zip", {"name": "An app", "scenes": [1000011]}),
    ("aistudios", "video", "mp4", {}),
    ("toloka", "archive", "none", {}),
    ("ulule", "orders", "csv", {}),
    ("ulule", "orders", "xlsx", {}),
]


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
        secrets = more.pop("secrets", SECRETS[provider])
        return service.create_credential(
            self.team, self.owner.user, provider=provider, name=name or provider, secrets=secrets, origin=origin, **more
        )

    def project(self, provider: str, origin: str = "", remote_id: str = "", **more: Any) -> Project:
        """A project of the team, with its credential made when there is none of this provider and origin yet."""
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
