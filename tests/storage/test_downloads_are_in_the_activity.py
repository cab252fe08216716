"""Each new download is in the team's log too: who took which file, and how; continuing one is not."""

from exports.exporting import bulk
from exports.models import AuditEntry, Download, Export
from exports.storage import downloads
from tests.helpers import factories
from tests.helpers.cast import Cast


def entries() -> list[tuple[str, str, str, str | None]]:
    rows = AuditEntry.objects.filter(verb="downloaded").order_by("pk")
    return [(row.actor, row.target, row.detail, row.address) for row in rows]


def test_a_download_is_recorded_once_with_its_file_and_its_way(cast: Cast) -> None:
    export = Export.objects.with_related().get(pk=factories.succeeded_export(cast).pk)
    for first_byte in (0, 7):
        downloads.record_download(
            export, cast.viewer.user, via=downloads.VIA_API, first_byte=first_byte, address="192.0.2.7"
        )
    assert entries() == [("viewer@example.org", f"orders.csv of export {export.pk}", "by API", "192.0.2.7")]
    assert Download.objects.count() == 1


def test_the_files_of_a_zip_are_recorded_each(cast: Cast) -> None:
    exports = [factories.succeeded_export(cast, allow_duplicate=True) for _ in range(3)]
    bulk.stream_zip(exports, cast.member.user, "192.0.2.7")
    assert entries() == [
        ("member@example.org", f"orders.csv of export {export.pk}", "in a zip", "192.0.2.7") for export in exports
    ]


def test_an_empty_zip_records_nothing(cast: Cast) -> None:
    bulk.stream_zip([factories.waiting_export(cast)], cast.member.user)
    assert entries() == []
