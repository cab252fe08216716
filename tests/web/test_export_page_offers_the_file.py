"""The file on an export's page: previewed, played, downloaded with a record, deleted with its history kept."""

from pathlib import Path

import pytest
from django.test import Client

from exports.models import AuditEntry, Change, Download, Export, File, Token
from exports.models.token import READ
from exports.storage import files
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import VIDEOS

HX = {"HX-Request": "true"}


def address(export: Export, tail: str = "") -> str:
    return f"/t/the-team/exports/{export.pk}/{tail}"


def stored(export: Export) -> Path:
    assert export.file is not None
    return files.path_of(export.file)


def video(cast: Cast) -> Export:
    export = factories.succeeded_export(cast, name="a.mp4", project=cast.project(VIDEOS))
    File.objects.update(content_type="video/mp4")
    return export


def test_the_preview_is_loaded_separately(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    page = as_viewer.get(address(export)).content.decode()
    assert f'hx-get="{address(export, "preview")}" hx-trigger="load"' in page
    assert f'<a href="{address(export, "preview")}">' in page, "and without scripts there is a link"
    part = as_viewer.get(address(export, "preview"), headers=HX).content.decode()
    assert "order.total<span" in part
    assert '<td class="r">10</td>' in part
    assert "<html" not in part
    whole = as_viewer.get(address(export, "preview")).content.decode()
    assert "<html" in whole
    assert "order.total<span" in whole


def test_a_preview_is_not_recorded_as_a_download(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    as_viewer.get(address(export))
    as_viewer.get(address(export, "preview"))
    assert not Download.objects.exists()


def test_cells_are_escaped_and_formulas_are_pointed_out(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    stored(export).write_text('a,b\n"=HYPERLINK(""http://evil.example"")",<img src=x>\n-5,+1\n')
    part = as_viewer.get(address(export, "preview"), headers=HX).content.decode()
    assert "<td>=HYPERLINK(&quot;http://evil.example&quot;)</td>" in part
    assert "<img" not in part
    assert "1 cell looks like a formula" in part


def test_a_failed_preview_is_reported_in_its_place(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    stored(export).unlink()
    answer = as_viewer.get(address(export, "preview"), headers=HX)
    assert answer.status_code == 200
    assert "Can't preview:" in answer.content.decode()


def test_a_video_is_played_in_parts_and_never_as_a_page(as_viewer: Client, cast: Cast) -> None:
    export = video(cast)
    part = as_viewer.get(address(export, "preview"), headers=HX).content.decode()
    assert f'src="{address(export, "play")}"' in part
    answer = as_viewer.get(address(export, "play"), headers={"Range": "bytes=0-3"})
    assert answer.status_code == 206
    assert b"".join(answer) == factories.ORDERS_CSV[:4]
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Content-Disposition"] == "inline"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert as_viewer.get(address(export, "file"))["Content-Disposition"].startswith("attachment")


def test_only_videos_are_played(as_viewer: Client, cast: Cast) -> None:
    assert as_viewer.get(address(factories.succeeded_export(cast), "play")).status_code == 404


def test_playing_a_video_is_recorded_once_per_session(as_viewer: Client, cast: Cast) -> None:
    export = video(cast)
    for start in (0, 10, 0):
        b"".join(as_viewer.get(address(export, "play"), headers={"Range": f"bytes={start}-"}))
    assert Download.objects.count() == 1


def test_downloads_are_shown_on_the_page(as_viewer: Client, as_member: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    assert "No downloads yet" in as_member.get(address(export)).content.decode()
    as_viewer.get(address(export, "file"))
    receipt = Download.objects.get()
    assert (receipt.user, receipt.actor, receipt.via) == (cast.viewer.user, cast.viewer.user.email, "page")
    assert receipt.address == "127.0.0.1"
    page = as_member.get(address(export)).content.decode()
    taken = page[page.index('id="h-downloads"') :]
    assert cast.viewer.user.display_name in taken


def test_consecutive_ranges_are_one_download(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    for wanted in ("bytes=0-4", "bytes=5-9", "bytes=10-"):
        as_viewer.get(address(export, "file"), headers={"Range": wanted})
    assert Download.objects.count() == 1


def test_a_download_without_the_first_byte_is_recorded_too(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    as_viewer.get(address(export, "file"), headers={"Range": "bytes=1-"})
    assert Download.objects.count() == 1


@pytest.mark.parametrize("headers", [{"Range": "bytes=900-"}, {"If-None-Match": "*"}])
def test_a_request_that_sends_no_byte_is_not_recorded(as_viewer: Client, cast: Cast, headers: dict[str, str]) -> None:
    export = factories.succeeded_export(cast)
    as_viewer.get(address(export, "file"), headers=headers)
    as_viewer.head(address(export, "file"))
    assert not Download.objects.exists()


def test_deleting_needs_a_confirmation_and_says_what_stays(as_member: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    assert address(export, "delete-file") in as_member.get(address(export)).content.decode()
    page = as_member.get(address(export, "delete-file")).content.decode()
    assert "This can't be undone." in page
    assert "No one has downloaded it yet." in page
    assert stored(export).exists()


def test_the_history_stays_when_the_file_is_deleted(as_member: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    before = Change.objects.filter(export=export).count()
    as_member.get(address(export, "file"))
    answer = as_member.post(address(export, "delete-file"))
    assert answer["Location"] == address(export)
    assert not stored(export).exists()
    page = as_member.get(address(export)).content.decode()
    assert "File deleted" in page
    assert export.file.sha256 in page
    assert Change.objects.filter(export=export).count() == before
    assert Download.objects.count() == 1
    event = AuditEntry.objects.get(verb="deleted file")
    assert event.user == cast.member.user
    assert f"export {export.pk}" in event.target
    assert as_member.get(address(export, "file")).status_code == 404
    again = as_member.post(address(export, "delete-file"), follow=True).content.decode()
    assert "was deleted already" in again
    assert AuditEntry.objects.filter(verb="deleted file").count() == 1


def test_viewers_and_outsiders_cannot_delete(as_viewer: Client, as_outsider: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    assert as_viewer.post(address(export, "delete-file")).status_code == 403
    assert as_outsider.post(address(export, "delete-file")).status_code == 404
    for tail in ("play", "preview", "calls", "file"):
        assert as_outsider.get(address(export, tail)).status_code == 404
    assert "delete-file" not in as_viewer.get(address(export)).content.decode()
    assert stored(export).exists()


def test_downloads_through_the_api_are_recorded_too(cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    token = Token.issue(cast.member, READ)
    for start in (0, 5):
        headers = {"Authorization": f"Bearer {token}", "Range": f"bytes={start}-"}
        assert Client().get(f"/api/v1/exports/{export.pk}/file", headers=headers).status_code == 206
    receipt = Download.objects.get()
    assert (receipt.user, receipt.via) == (cast.member.user, "api")
