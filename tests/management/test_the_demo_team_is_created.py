"""The demo team is created at the first start and updated at every other one."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from exports.credentials import service
from exports.models import Credential, Member, Project, User
from exports.providers.registry import PROVIDERS
from exports.sandbox import demo_data
from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES

pytestmark = pytest.mark.django_db


def run(port: int, settings: Any) -> str:
    settings.PRIVATE_HOSTS = (f"127.0.0.1:{port}",)
    out = StringIO()
    call_command("demo", sandbox_port=port, stdout=out)
    return out.getvalue()


def test_it_prints_the_sign_in_and_what_to_do(settings: Any) -> None:
    line = run(8100, settings)
    assert line.startswith("sign in as demo@example.org with password ")
    password = line.split()[-1]
    assert User.objects.get(email=demo_data.OWNER_EMAIL).check_password(password)
    kept = Path(settings.DATA_DIR) / "demo-password"
    assert kept.read_text().strip() == password
    assert kept.stat().st_mode & 0o777 == 0o600


def test_every_kind_has_a_project(settings: Any) -> None:
    run(8100, settings)
    for slug in PROVIDERS:
        assert Project.objects.filter(team__slug=demo_data.TEAM_SLUG, credential__provider=slug).exists()
    wished = {(provider, type_) for provider, type_, _, _ in demo_data.EXPORT_REQUESTS}
    assert wished == {(slug, kind.type) for slug, provider in PROVIDERS.items() for kind in provider.kinds}


def test_a_second_start_changes_nothing_but_the_port(settings: Any) -> None:
    first = run(8100, settings)
    credentials = set(Credential.objects.values_list("pk", flat=True))
    projects = set(Project.objects.values_list("pk", flat=True))
    Member.objects.all().delete()
    User.objects.update(is_active=False)
    assert run(8123, settings) == first
    assert set(Credential.objects.values_list("pk", flat=True)) == credentials
    assert set(Project.objects.values_list("pk", flat=True)) == projects
    assert {origin.partition(f"/{ARCHIVES}")[0] for origin in Credential.objects.values_list("origin", flat=True)} >= {
        "http://127.0.0.1:8123"
    }
    assert Member.objects.get().role == "owner"
    assert User.objects.get(email=demo_data.OWNER_EMAIL).is_active


def test_its_credentials_are_accepted_by_the_stand_ins(sandbox: Sandbox, settings: Any) -> None:
    run(sandbox.port, settings)
    for credential in Credential.objects.all():
        assert service.check_credential(credential).ok, credential


def test_it_is_refused_where_the_stand_ins_cannot_be_reached(settings: Any) -> None:
    settings.PRIVATE_HOSTS = ()
    with pytest.raises(CommandError, match="PRIVATE_HOSTS"):
        call_command("demo", sandbox_port=8100)
