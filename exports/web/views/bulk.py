"""Many exports at once: cancel, retry, delete files, download as one zip; and the history as CSV."""

import csv
from collections.abc import Iterator
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports import access
from exports.exporting import bulk, pagination
from exports.exporting.create import Requester
from exports.http import file_responses
from exports.models import Export, Member
from exports.templatetags.pages import kind_label, provider_label
from exports.web import list_page, rendering
from exports.web.decorators import SignedInRequest, team_member_required

MAX_EXPORTS: Final = 100
MAX_NUMBERS_NAMED: Final = 10
MAX_CSV_ROWS: Final = 100_000
STREAM_HEADERS: Final = {"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"}
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
def run_action(request: SignedInRequest, member: Member, verb: str) -> HttpResponseBase:
    """Does one thing with every export that was chosen, and says what became of each."""
    do = BULK_ACTIONS.get(verb)
    if do is None:
        raise Http404(_("There is no such action."))
    if verb != "zip":
        access.require(member, access.EXPORT)
    if request.method != "POST":
        return _back(request, member)
    chosen = _chosen(request, member)
    if not chosen:
        messages.warning(request, _("Nothing was done: choose exports by their boxes first."))
        return _back(request, member)
    return do(request, member, chosen)


def _cancel(request: SignedInRequest, member: Member, chosen: list[Export]) -> HttpResponseBase:
    _say(request, _("Canceled %(exports)s."), bulk.cancel(chosen, actor=request.user.email))
    return _back(request, member)


def _retry(request: SignedInRequest, member: Member, chosen: list[Export]) -> HttpResponseBase:
    _say(request, _("Asked again for %(exports)s."), bulk.retry(chosen, Requester(request.user)))
    return _back(request, member)


def _delete(request: SignedInRequest, member: Member, chosen: list[Export]) -> HttpResponseBase:
    if "sure" in request.POST:
        _say(request, _("Deleted the file of %(exports)s."), bulk.delete_files(chosen, request.user))
        return _back(request, member)
    summary = bulk.check_deletable(chosen)
    if not summary.done:
        _say(request, _("Deleted the file of %(exports)s."), summary)
        return _back(request, member)
    size = sum(export.file.size for export in summary.done if export.file)
    context = {"section": "exports", "summary": summary, "size": size, "back": request.POST.get("back", "")}
    return rendering.render_page(request, member, "exports/confirm_bulk_delete.html", context)


def _zip(request: SignedInRequest, member: Member, chosen: list[Export]) -> HttpResponseBase:
    pieces, summary = bulk.stream_zip(chosen, request.user, request.META.get("REMOTE_ADDR"))
    if not summary.done:
        _say(request, _("Packed %(exports)s."), summary)
        return _back(request, member)
    if summary.skipped:
        # The answer is the zip, which says it too; the next page repeats it.
        _say(request, _("Packed %(exports)s."), summary)
    name = f"{member.team.slug} {timezone.localtime():%Y-%m-%d %H%M}.zip"
    headers = {
        **file_responses.FILE_HEADERS,
        **STREAM_HEADERS,
        "Content-Disposition": file_responses.content_disposition(name),
    }
    del headers["Accept-Ranges"]
    return StreamingHttpResponse(pieces, content_type="application/zip", headers=headers)


BULK_ACTIONS: Final = {"cancel": _cancel, "retry": _retry, "delete": _delete, "zip": _zip}


@team_member_required()
def history_csv(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """The exports that pass the filters, as CSV, newest first."""
    filters, _ = list_page.read_filters(request.GET)
    rows = pagination.iterate_rows(access.exports(member), filters, MAX_CSV_ROWS)
    headers = {
        **STREAM_HEADERS,
        "Content-Disposition": file_responses.content_disposition(f"{member.team.slug} exports.csv"),
    }
    return StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8", headers=headers)


def _chosen(request: SignedInRequest, member: Member) -> list[Export]:
    """The team's exports that were chosen, newest first; numbers of other teams are no numbers here."""
    given = [
        text
        for text in request.POST.getlist("id")[:MAX_EXPORTS]
        if text.isascii() and text.isdigit() and len(text) < 19
    ]
    return list(access.exports(member).filter(pk__in=map(int, given)).order_by("-pk"))


def _back(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """To the list as it was; only what follows the question mark comes from the form."""
    query = QueryDict(request.POST.get("back", "")).urlencode()
    return redirect(reverse("web:exports", args=[member.team.slug]) + (f"?{query}" if query else ""))


def _say(request: SignedInRequest, did: str, summary: bulk.BulkResult) -> None:
    """What was done, and what was left out with the reason."""
    if summary.done:
        messages.success(request, did % {"exports": _named(summary.done)})
    if summary.skipped:
        reasons = "; ".join(f"{_named(those)}: {why}" for why, those in summary.skipped_by_reason().items())
        left_out = _("Left out %(reasons)s.") if summary.done else _("Nothing was done. Left out %(reasons)s.")
        messages.warning(request, left_out % {"reasons": reasons})


def _named(exports: Any) -> str:
    numbers = [f"#{export.pk}" for export in exports]
    count = ngettext("%(count)s export", "%(count)s exports", len(numbers)) % {"count": len(numbers)}
    more = len(numbers) - MAX_NUMBERS_NAMED
    rest = _(" and %(count)s more") % {"count": more} if more > 0 else ""
    return f"{count} ({', '.join(numbers[:MAX_NUMBERS_NAMED])}{rest})"


class _Echo:
    """What the writer of CSV takes for a file: it hands each line back."""

    def write(self, line: str) -> str:
        return line


def _lines(rows: Iterator[Export]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    # Spreadsheet programs take a file without this mark for one in an old encoding.
    yield "\ufeff" + writer.writerow(CSV_COLUMNS)
    for export in rows:
        yield writer.writerow([_inert(value) for value in _line(export)])


def _line(export: Export) -> list[Any]:
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
        *(_time(at) for at in (export.created_at, export.started_at, ended)),
        round((ended - export.created_at).total_seconds(), 1) if ended else "",
        export.error_code,
        export.error_message,
        export.remote_id,
        *((file.name, file.size, file.sha256, _time(file.deleted_at)) if file else ("", "", "", "")),
    ]


def _time(at: Any) -> str:
    return at.isoformat(timespec="seconds") if at else ""


def _inert(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula begins with an apostrophe (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
