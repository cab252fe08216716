"""The page of one export, its call log, and its file: download, deletion."""

from typing import Any, Final

from django.contrib import messages
from django.db.models import OuterRef, Q, Subquery
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from exports import access, clock, formats, states
from exports.errors import ConflictError
from exports.exporting import durations
from exports.exporting.delete_file import delete_file as delete_kept_file
from exports.exporting.fetch_again import may_fetch_again
from exports.http import file_responses
from exports.models import Call, Export, Member, OutboxMessage
from exports.models.outbox import MAIL
from exports.providers.contract import Kind
from exports.storage import downloads
from exports.web import presenter, rendering, timeline
from exports.web.comparison_figures import compare_with_usual
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.phases import build_phases

CALLS_PER_PAGE: Final = 50
MAX_DOWNLOADS_SHOWN: Final = 20
# Error codes after which the job may still run at the provider, so that it can be adopted.
ADOPTABLE_ERROR_CODES: Final = frozenset({"deadline", "unconfirmed", "unreadable"})
# The mail about the end that could not be delivered: why not, and when it is tried again, None for never.
# Other members' mails about it are their own.
_UNDELIVERED: Final = (
    OutboxMessage.objects.filter(export=OuterRef("pk"), kind=MAIL, sent_at=None)
    .filter(Q(user=None) | Q(user=OuterRef("user")))
    .exclude(last_error="")
)
UNDELIVERED_MAIL: Final[dict[str, Any]] = {
    "mail_error": Subquery(_UNDELIVERED.values("last_error")[:1]),
    "mail_due_at": Subquery(_UNDELIVERED.values("due_at")[:1]),
}


@team_member_required()
def export(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows the result first, then the timeline, then the details."""
    row = access.export(member, pk, **UNDELIVERED_MAIL)
    return rendering.render_live_page(
        request,
        member,
        "exports/detail.html",
        "exports/partials/detail_live.html",
        export_context(row),
        interval=rendering.LIVE_SECONDS if row.is_open else 0,
    )


@team_member_required()
def file(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Serves the file, whole or by ranges, and records the download."""
    row = export_with_file(member, pk)
    try:
        return file_responses.serve_download(request, row, request.user, downloads.VIA_PAGE)
    except file_responses.FileGoneError as problem:
        raise Http404(str(problem)) from None


@team_member_required()
def calls(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Lists the calls to the provider, newest first, in pages: a fragment for htmx, else a page of its own."""
    row = access.export(member, pk)
    cursor = request.GET.get("before", "")
    rows = Call.objects.filter(export=row).order_by("-pk")
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 19:
        rows = rows.filter(pk__lt=int(cursor))
    page = list(rows[: CALLS_PER_PAGE + 1])
    context: dict[str, Any] = {
        "section": "exports",
        "export": row,
        "calls": page[:CALLS_PER_PAGE],
        "older_cursor": page[CALLS_PER_PAGE - 1].pk if len(page) > CALLS_PER_PAGE else None,
        "is_latest_page": not cursor,
        **rendering.base_context(member),
    }
    if request.htmx:
        return render(request, "exports/partials/call_table.html", context)
    return rendering.render_page(request, member, "exports/call_log.html", context)


@team_member_required(access.EXPORT)
def delete_file(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows a confirmation page; on POST deletes the file."""
    row = export_with_file(member, pk)
    if request.method != "POST" and row.file and not row.file.deleted_at:
        context = {"section": "exports", "export": row, "downloads": downloads.latest_downloads(row, 1)}
        return rendering.render_page(request, member, "exports/confirm_delete_file.html", context)
    try:
        deleted = delete_kept_file(row, request.user)
        messages.success(request, _("%(name)s was deleted. The export's history stays.") % {"name": deleted.name})
    except ConflictError as problem:
        messages.warning(request, str(problem))
    return redirect("web:export", member.team.slug, row.pk)


def export_with_file(member: Member, pk: int) -> Export:
    """Returns the export. Raises Http404, also when it never had a file."""
    row = access.export(member, pk)
    if row.file is None:
        raise Http404(_("This export has no file."))
    return row


def export_context(export: Export) -> dict[str, Any]:
    """Returns the context of an export's page, with at most eight queries."""
    kind = _kind_or_none(export)
    entries, call_count = timeline.build_timeline(export)
    related = presenter.find_related(export)
    return {
        "section": "exports",
        "export": export,
        "kind": kind,
        "live_title": presenter.window_title(export),
        "phases": build_phases(export),
        "next_step": presenter.describe_next_step(export),
        "usual_duration": durations.usual_durations([export]).get(export.pk) if export.is_open else None,
        "elapsed_seconds": ((export.finished_at or clock.now()) - export.created_at).total_seconds(),
        "last_good": presenter.last_good(export) if export.status == states.FAILED else None,
        "failure": presenter.explain_failure(export),
        "request_answer": presenter.answer_to_request(export),
        "canceled_at_provider": presenter.canceled_at_provider(export, (entry.change for entry in entries)),
        "cancel_note": presenter.note_on_cancel(export),
        "adoptable": export.status == states.FAILED and export.error_code in ADOPTABLE_ERROR_CODES,
        "option_rows": presenter.compare_options(export, kind, related.previous),
        "previous": related.previous,
        "retries": related.retries,
        "timeline": entries,
        "call_count": call_count,
        **_file_context(export),
    }


def _file_context(export: Export) -> dict[str, Any]:
    return {
        "previewable": bool(formats.get_format(export.format).preview),
        "fetchable": may_fetch_again(export),
        "compared": compare_with_usual(export),
        "downloads": downloads.latest_downloads(export, MAX_DOWNLOADS_SHOWN + 1) if export.file else [],
        "max_downloads": MAX_DOWNLOADS_SHOWN,
    }


def _kind_or_none(export: Export) -> Kind | None:
    """Returns the kind, or None when the portal no longer has it."""
    try:
        return export.kind
    except KeyError:
        return None
