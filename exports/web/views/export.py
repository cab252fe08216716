"""One export's page: the result first, then all that happened; and its file, to look at, to take, to delete."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from exports import access, states
from exports.errors import ConflictError
from exports.exporting import durations
from exports.exporting.delete_file import delete_file as delete_kept_file
from exports.http import file_responses
from exports.models import Call, Export, Member
from exports.preview.files import PREVIEWERS
from exports.preview.files import make_preview as look
from exports.preview.xlsx import PreviewError
from exports.providers.contract import Kind
from exports.storage import downloads, files
from exports.web import presenter, rendering, timeline
from exports.web.decorators import SignedInRequest, team_member_required

CALLS_PER_PAGE: Final = 50
MAX_DOWNLOADS_SHOWN: Final = 20
# Reasons after which a job may run at the provider all the same.
ADOPTABLE_ERROR_CODES: Final = frozenset({"deadline", "unconfirmed", "unreadable"})


@team_member_required()
def export(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Result first, then the timeline, then the rest."""
    one = access.export(member, pk)
    return rendering.render_live_page(
        request,
        member,
        "exports/detail.html",
        "exports/partials/detail_live.html",
        export_context(one),
        moving=one.is_open,
    )


@team_member_required()
def file(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """The bytes, whole or in part; who takes them gets a line among the receipts."""
    one = _with_file(member, pk)
    try:
        return file_responses.serve_download(request, one, request.user, downloads.VIA_PAGE)
    except file_responses.FileGoneError as problem:
        raise Http404(str(problem)) from None


@team_member_required()
def play_video(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """The bytes of a video, for the player on the page and nothing else."""
    one = _with_file(member, pk)
    if one.format != "mp4":
        raise Http404(_("Only videos are played."))
    try:
        return file_responses.serve_video(request, one, request.user)
    except file_responses.FileGoneError as problem:
        raise Http404(str(problem)) from None


@team_member_required()
def preview(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """A look into the file: a part of the page, which loads it by itself, or a page of its own."""
    one = _with_file(member, pk)
    context: dict[str, Any] = {"section": "exports", "export": one, **rendering.base_context(member)}
    if one.file is None or one.file.deleted_at:
        context["unavailable_reason"] = _("The file was deleted, so there is nothing to look into.")
    else:
        try:
            context["preview"] = look(files.path_of(one.file), one.format)
        except PreviewError as problem:
            context["unavailable_reason"] = str(problem)
    if request.htmx:
        return render(request, "exports/partials/preview.html", context)
    return rendering.render_page(request, member, "exports/file_preview.html", context)


@team_member_required()
def calls(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """The calls to the provider, latest first, a page at a time: a part of the export's page or a page of its own."""
    one = access.export(member, pk)
    before = request.GET.get("before", "")
    rows = Call.objects.filter(export=one).order_by("-pk")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: CALLS_PER_PAGE + 1])
    context: dict[str, Any] = {
        "section": "exports",
        "export": one,
        "calls": found[:CALLS_PER_PAGE],
        "older": found[CALLS_PER_PAGE - 1].pk if len(found) > CALLS_PER_PAGE else None,
        "newest": not before,
        **rendering.base_context(member),
    }
    if request.htmx:
        return render(request, "exports/partials/call_table.html", context)
    return rendering.render_page(request, member, "exports/call_log.html", context)


@team_member_required(access.EXPORT)
def delete_file(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Asks first, saying what goes and what stays; then deletes the file."""
    one = _with_file(member, pk)
    if request.method != "POST" and one.file and not one.file.deleted_at:
        context = {"section": "exports", "export": one, "downloads": downloads.latest_downloads(one, 1)}
        return rendering.render_page(request, member, "exports/confirm_delete_file.html", context)
    try:
        gone = delete_kept_file(one, request.user)
        messages.success(request, _("%(name)s was deleted. The export's history stays.") % {"name": gone.name})
    except ConflictError as problem:
        messages.warning(request, str(problem))
    return redirect("web:export", member.team.slug, one.pk)


def _with_file(member: Member, pk: int) -> Export:
    one = access.export(member, pk)
    if one.file is None:
        raise Http404(_("This export has no file."))
    return one


def export_context(export: Export) -> dict[str, Any]:
    """What the page of an export shows. Five queries at most, whatever happened to it."""
    kind = _kind(export)
    lines, call_count = timeline.build_timeline(export)
    related = presenter.find_related(export)
    return {
        "section": "exports",
        "export": export,
        "kind": kind,
        "live_title": presenter.window_title(export),
        "stages": presenter.build_stages(export),
        "next": presenter.describe_next_step(export),
        "usual": durations.usual_durations([export]).get(export.pk) if export.is_open else None,
        "failure": presenter.explain_failure(export),
        "canceled_at_provider": presenter.canceled_at_provider(export, (line.change for line in lines)),
        "cancel_note": export.project.provider.cancel_note if kind else "",
        "adoptable": export.status == states.FAILED and export.error_code in ADOPTABLE_ERROR_CODES,
        "option_rows": presenter.compare_options(export, kind, related.previous),
        "before": related.previous,
        "retries": related.retries,
        "timeline": lines,
        "call_count": call_count,
        "previewable": export.format in PREVIEWERS,
        "downloads": downloads.latest_downloads(export, MAX_DOWNLOADS_SHOWN + 1) if export.file else [],
        "most_downloads": MAX_DOWNLOADS_SHOWN,
    }


def _kind(export: Export) -> Kind | None:
    try:
        return export.kind
    except KeyError:
        return None
