"""One export's page: the result first, then all that happened; and its file, to look at, to take, to delete."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from exports import access, files, states
from exports.engine import discard, receipts, store, typical
from exports.engine.preview import LOOKS
from exports.engine.preview import preview as look
from exports.engine.problem import ConflictError
from exports.engine.workbook import PreviewError
from exports.models import Call, Export, Member
from exports.providers.base import Kind
from exports.web import chronicle, show, story
from exports.web.asked import Asked, in_team

CALLS: Final = 50
MOST_RECEIPTS: Final = 20
# Reasons after which a job may run at the provider all the same.
ADOPTABLE: Final = frozenset({"deadline", "unconfirmed", "unreadable"})


@in_team()
def export(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """Result first, then the timeline, then the rest."""
    one = access.export(member, pk)
    return show.live(request, member, "exports/export.html", "exports/now.html", about(one), moving=one.is_open)


@in_team()
def file(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """The bytes, whole or in part; who takes them gets a line among the receipts."""
    one = _with_file(member, pk)
    try:
        return files.hand_over(request, one, request.user, receipts.PAGE)
    except files.GoneError as problem:
        raise Http404(str(problem)) from None


@in_team()
def play(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """The bytes of a video, for the player on the page and nothing else."""
    one = _with_file(member, pk)
    if one.format != "mp4":
        raise Http404(_("Only videos are played."))
    try:
        return files.play(request, one, request.user)
    except files.GoneError as problem:
        raise Http404(str(problem)) from None


@in_team()
def preview(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """A look into the file: a part of the page, which loads it by itself, or a page of its own."""
    one = _with_file(member, pk)
    context: dict[str, Any] = {"section": "exports", "export": one, **show.frame(member)}
    if one.file is None or one.file.deleted_at:
        context["sorry"] = _("The file was deleted, so there is nothing to look into.")
    else:
        try:
            context["preview"] = look(store.path_of(one.file), one.format)
        except PreviewError as problem:
            context["sorry"] = str(problem)
    if request.htmx:
        return render(request, "exports/preview.html", context)
    return show.page(request, member, "exports/preview-page.html", context)


@in_team()
def calls(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """The calls to the provider, latest first, a page at a time: a part of the export's page or a page of its own."""
    one = access.export(member, pk)
    before = request.GET.get("before", "")
    rows = Call.objects.filter(export=one).order_by("-pk")
    if before.isascii() and before.isdigit() and len(before) < 19:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: CALLS + 1])
    context: dict[str, Any] = {
        "section": "exports",
        "export": one,
        "calls": found[:CALLS],
        "older": found[CALLS - 1].pk if len(found) > CALLS else None,
        "newest": not before,
        **show.frame(member),
    }
    if request.htmx:
        return render(request, "exports/calls.html", context)
    return show.page(request, member, "exports/calls-page.html", context)


@in_team(access.EXPORT)
def delete_file(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """Asks first, saying what goes and what stays; then deletes the file."""
    one = _with_file(member, pk)
    if request.method != "POST" and one.file and not one.file.deleted_at:
        context = {"section": "exports", "export": one, "downloads": receipts.latest(one, 1)}
        return show.page(request, member, "exports/delete.html", context)
    try:
        gone = discard.delete_file(one, request.user)
        messages.success(request, _("%(name)s was deleted. The export's history stays.") % {"name": gone.name})
    except ConflictError as problem:
        messages.warning(request, str(problem))
    return redirect("web:export", member.team.slug, one.pk)


def _with_file(member: Member, pk: int) -> Export:
    one = access.export(member, pk)
    if one.file is None:
        raise Http404(_("This export has no file."))
    return one


def about(export: Export) -> dict[str, Any]:
    """What the page of an export shows. Five queries at most, whatever happened to it."""
    kind = _kind(export)
    lines, call_count = chronicle.timeline(export)
    related = story.related(export)
    return {
        "section": "exports",
        "export": export,
        "kind": kind,
        "live_title": story.title(export),
        "stages": story.stages(export),
        "next": story.next_step(export),
        "usual": typical.usual([export]).get(export.pk) if export.is_open else None,
        "trouble": story.trouble(export),
        "canceled_there": story.canceled_there(export, (line.change for line in lines)),
        "cancel_note": export.project.provider.cancel_note if kind else "",
        "adoptable": export.status == states.FAILED and export.error_code in ADOPTABLE,
        "option_rows": story.options(export, kind, related.before),
        "before": related.before,
        "retries": related.retries,
        "timeline": lines,
        "call_count": call_count,
        "lookable": export.format in LOOKS,
        "downloads": receipts.latest(export, MOST_RECEIPTS + 1) if export.file else [],
        "most_downloads": MOST_RECEIPTS,
    }


def _kind(export: Export) -> Kind | None:
    try:
        return export.kind
    except KeyError:
        return None
