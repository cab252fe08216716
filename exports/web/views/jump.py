"""The search that jumps to any page of a team: a page of its own, and the fragment that the dialog shows."""

from django.http.response import HttpResponseBase
from django.shortcuts import render

from exports.models import Member
from exports.web import jump, rendering
from exports.web.decorators import SignedInRequest, team_member_required


@team_member_required()
def search(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists what fits `q`."""
    q = request.GET.get("q", "")
    groups = jump.find(member, q)
    context = {"q": q, "groups": groups, "hit_count": sum(len(group.hits) for group in groups)}
    if request.htmx:
        return render(request, "jump/partials/options.html", context)
    return rendering.render_page(request, member, "jump/search.html", context)
