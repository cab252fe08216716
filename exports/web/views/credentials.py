"""Pages of a team's credentials: list, add, test, replace secrets, delete. Secrets are never sent back to a page."""

from typing import Any, Final

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports import access
from exports.credentials import replace_secrets, service
from exports.errors import ConflictError, InvalidError
from exports.models import Credential, Member
from exports.providers.contract import Provider
from exports.providers.registry import PROVIDERS
from exports.web import rendering
from exports.web.credential_forms import CredentialForm, ReplaceSecretsForm
from exports.web.decorators import SignedInRequest, team_member_required

MAX_PROJECTS: Final = 50
REPLACED_MESSAGE: Final = gettext_lazy(
    "The new secrets work and are in use now. The old ones are gone from the portal."
)


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists the credentials with provider, state, number of projects and last good export."""
    last_good = Subquery(replace_secrets.last_good_times(OuterRef("pk"))[:1])
    rows = (
        access.credentials(member).annotate(projects=Count("project"), last_good=last_good).order_by("provider", "name")
    )
    return rendering.render_page(
        request, member, "credentials/list.html", {"section": "credentials", "credentials": list(rows)}
    )


@team_member_required(access.MANAGE)
def choose(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists the providers to choose from."""
    context = {"section": "credentials", "providers": PROVIDERS.values()}
    return rendering.render_page(request, member, "credentials/choose_provider.html", context)


@team_member_required(access.MANAGE)
def add(request: SignedInRequest, member: Member, provider: str) -> HttpResponseBase:
    """Creates a credential; its page, which the redirect leads to, offers the test."""
    declared = PROVIDERS.get(provider)
    if declared is None:
        raise Http404(_("The portal knows no such provider."))
    form = CredentialForm(declared, request.POST if request.method == "POST" else None)
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            credential = service.create_credential(member.team, request.user, **form.values())
        except InvalidError as problem:
            problems = form.add_errors(problem.errors)
        else:
            messages.success(request, _("The credential is sealed. Test it now."))
            return redirect("web:credential", member.team.slug, credential.pk)
    context = {"section": "credentials", "provider": declared, "form": form, "problems": problems}
    return rendering.render_page(
        request, member, "credentials/add.html", context, 422 if request.method == "POST" else 200
    )


@team_member_required()
def credential(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows one credential."""
    return _credential_page(request, member, access.credential(member, pk))


@team_member_required(access.EXPORT)
def test(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Checks the credential at the provider and shows the result of each step."""
    row = access.credential(member, pk, access.EXPORT)
    if request.method != "POST" or _provider_or_none(row) is None:
        return redirect("web:credential", member.team.slug, pk)
    verdict = service.check_credential(row)
    row.refresh_from_db()
    return _credential_page(request, member, row, verdict=verdict)


@team_member_required(access.MANAGE)
def replace(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Checks new secrets at the provider and stores them if they work, or if the form says so. Keeps no other copy."""
    row = access.credential(member, pk, access.MANAGE)
    declared = _provider_or_none(row)
    if request.method != "POST" or declared is None:
        return redirect("web:credential", member.team.slug, pk)
    form = ReplaceSecretsForm(declared, request.POST)
    extra: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            verdict, replaced = replace_secrets.replace_secrets(row, request.user, form.secrets(), force=form.anyway)
        except InvalidError as problem:
            extra["problems"] = form.add_errors(problem.errors)
        else:
            if replaced:
                if verdict.ok:
                    messages.success(request, REPLACED_MESSAGE)
                else:
                    text = _("Swapped all the same. The test said: %(detail)s")
                    messages.warning(request, text % {"detail": verdict.detail})
                return redirect("web:credential", member.team.slug, pk)
            extra["refused_verdict"] = verdict
    return _credential_page(request, member, row, status=422, **extra)


@team_member_required(access.MANAGE)
def delete(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Deletes a credential that no project uses."""
    row = access.credential(member, pk, access.MANAGE)
    if request.method == "POST":
        try:
            service.delete_credential(row, request.user)
        except ConflictError as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, _("%(name)s was deleted.") % {"name": row.name})
            return redirect("web:credentials", member.team.slug)
    return redirect("web:credential", member.team.slug, pk)


def _provider_or_none(credential: Credential) -> Provider | None:
    """Returns the credential's provider, or None when the portal no longer has it."""
    return PROVIDERS.get(credential.provider)


def _credential_page(
    request: SignedInRequest, member: Member, credential: Credential, status: int = 200, **extra: Any
) -> HttpResponseBase:
    provider = _provider_or_none(credential)
    # Archived ones too: they hang on it with their exports.
    projects = access.projects(member, with_archived=True).filter(credential=credential).order_by("name", "pk")
    context = {
        "section": "credentials",
        "credential": credential,
        "provider": provider,
        "address": credential.origin_url if provider else credential.origin,
        "projects": list(projects[:MAX_PROJECTS]),
        "dependents": replace_secrets.dependents(credential),
        "form": ReplaceSecretsForm(provider) if provider else None,
    }
    return rendering.render_page(request, member, "credentials/detail.html", {**context, **extra}, status)
