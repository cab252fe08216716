"""POST views that act on one export: cancel, retry, adopt, fetch again. Each redirects to the page of the result."""

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from exports import access
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting import actions
from exports.exporting import fetch_again as fetching
from exports.exporting.create import Requester
from exports.models import Export, Member
from exports.web import rendering
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
    """Cancels an open export."""
    export = access.export(member, pk, access.EXPORT)
    if request.method == "POST":
        try:
            actions.cancel(export, actor=request.user.email, source="person")
        except ConflictError as problem:
            messages.warning(request, f"{problem}")
    return _redirect_to_export(member, export)


@team_member_required(access.EXPORT)
def retry(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Retries an export. A kind that changes something at the provider shows a form that must be confirmed first."""
    export = access.export(member, pk, access.EXPORT)
    decision = actions.may_retry(export)
    if request.method != "POST" and not decision.needs_confirmation:
        return _redirect_to_export(member, export)
    form = ConfirmForm(export.project, request.POST if "confirm" in request.POST else None)
    if decision.needs_confirmation and not form.is_valid():
        return _confirm_retry_page(request, member, export, form)
    try:
        return _redirect_to_export(member, actions.retry(export, Requester(request.user)))
    except DuplicateError as problem:
        # Two clicks, or two people: the second is led to the export that the first one created.
        return _redirect_to_duplicate(
            request, member, problem, _("Export %(number)s asks for the same already; here it is.")
        )
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
    request: SignedInRequest, member: Member, export: Export, form: ConfirmForm
) -> HttpResponseBase:
    context = {"section": "exports", "export": export, "form": form, "kind": export.kind}
    return rendering.render_page(request, member, "exports/confirm_retry.html", context, 422 if form.is_bound else 200)


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
        return _redirect_to_duplicate(
            request, member, problem, _("Export %(number)s watches this job already; here it is.")
        )
    except InvalidError as problem:
        messages.error(request, _join_errors(problem))
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
        return _redirect_to_duplicate(request, member, problem, _("Export %(number)s is at it already; here it is."))
    except InvalidError as problem:
        messages.error(request, _join_errors(problem))
    except ConflictError as problem:
        messages.warning(request, f"{problem}")
    return _redirect_to_export(member, export)
