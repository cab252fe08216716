"""Beside the sentence of a failure stands the button that fetches the file again, and so it does for deleted files."""

from django.test import Client

from exports.exporting.delete_file import delete_file
from exports.models import Export, File
from tests.helpers import factories
from tests.helpers.cast import Cast

BUTTON = 'id="fetch-again"'


def page_of(client: Client, export: Export) -> str:
    return client.get(f"/t/the-team/exports/{export.pk}/").content.decode()


def test_the_button_stands_beside_the_failure_and_leads_to_the_new_export(as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast, "no_file")
    page = page_of(as_member, export)
    assert BUTTON in page
    assert "The job is done there. Fetch the file again" in page
    sent = as_member.post(f"/t/the-team/exports/{export.pk}/fetch", follow=True)
    again = Export.objects.get(retry_of=export)
    assert sent.redirect_chain[-1][0] == f"/t/the-team/exports/{again.pk}/"
    assert "Fetching the file of job 77 again" in sent.content.decode()


def test_a_second_press_leads_to_the_same_export(as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast, "bad_file")
    address = f"/t/the-team/exports/{export.pk}/fetch"
    first = as_member.post(address).headers["Location"]
    assert as_member.post(address).headers["Location"] == first
    assert Export.objects.filter(retry_of=export).count() == 1


def test_other_failures_have_no_such_button(as_member: Client, cast: Cast) -> None:
    assert BUTTON not in page_of(as_member, factories.failed_export(cast, "rejected"))


def test_a_viewer_has_no_such_button(as_viewer: Client, cast: Cast) -> None:
    assert BUTTON not in page_of(as_viewer, factories.failed_export(cast, "no_file"))


def test_a_deleted_file_can_be_fetched_again(as_member: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    assert BUTTON not in page_of(as_member, export)
    delete_file(export, cast.owner.user)
    assert BUTTON in page_of(as_member, export)


def test_a_row_of_the_list_offers_it_first(as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast, "storage")
    page = as_member.get("/t/the-team/exports/").content.decode()
    assert f"/t/the-team/exports/{export.pk}/fetch" in page
    assert page.index("Fetch the file again") < page.index("Edit and run")


def test_what_could_not_be_checked_stands_beside_the_file(as_member: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    File.objects.update(unchecked="3 members could not be checked: method 93.")
    assert "3 members could not be checked: method 93." in page_of(as_member, export)


def test_an_export_without_a_known_job_is_refused_with_a_sentence(as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast, "no_file")
    Export.objects.update(remote_id="")
    page = as_member.post(f"/t/the-team/exports/{export.pk}/fetch", follow=True).content.decode()
    assert "there is no file to fetch. Retry instead." in page
