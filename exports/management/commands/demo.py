"""`manage.py demo --sandbox-port P`: the demo team, ready to be used. Called at each start of `up --demo`."""

import os
import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from exports.credentials import service
from exports.models import Credential, Member, Project, Team, User
from exports.models.team import OWNER
from exports.people import teams
from exports.providers.registry import PROVIDERS
from exports.sandbox import demo_data


class Command(BaseCommand):
    """Makes what is missing and refreshes what has changed; whatever else the team holds stays."""

    help = "Makes or refreshes the demo team with a credential and a project for every kind, and prints its sign-in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sandbox-port", type=int, required=True, help="Where the stand-in providers listen.")

    def handle(self, *args: Any, **options: Any) -> None:
        place = f"127.0.0.1:{options['sandbox_port']}"
        if place not in settings.PRIVATE_HOSTS:
            raise CommandError(f"Add {place} to PRIVATE_HOSTS: the stand-in providers are on a private address.")
        password = load_or_create_password(Path(settings.DATA_DIR) / "demo-password")
        with transaction.atomic():
            team, user = _team(password)
            for slug, given in demo_data.CREDENTIALS.items():
                _credential(team, user, slug, given, f"http://{place}/{slug}")
        self.stdout.write(f"sign in as {user.email} with password {password}")


def load_or_create_password(path: Path) -> str:
    """The password of the demo's owner: made at the first start, the same at every other."""
    try:
        if kept := path.read_text(encoding="ascii").strip():
            return kept
    except FileNotFoundError:
        pass
    password = secrets.token_urlsafe(12)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(password + "\n")
    return password


def _team(password: str) -> tuple[Team, User]:
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


def _credential(team: Team, user: User, slug: str, given: dict[str, str], origin: str) -> None:
    """The provider's credential for the stand-in, with its projects; known by the stand-in's path."""
    label = PROVIDERS[slug].label
    credential = Credential.objects.filter(
        team=team, provider=slug, origin__startswith="http://127.0.0.1:", origin__endswith=f"/{slug}"
    ).first()
    if credential is None:
        credential = service.create_credential(
            team, user, provider=slug, name=f"{label} (stand-in)", secrets=given, origin=origin
        )
    elif credential.origin != origin:
        Credential.objects.filter(pk=credential.pk).update(origin=origin, last_error="")
    for owner, remote_id, name in demo_data.PROJECTS:
        if owner == slug and not Project.objects.filter(credential=credential, remote_id=remote_id).exists():
            service.create_project(credential, user, remote_id=remote_id, name=name)
