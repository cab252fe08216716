"""Views that act on one export: cancel, retry, adopt, fetch again, dismiss, pin. Each redirects to the result's page.

Cancel and retry ask first: their pages say what it costs and does.
"""

from collections.abc import Callable

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from exports import access
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting import actions, dismissals, pins
from exports.exporting import fetch_again as fetching
from exports.exporting.create import Requester
from exports.models import Export, Member, User
from exports.web import presenter, rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.forms import ConfirmForm


def _redirect_to_export(member: Member, export: Export) -> HttpResponseBase:
    return redirect("web:export", member.team.slug, export.pk)


def _redirect_to_duplicate(
    request: SignedInRequest, member: Member, problem: DuplicateError, text: str
) -> HttpResponseBase:
    messages.warning(request, text % {"number": problem.export_id})
    return redirect("web:export", member.team.slug, problem.export_id)


def _join_errors(problem: InvalidError) -> str:
    return " ".join(text for texts in problem.errors.values() for text in texts)


@team_member_required(access.EXPORT)
def cancel(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Asks whether to cancel an open export, and says what happens at the provider; on POST cancels it."""
    export = access.export(member, pk, access.EXPORT)
    if request.method == "POST":
        try:
            actions.cancel(export, actor=request.user.email, source="person")
        except ConflictError as problem:
            messages.warning(request, f"{problem}")
    elif export.is_open:
        context = {"section": "exports", "export": export, "provider_note": presenter.note_on_cancel(export)}
        return rendering.render_page(request, member, "exports/confirm_cancel.html", context)
    return _redirect_to_export(member, export)


@team_member_required(access.EXPORT)
def retry(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Asks whether to run an export again, and says what it costs; on POST does it.

    A kind that changes something at the provider must be confirmed by the project's typed name.
    """
    export = access.export(member, pk, access.EXPORT)
    decision = actions.may_retry(export)
    form = ConfirmForm(export.project, request.POST if "confirm" in request.POST else None)
    if (decision.needs_confirmation and not form.is_valid()) or request.method != "POST":
        if decision:
            return _confirm_retry_page(request, member, export, form if decision.needs_confirmation else None)
        return _redirect_to_export(member, export)
    try:
        return _redirect_to_export(member, actions.retry(export, Requester(request.user)))
    except DuplicateError as problem:
        # Two clicks, or two people: the second is led to the export that the first one created.
        return _redirect_to_duplicate(request, member, problem, _("#%(number)s is already running with these options"))
    except InvalidError as problem:
        messages.error(request, _join_errors(problem))
        if decision.refusal is actions.RetryRefusal.UNKNOWN_KIND:  # there is no form to lead to
            return _redirect_to_export(member, export)
        # The options were valid once and no longer are; the form shows which field is wrong.
        address = reverse("web:ask", args=[member.team.slug, export.project_id, export.type])
        return redirect(f"{address}?from={export.pk}")
    except ConflictError as problem:
        messages.warning(request, f"{problem}")
        return _redirect_to_export(member, export)


def _confirm_retry_page(
    request: SignedInRequest, member: Member, export: Export, form: ConfirmForm | None
) -> HttpResponseBase:
    related = presenter.find_related(export)
    context = {
        "section": "exports",
        "export": export,
        "form": form,
        "kind": export.kind,
        "option_rows": presenter.compare_options(export, export.kind, None),
        "retries": related.retries,
    }
    status = 422 if form is not None and form.is_bound else 200
    return rendering.render_page(request, member, "exports/confirm_retry.html", context, status)


@team_member_required(access.EXPORT)
def adopt(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Creates an export that polls a job which already runs at the provider; nothing is submitted."""
    export = access.export(member, pk, access.EXPORT)
    if request.method != "POST":
        return _redirect_to_export(member, export)
    remote_id = request.POST.get("remote_id", "").strip()
    try:
        return _redirect_to_export(member, actions.adopt(export, remote_id, Requester(request.user)))
    except DuplicateError as problem:
        return _redirect_to_duplicate(request, member, problem, _("#%(number)s already follows this job"))
    except InvalidError as problem:
        messages.error(request, _join_errors(problem))
    except ConflictError as problem:
        messages.warning(request, f"{problem}")
    return _redirect_to_export(member, export)


@team_member_required(access.EXPORT)
def pin(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Pins the file, so that no retention rule deletes it."""
    return _change(request, member, pk, pins.pin, _("Pinned. No rule deletes this file."))


@team_member_required(access.EXPORT)
def unpin(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Unpins the file."""
    return _change(request, member, pk, pins.unpin, _("Unpinned. The retention rules hold for this file again."))


@team_member_required(access.EXPORT)
def dismiss(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Dismisses a failure, so that home no longer names it."""
    return _change(request, member, pk, dismissals.dismiss, _("Dismissed. It stays in the list of exports."))


@team_member_required(access.EXPORT)
def undismiss(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Takes back the dismissal of a failure."""
    return _change(request, member, pk, dismissals.undo, _("Needs attention again"))


def _change(
    request: SignedInRequest, member: Member, pk: int, change: Callable[[Export, User], None], text: str
) -> HttpResponseBase:
    export = access.export(member, pk, access.EXPORT)
    if request.method == "POST":
        try:
            change(export, request.user)
            messages.success(request, text)
        except ConflictError as problem:
            messages.warning(request, f"{problem}")
    return _redirect_to_export(member, export)


@team_member_required(access.EXPORT)
def fetch_again(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Creates an export that fetches the file of the same job again; nothing is submitted."""
    export = access.export(member, pk, access.EXPORT)
    if request.method != "POST":
        return _redirect_to_export(member, export)
    try:
        return _redirect_to_export(member, fetching.fetch_again(export, Requester(request.user)))
    except DuplicateError as problem:
        return _redirect_to_duplicate(request, member, problem, _("#%(number)s already fetches this file"))
    except InvalidError as problem:
        messages.error(request, _join_errors(problem))
    except ConflictError as problem:
        messages.warning(request, f"{problem}")
    return _redirect_to_export(member, export)
