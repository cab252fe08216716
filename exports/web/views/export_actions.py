"""What a member does with an export: cancel, retry, adopt. Each leads back to a page that shows what came of it."""

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from exports import access
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting import actions
from exports.exporting.create import Requester
from exports.models import Export, Member
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.forms import ConfirmForm


def _to(member: Member, export: Export) -> HttpResponseBase:
    return redirect("web:export", member.team.slug, export.pk)


def _changes(export: Export) -> bool:
    try:
        return export.kind.effect == "changes"
    except KeyError:
        return False


@team_member_required(access.EXPORT)
def cancel(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Stops following it."""
    export = access.export(member, pk, access.EXPORT)
    if request.method == "POST":
        try:
            actions.cancel(export, actor=request.user.email, source="person")
        except ConflictError as problem:
            messages.warning(request, f"{problem}")
    return _to(member, export)


@team_member_required(access.EXPORT)
def retry(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Asks for the same again, as a new export. What changes something at the provider is confirmed each time."""
    export = access.export(member, pk, access.EXPORT)
    changes = not export.is_open and _changes(export)
    if request.method != "POST" and not changes:
        return _to(member, export)
    form = ConfirmForm(export.project, request.POST if "confirm" in request.POST else None)
    if changes and not form.is_valid():
        context = {"section": "exports", "export": export, "form": form, "kind": export.kind}
        return rendering.render_page(
            request, member, "exports/confirm_retry.html", context, 422 if form.is_bound else 200
        )
    try:
        # Pressed twice, or by two people: the second sees the first one's export.
        return _to(member, actions.retry(export, Requester(request.user)))
    except DuplicateError as problem:
        said = _("Export %(number)s asks for the same already; here it is.")
        messages.warning(request, said % {"number": problem.export_id})
        return redirect("web:export", member.team.slug, problem.export_id)
    except InvalidError as problem:
        # What was right once is not any more (an option that is gone): the form says where.
        messages.error(request, " ".join(text for texts in problem.errors.values() for text in texts))
        address = reverse("web:ask", args=[member.team.slug, export.project_id, export.type])
        return redirect(f"{address}?from={export.pk}")
    except ConflictError as problem:
        messages.warning(request, f"{problem}")
        return _to(member, export)


@team_member_required(access.EXPORT)
def adopt(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Watches a job that runs at the provider already, as a new export."""
    export = access.export(member, pk, access.EXPORT)
    if request.method != "POST":
        return _to(member, export)
    try:
        return _to(member, actions.adopt(export, request.POST.get("remote_id", "").strip(), Requester(request.user)))
    except DuplicateError as problem:
        said = _("Export %(number)s watches this job already; here it is.")
        messages.warning(request, said % {"number": problem.export_id})
        return redirect("web:export", member.team.slug, problem.export_id)
    except InvalidError as problem:
        messages.error(request, " ".join(text for texts in problem.errors.values() for text in texts))
    except ConflictError as problem:
        messages.warning(request, f"{problem}")
    return _to(member, export)
