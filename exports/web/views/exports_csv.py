"""The list of exports as CSV, with the filters of the page."""

import csv
from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from exports import access
from exports.exporting import pagination
from exports.http import file_responses
from exports.http.unavailable import check_room_for_download
from exports.models import Export, Member
from exports.templatetags.pages import kind_label, provider_label
from exports.web import list_page
from exports.web.csv_cells import harmless_cell
from exports.web.decorators import SignedInRequest, team_member_required

MAX_CSV_ROWS: Final = 100_000
CSV_COLUMNS: Final = (
    "number",
    "state",
    "provider",
    "kind",
    "format",
    "project",
    "project_id",
    "asked_by",
    "asked_how",
    "request_sent_at",
    "started_at",
    "ended_at",
    "seconds",
    "error",
    "message",
    "job",
    "file",
    "bytes",
    "sha256",
    "file_deleted_at",
)


@team_member_required()
def history_csv(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Streams the exports that match the filters as CSV, newest first, at most MAX_CSV_ROWS; 400 for a wrong filter."""
    filters, errors = list_page.read_filters(member, request.GET)
    if errors:
        # A list of everything would be taken for what was asked for.
        lines = [f"{name}: {' '.join(texts)}\n" for name, texts in errors.items()]
        return HttpResponse("".join(lines), status=400, content_type="text/plain; charset=utf-8")
    check_room_for_download(request)
    rows = pagination.iterate_rows(access.exports(member), filters, MAX_CSV_ROWS)
    headers = {
        **file_responses.STREAM_HEADERS,
        "Content-Disposition": file_responses.content_disposition(f"{member.team.slug} exports.csv"),
    }
    return StreamingHttpResponse(_csv_lines(rows), content_type="text/csv; charset=utf-8", headers=headers)


class _Echo:
    """A file-like object for csv.writer whose write() returns the line instead of storing it."""

    def write(self, line: str) -> str:
        return line


def _csv_lines(rows: Iterator[Export]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    # Without a byte order mark spreadsheet programs assume a legacy encoding.
    yield "\ufeff" + writer.writerow(CSV_COLUMNS)
    for export in rows:
        yield writer.writerow([harmless_cell(value) for value in _csv_values(export)])


def _csv_values(export: Export) -> list[Any]:
    """Returns the values of an export in the order of CSV_COLUMNS."""
    project, file = export.project, export.file
    ended = export.finished_at
    return [
        export.pk,
        export.status,
        provider_label(project.credential),
        kind_label(export),
        export.format,
        str(project),
        project.remote_id,
        export.user.email,
        export.trigger,
        *(_iso_time(at) for at in (export.created_at, export.started_at, ended)),
        round((ended - export.created_at).total_seconds(), 1) if ended else "",
        export.error_code,
        export.error_message,
        export.remote_id,
        *((file.name, file.size, file.sha256, _iso_time(file.deleted_at)) if file else ("", "", "", "")),
    ]


def _iso_time(at: Any) -> str:
    return at.isoformat(timespec="seconds") if at else ""
