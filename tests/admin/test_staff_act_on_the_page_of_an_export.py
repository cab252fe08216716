"""The page of an export: its history and calls, and the actions of staff, which say what happened."""

import pytest
from django.test import Client
from django.utils import timezone

from exports.errors import ConflictError
from exports.exporting import actions
from exports.models import AuditEntry, Call, Export
from tests.admin.conftest import staff_with
from tests.helpers import factories
from tests.helpers.cast import Cast


def page_of(export: Export) -> str:
    return f"/admin/exports/export/{export.pk}/change/"


def act(client: Client, export: Export, verb: str, **data: str) -> str:
    """Presses a button of the page; returns the page that answers."""
    answer = client.post(f"/admin/exports/export/{export.pk}/act/{verb}/", data, follow=True)
    assert answer.redirect_chain == [(page_of(export), 302)]
    return answer.content.decode()


def test_it_shows_facts_history_and_calls(as_staff: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    Call.objects.create(
        export=export, at=timezone.now(), method="GET", url="https://api/?key=***", seconds=0.1, status=503
    )
    page = as_staff.get(page_of(export)).content.decode()
    for words in ("GET https://api/?key=***", "503", "member@example.org", ">Re-drive<", "Write off…", "UTC"):
        assert words in page, words
    assert page.count('<tr class="change">') == 2


def test_redriving_makes_the_next_step_due_and_is_in_the_activity(as_staff: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    assert "The next step is due now" in act(as_staff, export, "redrive")
    export.refresh_from_db()
    assert export.next_step_at is not None
    assert export.next_step_at <= timezone.now()
    entry = AuditEntry.objects.latest("pk")
    assert (entry.verb, entry.actor, entry.team) == ("re-drove", "staff@example.org", cast.team)


def test_writing_off_wants_a_reason_and_ends_it(as_staff: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    assert "Say why." in act(as_staff, export, "write-off", reason=" ")
    page = act(as_staff, export, "write-off", reason="The account is closed.")
    assert "Written off: the export is canceled" in page
    assert "The account is closed." in page
    assert ">Re-drive<" not in page
    assert AuditEntry.objects.latest("pk").verb == "canceled"
    assert "has ended already" in act(as_staff, export, "write-off", reason="Again.")


def test_a_file_is_fetched_again_in_a_new_export(as_staff: Client, cast: Cast) -> None:
    export = factories.failed_export(cast, "no_file")
    page = act(as_staff, export, "fetch-again")
    assert f"The file is fetched again in #{Export.objects.get(retry_of=export).pk}" in page


def test_who_may_only_read_gets_no_buttons(cast: Cast) -> None:
    export = factories.processing_export(cast)
    client = staff_with("view_export", "view_change")
    page = client.get(page_of(export)).content.decode()
    assert '<tr class="change">' in page
    assert "h-calls" not in page
    assert ">Re-drive<" not in page
    address = f"/admin/exports/export/{export.pk}/act/redrive/"
    assert client.post(address).status_code == 403
    assert not AuditEntry.objects.filter(verb="re-drove").exists()


def test_an_action_is_asked_for_by_a_form(as_staff: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    assert as_staff.get(f"/admin/exports/export/{export.pk}/act/redrive/").status_code == 405
    assert as_staff.post(f"/admin/exports/export/{export.pk}/act/explode/").status_code == 403
    assert as_staff.get("/admin/exports/export/999999/change/").status_code == 302


def test_nothing_is_recorded_of_what_was_refused(cast: Cast) -> None:
    export = factories.failed_export(cast)
    before = AuditEntry.objects.count()
    with pytest.raises(ConflictError):
        actions.redrive(export, actor="staff@example.org")
    assert AuditEntry.objects.count() == before
