"""A filter that is not known is never ignored in silence: the page says so, and a download is refused."""

import pytest
from django.test import Client

from exports.models import AuditEntry, Export, Member
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES

LIST = "/t/the-team/exports/"
HISTORY = "/t/the-team/exports.csv"
ACTIVITY = "/t/the-team/activity/"


def page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("query", "name", "says"),
    [
        ("status=done", "status", "Choose from: waiting, processing"),
        ("status=failed,done", "status", "Choose from"),
        ("type=dump", "type", "Choose from"),
        ("provider=kickstarter", "provider", f"Choose from: {ARCHIVES}"),
        ("trigger=cron", "trigger", "Choose from: person, api, command"),
        ("file=maybe", "file", "Choose from: yes, no"),
        ("project_id=x", "project_id", "Give a whole number"),
        ("project_id=999999", "project_id", "The team has no project of this number."),
        ("user_id=999999", "user_id", "Nobody of this number is or was in the team."),
        ("since=soon", "since", "Give a day"),
        ("state=failed", "state", "There is no filter of this name."),
        ("before=x", "before", "This is no place in the list"),
    ],
)
def test_the_list_says_what_it_left_out(as_viewer: Client, cast: Cast, query: str, name: str, says: str) -> None:
    export = factories.failed_export(cast)
    shown = page(as_viewer, f"{LIST}?{query}")
    assert f"Ignored the filter “{name}”: {says}" in shown
    assert f'id="x{export.pk}"' in shown


def test_another_teams_project_and_person_are_as_unknown_as_any(as_outsider: Client, cast: Cast) -> None:
    export = factories.failed_export(cast)
    for name, number in (("project_id", export.project_id), ("user_id", export.user_id)):
        assert f"Ignored the filter “{name}”" in page(as_outsider, f"/t/other-team/exports/?{name}={number}")


def test_who_has_left_can_still_be_filtered_by(as_viewer: Client, cast: Cast) -> None:
    export = factories.failed_export(cast)
    Member.objects.filter(pk=cast.member.pk).delete()
    shown = page(as_viewer, f"{LIST}?user_id={export.user_id}")
    assert "Ignored the filter" not in shown
    assert f'id="x{export.pk}"' in shown


@pytest.mark.parametrize("query", ["status=done", "state=failed", "project_id=999999", "since=soon"])
def test_a_download_with_an_unknown_filter_is_refused_with_a_sentence(
    as_viewer: Client, cast: Cast, query: str
) -> None:
    factories.failed_export(cast)
    answer = as_viewer.get(f"{HISTORY}?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert answer.content.decode().startswith(f"{query.partition('=')[0]}: ")


@pytest.mark.parametrize(
    ("query", "name", "says"),
    [
        ("person=x", "person", "Nobody of this number"),
        ("person=999999", "person", "Nobody of this number"),
        ("verb=flew", "verb", "Nobody ever does this."),
        ("who=1", "who", "There is no filter of this name."),
        ("before=x", "before", "Give a whole number"),
    ],
)
def test_the_activity_says_so_too(as_owner: Client, cast: Cast, query: str, name: str, says: str) -> None:
    factories.waiting_export(cast)
    shown = page(as_owner, f"{ACTIVITY}?{query}")
    assert f"Ignored the filter “{name}”: {says}" in shown
    assert "asked for" in shown


def test_known_filters_bring_no_complaint(as_owner: Client, cast: Cast) -> None:
    export = factories.failed_export(cast)
    AuditEntry.objects.create(team=cast.team, actor="x", verb="once did", target="t")
    query = f"status=failed&project_id={export.project_id}&user_id={export.user_id}&trigger=&q=&before={export.pk + 1}"
    assert "Ignored the filter" not in page(as_owner, f"{LIST}?{query}")
    for query in ("", f"person={cast.member.user.pk}", "verb=left", "verb=once+did", "person=&verb=&before=99"):
        assert "Ignored the filter" not in page(as_owner, f"{ACTIVITY}?{query}")
    assert Export.objects.count() == 1
