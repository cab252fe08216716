"""Rows of the export list show the current values, with the actions and the time zone of the reader."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from exports.models import Export, File, Member, Project, User
from tests.helpers import factories
from tests.helpers.cast import Cast

LIST = "/t/the-team/exports/"
CHANGES: dict[str, tuple[str, Callable[[Export, Cast], object]]] = {
    "progress": ("77 %", lambda one, cast: Export.objects.update(progress=77)),
    "why it waits": ("Waits for rain", lambda one, cast: Export.objects.update(wait_note="Waits for rain")),
    "the project's name": ("Another name", lambda one, cast: Project.objects.update(name="Another name")),
    "who asked": ("Nova Name", lambda one, cast: User.objects.filter(pk=one.user_id).update(name="Nova Name")),
    "the end": ("state-canceled", lambda one, cast: Export.objects.get(pk=one.pk).move("canceled", source="person")),
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_open_row_shows_what_changed(as_member: Client, cast: Cast, what: str) -> None:
    export = factories.processing_export(cast)
    said, change = CHANGES[what]
    assert said not in as_member.get(LIST).content.decode()
    change(export, cast)
    assert said in as_member.get(LIST).content.decode()


def test_an_ended_row_shows_that_its_file_is_gone_and_that_it_was_retried(as_member: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    before = as_member.get(LIST).content.decode()
    assert (f"exports/{export.pk}/file" in before, "deleted" in before) == (True, False)
    File.objects.update(deleted_at=timezone.now())
    after = as_member.get(LIST).content.decode()
    assert (f"exports/{export.pk}/file" in after, "deleted" in after) == (False, True)

    failed = factories.failed_export(cast)
    assert "Retried in" not in as_member.get(LIST).content.decode()
    again = factories.processing_export(cast)
    Export.objects.filter(pk=again.pk).update(retry_of=failed.pk)
    assert f"Retried in #{again.pk}" in as_member.get(LIST).content.decode()


def test_a_viewer_sees_no_buttons_after_a_member_saw_them(as_member: Client, as_viewer: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    assert f"exports/{export.pk}/cancel" in as_member.get(LIST).content.decode()
    assert f"exports/{export.pk}/cancel" not in as_viewer.get(LIST).content.decode()


def test_times_are_shown_in_the_readers_time_zone(as_member: Client, as_viewer: Client, cast: Cast) -> None:
    Export.objects.filter(pk=factories.succeeded_export(cast).pk).update(
        created_at=datetime(2026, 5, 1, 20, tzinfo=UTC)
    )
    viewer: Member = cast.viewer
    User.objects.filter(pk=viewer.user_id).update(time_zone="Asia/Tokyo")
    assert 'data-exact="Sat 2 May 2026, 05:00:00"' in as_viewer.get(LIST).content.decode()
    assert 'data-exact="Fri 1 May 2026, 20:00:00"' in as_member.get(LIST).content.decode()
