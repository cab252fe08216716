"""Bulk actions do what is possible, and name each export that was skipped with the reason."""

import io
import zipfile
from pathlib import Path

import pytest
from django.test import Client

from exports.models import AuditEntry, Download, Export, File
from exports.storage import files
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES

LIST = "/t/the-team/exports/"
BULK = "/t/the-team/exports/bulk/"


def do(client: Client, verb: str, *exports: Export, **more: str) -> str:
    """Presses a button of the bar, confirms it, and returns the page it leads to."""
    more = {"sure": "yes"} | more
    answer = client.post(f"{BULK}{verb}", {"id": [export.pk for export in exports], **more}, follow=True)
    return str(answer.content.decode())


def path_of(export: Export) -> Path:
    assert export.file is not None
    return files.path_of(export.file)


def packed(client: Client, *exports: Export) -> zipfile.ZipFile:
    answer = client.post(f"{BULK}zip", {"id": [export.pk for export in exports]})
    assert answer["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(b"".join(answer)))


def test_open_exports_are_canceled_and_the_others_are_named(as_member: Client, cast: Cast) -> None:
    first, second = factories.waiting_export(cast), factories.processing_export(cast, format_="xlsx")
    over = factories.failed_export(cast, allow_duplicate=True)
    page = do(as_member, "cancel", first, second, over)
    assert f"Canceled 2 exports (#{second.pk}, #{first.pk})" in page
    assert f"Skipped 1: 1 export (#{over.pk}): already ended" in page
    assert set(Export.objects.filter(status="canceled")) == {first, second}


def test_a_bulk_retry_skips_exports_that_need_a_confirmation(as_member: Client, cast: Cast) -> None:
    bad = factories.failed_export(cast)
    again = factories.failed_export(cast)
    as_member.post(f"{LIST}{again.pk}/retry")
    later = Export.objects.get(retry_of=again)
    Export.objects.get(pk=later.pk).move("canceled", source="person")
    archive = factories.processing_export(cast, project=cast.project(CHANGING))
    archive.move("succeeded", source="poll")
    going = factories.processing_export(cast, format_="xlsx")
    page = do(as_member, "retry", bad, again, archive, going)
    assert f"Requested 1 export (#{bad.pk}) again" in page
    assert f"(#{archive.pk}): changes the project, so run it on its own" in page
    assert f"(#{again.pk}): already retried in #{later.pk}" in page
    assert f"(#{going.pk}): still running" in page
    assert Export.objects.filter(trigger="retry").count() == 2
    assert Export.objects.filter(project=archive.project).count() == 1


def test_two_equal_exports_are_retried_once(as_member: Client, cast: Cast) -> None:
    one, other = factories.failed_export(cast), factories.failed_export(cast)
    page = do(as_member, "retry", one, other)
    new = Export.objects.get(trigger="retry")
    assert new.retry_of == other
    assert f"(#{one.pk}): #{new.pk} is already running with these options" in page


def test_deleting_needs_a_confirmation_and_keeps_the_history(as_member: Client, cast: Cast) -> None:
    good, bad = factories.succeeded_export(cast), factories.failed_export(cast)
    path = path_of(good)
    answer = as_member.post(f"{BULK}delete", {"id": [good.pk, bad.pk], "back": "status=succeeded"})
    page = answer.content.decode()
    assert "Delete 1 file, 26\xa0B?" in page
    assert f"#{bad.pk}, Orders of The {TABLES} one: <span>has no file" in page
    assert path.exists(), "nothing happens before the second press"
    page = do(as_member, "delete", good, bad)
    assert "Deleted the file of 1 export" in page
    assert "has no file" in page
    assert not path.exists()
    file = File.objects.get()
    assert file.deleted_at is not None
    assert file.name == "orders.csv"
    assert Export.objects.get(pk=good.pk).status == "succeeded"
    assert AuditEntry.objects.filter(team=cast.team, user=cast.member.user, verb="deleted file").count() == 1
    assert "file already deleted" in do(as_member, "delete", good)
    assert as_member.get(f"{LIST}{good.pk}/file").status_code == 404


def test_many_files_are_downloaded_as_one_zip(as_viewer: Client, cast: Cast) -> None:
    first, second = factories.succeeded_export(cast), factories.succeeded_export(cast, name="ORDERS.csv")
    bad = factories.failed_export(cast)
    sandbox = packed(as_viewer, first, second, bad)
    assert sandbox.testzip() is None
    assert sorted(sandbox.namelist()) == sorted(
        ["ORDERS.csv", f"orders ({first.pk}).csv", "SHA256SUMS", "skipped.txt"]
    ), "names are unique, whatever their case"
    assert sandbox.read("ORDERS.csv") == factories.ORDERS_CSV
    assert all(one.compress_type == zipfile.ZIP_STORED for one in sandbox.infolist())
    assert f"Export {bad.pk} (The {TABLES} one): has no file." in sandbox.read("skipped.txt").decode()
    assert f"{first.file.sha256}  orders ({first.pk}).csv" in sandbox.read("SHA256SUMS").decode()
    taken = Download.objects.filter(via="zip", user=cast.viewer.user)
    assert set(taken.values_list("export_id", flat=True)) == {first.pk, second.pk}


def test_names_in_the_zip_are_safe_on_every_system(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    File.objects.update(name="../../etc/pass:wd.csv")
    assert "_.._etc_pass_wd.csv" in packed(as_viewer, export).namelist()


def test_the_zip_is_streamed(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    with path_of(export).open("wb") as file:
        file.truncate(50_000_000)
    answer = as_viewer.post(f"{BULK}zip", {"id": export.pk})
    sizes = [len(piece) for piece in answer]
    assert sum(sizes) > 50_000_000
    assert max(sizes) < 600_000


def test_the_zip_names_lost_files(as_viewer: Client, cast: Cast) -> None:
    here, lost = factories.succeeded_export(cast), factories.succeeded_export(cast)
    path_of(lost).unlink()
    sandbox = packed(as_viewer, here, lost)
    assert "file missing from storage" in sandbox.read("skipped.txt").decode()
    assert Download.objects.count() == 1
    assert "Skipped 1: 1 export" in as_viewer.get(LIST).content.decode(), "the next page says it too"


def test_a_zip_without_files_is_refused_in_one_sentence(as_viewer: Client, cast: Cast) -> None:
    assert "Nothing changed. 1 export" in do(as_viewer, "zip", factories.failed_export(cast))
    assert "Select at least one export" in do(as_viewer, "zip")


@pytest.mark.parametrize("verb", ["cancel", "retry", "dismiss", "delete"])
def test_viewers_can_only_download(as_viewer: Client, cast: Cast, verb: str) -> None:
    export = factories.succeeded_export(cast)
    assert as_viewer.post(f"{BULK}{verb}", {"id": export.pk, "sure": "yes"}).status_code == 403
    assert path_of(export).exists()
    assert f"bulk/{verb}" not in as_viewer.get(LIST).content.decode()


@pytest.mark.parametrize("verb", ["cancel", "retry", "dismiss", "delete", "zip"])
def test_exports_of_another_team_are_ignored(as_outsider: Client, cast: Cast, verb: str) -> None:
    export = factories.succeeded_export(cast)
    assert as_outsider.post(f"{BULK}{verb}", {"id": export.pk}).status_code == 404
    answer = as_outsider.post(f"/t/other-team/exports/bulk/{verb}", {"id": export.pk, "sure": "yes"}, follow=True)
    assert "Select at least one export" in answer.content.decode()
    assert path_of(export).exists()
    assert not Download.objects.exists()


def test_invalid_input_does_no_harm(as_member: Client, cast: Cast) -> None:
    export = factories.waiting_export(cast)
    ids = ["", "x", "-1", "9" * 40, "1e3", str(export.pk + 1000)]
    answer = as_member.post(f"{BULK}cancel", {"id": ids, "back": "//evil.example/"}, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/t/the-team/exports/")
    assert "Select at least one export" in answer.content.decode()
    assert as_member.post(f"{BULK}burn", {"id": export.pk}).status_code == 404
    assert as_member.get(f"{BULK}cancel?id={export.pk}").status_code == 302
    assert Export.objects.get().status == "waiting"


def test_the_list_keeps_its_filters_afterwards(as_member: Client, cast: Cast) -> None:
    export = factories.waiting_export(cast)
    answer = as_member.post(f"{BULK}cancel", {"id": export.pk, "back": "status=waiting&q=a%26b", "sure": "yes"})
    assert answer["Location"] == f"{LIST}?status=waiting&q=a%26b"
