"""Bulk actions on exports: cancel, retry, dismiss, delete files, download as one zip."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from exports import access
from exports.exporting import bulk
from exports.exporting.create import Requester
from exports.http import file_responses
from exports.http.client_address import client_address
from exports.http.unavailable import check_room_for_download
from exports.models import Export, Member
from exports.web import presenter, rendering
from exports.web.decorators import SignedInRequest, team_member_required

MAX_EXPORTS: Final = 100
MAX_NUMBERS_NAMED: Final = 10
CRUMBS: Final = {"cancel": _l("Cancel"), "retry": _l("Run again"), "delete": _l("Delete files")}


@team_member_required()
def run_action(request: SignedInRequest, member: Member, verb: str) -> HttpResponseBase:
    """Runs a bulk action on the selected exports and reports which ones it skipped, with the reason."""
    action = BULK_ACTIONS.get(verb)
    if action is None:
        raise Http404(_("There is no such action."))
    if verb != "zip":
        access.require(member, access.EXPORT)
    if request.method != "POST":
        return _redirect_to_list(request, member)
    selected = _selected_exports(request, member)
    if not selected:
        messages.warning(request, _("Select at least one export"))
        return _redirect_to_list(request, member)
    return action(request, member, selected)


def _cancel(request: SignedInRequest, member: Member, selected: list[Export]) -> HttpResponseBase:
    if "sure" not in request.POST:
        return _ask(request, member, "cancel", bulk.check_cancelable(selected), _("Canceled %(exports)s"))
    _report(request, _("Canceled %(exports)s"), bulk.cancel(selected, actor=request.user.email))
    return _redirect_to_list(request, member)


def _retry(request: SignedInRequest, member: Member, selected: list[Export]) -> HttpResponseBase:
    if "sure" not in request.POST:
        return _ask(request, member, "retry", bulk.check_retriable(selected), _("Requested %(exports)s again"))
    _report(request, _("Requested %(exports)s again"), bulk.retry(selected, Requester(request.user)))
    return _redirect_to_list(request, member)


def _dismiss(request: SignedInRequest, member: Member, selected: list[Export]) -> HttpResponseBase:
    _report(request, _("Dismissed %(exports)s"), bulk.dismiss(selected, request.user))
    return _redirect_to_list(request, member)


def _delete(request: SignedInRequest, member: Member, selected: list[Export]) -> HttpResponseBase:
    if "sure" not in request.POST:
        return _ask(request, member, "delete", bulk.check_deletable(selected), _("Deleted the file of %(exports)s"))
    _report(request, _("Deleted the file of %(exports)s"), bulk.delete_files(selected, request.user))
    return _redirect_to_list(request, member)


def _ask(
    request: SignedInRequest, member: Member, verb: str, summary: bulk.BulkResult, done_text: str
) -> HttpResponseBase:
    """Shows what the action would do to how many, what it costs, and which are left out; asks whether to do it."""
    if not summary.done:
        _report(request, done_text, summary)
        return _redirect_to_list(request, member)
    context = {
        "section": "exports",
        "verb": verb,
        "crumb": CRUMBS[verb],
        "summary": summary,
        "effects": _effects(verb, summary.done),
        "size": sum(export.file.size for export in summary.done if export.file),
        "list_query": request.POST.get("back", ""),
    }
    return rendering.render_page(request, member, f"exports/confirm_bulk_{verb}.html", context)


def _effects(verb: str, exports: Sequence[Export]) -> dict[str, int]:
    """Returns what the action costs or leaves at the providers, each with the number of exports it is true of."""
    if verb == "retry":
        return dict(Counter(export.kind.cost for export in exports if export.kind.cost))
    return dict(Counter(presenter.note_on_cancel(export) for export in exports)) if verb == "cancel" else {}


def _zip(request: SignedInRequest, member: Member, selected: list[Export]) -> HttpResponseBase:
    check_room_for_download(request)
    pieces, summary = bulk.stream_zip(selected, request.user, client_address(request))
    if not summary.done:
        _report(request, _("Packed %(exports)s"), summary)
        return _redirect_to_list(request, member)
    if summary.skipped:
        # The response is the zip itself, which lists the skipped ones; the message appears on the next page.
        _report(request, _("Packed %(exports)s"), summary)
    name = f"{member.team.slug} {timezone.localtime():%Y-%m-%d %H%M}.zip"
    headers = {
        **file_responses.FILE_HEADERS,
        **file_responses.STREAM_HEADERS,
        "Content-Disposition": file_responses.content_disposition(name),
    }
    del headers["Accept-Ranges"]
    return StreamingHttpResponse(pieces, content_type="application/zip", headers=headers)


BULK_ACTIONS: Final = {"cancel": _cancel, "retry": _retry, "dismiss": _dismiss, "delete": _delete, "zip": _zip}


def _selected_exports(request: SignedInRequest, member: Member) -> list[Export]:
    """Returns the selected exports of the team, newest first; ids of other teams are ignored."""
    ids = [
        text
        for text in request.POST.getlist("id")[:MAX_EXPORTS]
        if text.isascii() and text.isdigit() and len(text) < 19
    ]
    return list(access.exports(member).filter(pk__in=map(int, ids)).order_by("-pk"))


def _redirect_to_list(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Redirects to the list with the filters it had. Only the query string is taken from the form, never a path."""
    query = QueryDict(request.POST.get("back", "")).urlencode()
    return redirect(reverse("web:exports", args=[member.team.slug]) + (f"?{query}" if query else ""))


def _report(request: SignedInRequest, done_text: str, summary: bulk.BulkResult) -> None:
    """Adds messages that name the exports that were done, and the skipped ones by reason."""
    if summary.done:
        messages.success(request, done_text % {"exports": _describe_exports(summary.done)})
    if summary.skipped:
        reasons = "; ".join(
            f"{_describe_exports(exports)}: {reason}" for reason, exports in summary.skipped_by_reason().items()
        )
        values = {"count": len(summary.skipped), "reasons": reasons}
        text = _("Skipped %(count)s: %(reasons)s") if summary.done else _("Nothing changed. %(reasons)s")
        messages.warning(request, text % values)


def _describe_exports(exports: Any) -> str:
    """Returns their count and the first numbers, as in "2 exports (#7, #9)"."""
    numbers = [f"#{export.pk}" for export in exports]
    count = ngettext("%(count)s export", "%(count)s exports", len(numbers)) % {"count": len(numbers)}
    more = len(numbers) - MAX_NUMBERS_NAMED
    rest = _(" and %(count)s more") % {"count": more} if more > 0 else ""
    return f"{count} ({', '.join(numbers[:MAX_NUMBERS_NAMED])}{rest})"
