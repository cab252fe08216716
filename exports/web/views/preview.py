"""Looking into an export's file: preview, one file of an archive, the video player. A look is no download.

What is sent to be looked at is a bounded part: rows, names, a text or a picture, the beginning and end of a video.
Playing a video and taking a file out of an archive are recorded as downloads.
"""

from collections.abc import Callable
from typing import Any

from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from exports import formats
from exports.http import file_responses, member_responses
from exports.http.client_address import client_address
from exports.http.packing import packed
from exports.http.unavailable import check_room_for_download
from exports.http.video_excerpt import serve_video_excerpt
from exports.models import Export, File, Member
from exports.preview import members
from exports.preview.cells import PreviewError
from exports.storage import downloads, places
from exports.web import preview_page, rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.views.export import export_with_file


@team_member_required()
def preview(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows a preview of the file: its beginning as a fragment for htmx, else a page to go on in."""
    row = export_with_file(member, pk)
    context: dict[str, Any] = {"section": "exports", "export": row, **rendering.base_context(member)}
    if row.file is None or row.file.deleted_at:
        context["unavailable_reason"] = _("The file was deleted, so there is nothing to look into.")
    else:
        try:
            context |= (
                preview_page.fragment_context(row, row.file)
                if request.htmx
                else preview_page.page_context(row, row.file, request.GET)
            )
        except PreviewError as problem:
            context["unavailable_reason"] = str(problem)
    if request.htmx:
        # A table of many rows is several times the page around it.
        return packed(request, render(request, "exports/partials/preview.html", context))
    return rendering.render_page(request, member, "exports/file_preview.html", context)


@team_member_required()
def member_page(request: SignedInRequest, member: Member, pk: int, index: int) -> HttpResponseBase:
    """Shows one file of an archive: its text, or the picture it is."""
    row, file = _kept_archive(member, pk)
    context: dict[str, Any] = {"section": "exports", "export": row, "index": index}
    try:
        shown = members.read_member(places.readable(file), index)
        context["shown"] = shown
        context["takeable"] = shown.size <= members.MAX_MEMBER_BYTES
        context["max_member_bytes"] = members.MAX_MEMBER_BYTES
    except members.NoMemberError:
        raise Http404(_("The archive has no such file.")) from None
    except PreviewError as problem:
        context["unavailable_reason"] = str(problem)
    return rendering.render_page(request, member, "exports/archive_member.html", context)


@team_member_required()
def raw_member(request: SignedInRequest, member: Member, pk: int, index: int) -> HttpResponseBase:
    """Sends one file of an archive: a picture or text to be shown, else, or with `?download`, as a download."""
    row, file = _kept_archive(member, pk)
    source = places.readable(file)
    try:
        shown = None if "download" in request.GET else member_responses.show_member(source, index)
        if shown is not None:
            return shown
        check_room_for_download(request)
        response, name = member_responses.attach_member(source, index)
    except (members.NoMemberError, PreviewError) as problem:
        raise Http404(str(problem) or _("The archive has no such file.")) from None
    if request.method == "GET":
        downloads.record_download(row, request.user, via=downloads.VIA_PAGE, address=client_address(request), part=name)
    return response


@team_member_required()
def play_video(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Serves a video to the player on the page, and records it. Raises Http404 for other formats."""
    row, _file = _kept_video(member, pk)
    try:
        return file_responses.serve_video(request, row, request.user)
    except file_responses.FileGoneError as problem:
        raise Http404(str(problem)) from None


@team_member_required()
def poster(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Serves the beginning and the end of a video, from which the browser shows its first picture."""
    _row, file = _kept_video(member, pk)
    try:
        return serve_video_excerpt(request, file)
    except file_responses.FileGoneError as problem:
        raise Http404(str(problem)) from None


def _kept_video(member: Member, pk: int) -> tuple[Export, File]:
    return _kept(member, pk, lambda one: one.shape == "video", _("Only videos are played."))


def _kept_archive(member: Member, pk: int) -> tuple[Export, File]:
    return _kept(member, pk, lambda one: one.has_member_pages, _("Only archives have files in them."))


def _kept(member: Member, pk: int, fits: Callable[[formats.Format], bool], otherwise: str) -> tuple[Export, File]:
    """Returns an export with its kept file. Raises Http404, with `otherwise` for another format."""
    row = export_with_file(member, pk)
    if not fits(formats.get_format(row.format)):
        raise Http404(otherwise)
    if row.file is None or row.file.deleted_at is not None:
        raise Http404(_("The file was deleted."))
    return row, row.file
