"""One project's 403 shows on that project; a credential is in trouble after a 401 or a failed test alone."""

import pytest
from django.test import Client

from exports import states
from exports.models import Credential, Project
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

TEAM = "/t/the-team/"
NO_ACCESS = f"{states.NO_ACCESS}. {TABLES.label} answered 403: owner only."


def page(client: Client, path: str) -> str:
    return client.get(f"{TEAM}{path}").content.decode()


@pytest.fixture
def project(cast: Cast) -> Project:
    """A project whose latest export ended with a 403."""
    return factories.failed_export(cast, "credential", NO_ACCESS).project


def test_the_project_says_that_it_is_the_one_without_access(as_member: Client, cast: Cast, project: Project) -> None:
    other = cast.project(TABLES, remote_id="4002")
    shown = page(as_member, f"projects/{project.pk}/")
    assert "No access to this project</h2>" in shown
    assert f"{TABLES.label} answered 403: owner only." in shown
    assert "but not for this project." in shown
    assert "No access" not in page(as_member, f"projects/{other.pk}/")
    assert page(as_member, "projects/").count("No access") == 1


def test_no_page_blames_the_credential_for_it(as_owner: Client, project: Project) -> None:
    home = page(as_owner, "")
    assert f"a credential for {TABLES.label}" not in home
    assert f"{TABLES.label} answered 403: owner only." in home, "the export itself needs attention"
    for path in ("credentials/", "new/", "projects/add/", f"credentials/{project.credential_id}/"):
        assert "in trouble" not in page(as_owner, path).lower()


def test_after_an_export_that_worked_nothing_is_said_any_more(as_member: Client, cast: Cast, project: Project) -> None:
    factories.succeeded_export(cast)
    shown = page(as_member, f"projects/{project.pk}/")
    assert "No access to this project</h2>" not in shown
    assert shown.count("No access") == 1, "the failed export in the list of exports"
    assert "no access" not in page(as_member, "projects/")


def test_while_the_next_one_is_under_way_the_last_result_stands(
    as_member: Client, cast: Cast, project: Project
) -> None:
    factories.processing_export(cast)
    assert "No access to this project</h2>" in page(as_member, f"projects/{project.pk}/")


def test_a_credential_that_the_provider_refuses_is_blamed_everywhere(as_owner: Client, project: Project) -> None:
    Credential.objects.update(last_error=f"{TABLES.label} answered 401.")
    assert f"{TABLES.label} answered 401." in page(as_owner, "")
    for path in ("credentials/", "new/", f"credentials/{project.credential_id}/"):
        assert "rejected" in page(as_owner, path).lower()
