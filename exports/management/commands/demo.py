"""`manage.py demo --sandbox-port P`: creates or refreshes the demo team. Runs at each start of `up --demo`."""

import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction

from exports.credentials import service
from exports.management.translated_command import TranslatedCommand
from exports.models import Credential, Member, Project, Team, User
from exports.models.team import OWNER
from exports.people import teams
from exports.providers.registry import PROVIDERS
from exports.sandbox import demo_data
from exports.sentences import translated


class Command(TranslatedCommand):
    """Creates what is missing and updates what has changed; other rows of the team stay."""

    help = "Makes or refreshes the demo team with a credential and a project for every kind, and prints its sign-in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sandbox-port", type=int, required=True, help="Where the stand-in providers listen.")

    def handle(self, *args: Any, **options: Any) -> None:
        sandbox_host = f"127.0.0.1:{options['sandbox_port']}"
        if sandbox_host not in settings.PRIVATE_HOSTS:
            raise CommandError(f"Add {sandbox_host} to PRIVATE_HOSTS: the stand-in providers are on a private address.")
        password = load_or_create_password(Path(settings.DATA_DIR) / "demo-password")
        with transaction.atomic():
            team, user = _create_or_update_team(password)
            for slug, provider_secrets in demo_data.CREDENTIALS.items():
                _create_or_update_credential(team, user, slug, provider_secrets, f"http://{sandbox_host}/{slug}")
        self.stdout.write(translated(f"sign in as {user.email} with password {password}"))


def load_or_create_password(path: Path) -> str:
    """Returns the demo owner's password: created at the first start, read from the file at later ones."""
    try:
        if password := path.read_text(encoding="ascii").strip():
            return password
    except FileNotFoundError:
        pass
    password = secrets.token_urlsafe(12)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(password + "\n")
    return password


def _create_or_update_team(password: str) -> tuple[Team, User]:
    team = Team.objects.filter(slug=demo_data.TEAM_SLUG).first()
    if team is None:
        team, user, _ = teams.create_team(demo_data.TEAM_NAME, demo_data.OWNER_EMAIL, password)
    else:
        user = User.objects.filter(email=demo_data.OWNER_EMAIL).first() or User.objects.create_user(
            demo_data.OWNER_EMAIL
        )
    Member.objects.update_or_create(team=team, user=user, defaults={"role": OWNER})
    if not user.check_password(password) or not user.is_active:
        user.set_password(password)
        user.is_active = True
    user.name = user.name or demo_data.OWNER_NAME
    user.save()
    return team, user


def _create_or_update_credential(
    team: Team, user: User, slug: str, provider_secrets: dict[str, str], origin: str
) -> None:
    """Creates the stand-in's credential with its projects, or updates its origin, whose port may have changed."""
    label = PROVIDERS[slug].label
    credential = Credential.objects.filter(
        team=team, provider=slug, origin__startswith="http://127.0.0.1:", origin__endswith=f"/{slug}"
    ).first()
    if credential is None:
        credential = service.create_credential(
            team, user, provider=slug, name=f"{label} (stand-in)", secrets=provider_secrets, origin=origin
        )
    elif credential.origin != origin:
        Credential.objects.filter(pk=credential.pk).update(origin=origin, last_error="")
    for project_provider, remote_id, name in demo_data.PROJECTS:
        here = Project.objects.filter(credential=credential, remote_id=remote_id, archived_at=None)
        if project_provider == slug and not here.exists():
            service.create_project(credential, user, remote_id=remote_id, name=name)
