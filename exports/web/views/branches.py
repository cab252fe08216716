"""The page that runs an export for every branch of a project: it says how many there are, and asks once."""

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports import access
from exports.crypto import CryptoError
from exports.errors import ConflictError, InvalidError
from exports.exporting.branches import MAX_BRANCHES, create_branch_exports, list_branches
from exports.exporting.create import ExportRequest, Requester
from exports.models import Member, Project
from exports.providers.contract import Kind
from exports.transport.errors import ProviderError
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.views.new import project_and_kind


@team_member_required(access.EXPORT)
def branches(request: SignedInRequest, member: Member, pk: int, kind: str) -> HttpResponseBase:
    """Shows every branch that the provider lists; on POST runs one export for each that the page named."""
    project, declared = project_and_kind(member, pk, kind)
    if not declared.branch_option:
        raise Http404(_("This kind of export has no branches."))
    if request.method == "POST":
        return _create(request, member, project, declared)
    context = {"section": "new", "project": project, "kind": declared, "max_branches": MAX_BRANCHES}
    try:
        context["branches"] = list_branches(project, declared)
    except (ProviderError, CryptoError) as problem:
        context["unavailable_reason"] = problem.message if isinstance(problem, ProviderError) else str(problem)
    return rendering.render_page(request, member, "new/branches.html", context)


def _create(request: SignedInRequest, member: Member, project: Project, kind: Kind) -> HttpResponseBase:
    ids = request.POST.getlist("branch")[: MAX_BRANCHES + 1]
    try:
        made = create_branch_exports(project, ExportRequest(kind.type), Requester(request.user), ids)
    except InvalidError as problem:
        messages.error(request, " ".join(text for texts in problem.errors.values() for text in texts))
        return redirect("web:branches", member.team.slug, project.pk, kind.type)
    except ConflictError as problem:
        messages.warning(request, f"{problem}")
    else:
        text = ngettext("%(count)s export requested", "%(count)s exports requested", len(made)) % {"count": len(made)}
        messages.success(request, text)
        if left_out := len(set(ids)) - len(made):
            text = ngettext("%(count)s branch has one running", "%(count)s branches have one running", left_out)
            messages.warning(request, text % {"count": left_out})
    return redirect(f"{reverse('web:exports', args=[member.team.slug])}?project_id={project.pk}")
