"""Where the provider can't find the project, the first button opens it, since a retry alone would fail again."""

import re

import pytest
from django.test import Client

from exports.models import Export
from tests.helpers import factories
from tests.helpers.cast import Cast


def first_buttons(client: Client, export: Export) -> list[str]:
    """The addresses of the primary buttons of an export's failure."""
    page = client.get(f"/t/the-team/exports/{export.pk}/").content.decode()
    failure = page.partition('id="h-failure"')[2].partition("</section>")[0]
    return re.findall(r'class="btn primary" href="([^"]+)"', failure)


@pytest.fixture
def not_found(cast: Cast) -> Export:
    export = factories.failed_export(cast, "not_found", "It answered 404.")
    Export.objects.filter(pk=export.pk).update(remote_id="")
    return export


def test_on_the_export_and_on_home(as_member: Client, not_found: Export) -> None:
    project = f"/t/the-team/projects/{not_found.project_id}/"
    assert first_buttons(as_member, not_found) == [project]
    home = as_member.get("/t/the-team/").content.decode()
    assert re.findall(rf'id="a{not_found.pk}" href="([^"]+)"', home) == [project]


def test_a_job_that_is_gone_is_run_anew(as_member: Client, not_found: Export) -> None:
    Export.objects.filter(pk=not_found.pk).update(remote_id="17")
    assert first_buttons(as_member, not_found) == [f"/t/the-team/exports/{not_found.pk}/retry"]
