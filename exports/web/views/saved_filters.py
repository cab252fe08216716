"""Saved filters of the list of exports: the page that lists them, save, rename, delete."""

from django.contrib import messages
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from exports.errors import ConflictError, InvalidError
from exports.exporting import saved_filters
from exports.models import Member, SavedFilter
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.list_page import read_filters


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists the member's own saved filters, each with a field for its name."""
    context = {"section": "exports", "saved_filters": member.saved_filters.order_by("name", "pk")}
    return rendering.render_page(request, member, "exports/saved_filters.html", context)


@team_member_required()
def save(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Saves the filters in `query` under `name`; unknown and invalid ones are left out, as the list does."""
    if request.method != "POST":
        return redirect("web:saved-filters", member.team.slug)
    filters, _errors = read_filters(member, QueryDict(request.POST.get("query", "")[:4000]))
    try:
        row = saved_filters.save_filter(member, request.POST.get("name", ""), filters.query_string)
    except (InvalidError, ConflictError) as problem:
        messages.warning(request, _text_of(problem))
    else:
        messages.success(request, _("Saved as “%(name)s”.") % {"name": row.name})
    address = reverse("web:exports", args=[member.team.slug])
    return redirect(f"{address}?{filters.query_string}" if filters.query_string else address)


@team_member_required()
def rename(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Gives a saved filter another name."""
    row = get_object_or_404(SavedFilter, pk=pk, member=member)
    if request.method == "POST":
        try:
            saved_filters.rename_filter(row, request.POST.get("name", ""))
            messages.success(request, _("Renamed to “%(name)s”.") % {"name": row.name})
        except InvalidError as problem:
            messages.warning(request, _text_of(problem))
    return redirect("web:saved-filters", member.team.slug)


@team_member_required()
def delete(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Deletes a saved filter."""
    row = get_object_or_404(SavedFilter, pk=pk, member=member)
    if request.method == "POST":
        saved_filters.delete_filter(row)
        messages.success(request, _("“%(name)s” was deleted. No export was touched.") % {"name": row.name})
    return redirect("web:saved-filters", member.team.slug)


def _text_of(problem: InvalidError | ConflictError) -> str:
    if isinstance(problem, InvalidError):
        return " ".join(text for texts in problem.errors.values() for text in texts)
    return str(problem)
