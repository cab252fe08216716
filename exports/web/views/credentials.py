"""Pages of a team's credentials: list, add, test, rename, replace secrets, delete. No page ever shows a secret."""

from typing import Any, Final

from django.contrib import messages
from django.db.models import Count, OuterRef, Subquery
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports import access
from exports.credentials import replace_secrets, service
from exports.credentials.delete import delete_credential
from exports.errors import ConflictError, InvalidError
from exports.models import Credential, Member
from exports.providers.contract import Provider
from exports.providers.registry import PROVIDERS
from exports.web import rendering
from exports.web.credential_forms import CredentialForm, ReplaceSecretsForm
from exports.web.decorators import SignedInRequest, team_member_required

MAX_PROJECTS: Final = 50
# In the address of a credential's page that was just saved, and in the request that then tests it.
JUST_SAVED: Final = "saved"
REPLACED_MESSAGE: Final = gettext_lazy("Secret replaced and in use")


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
    """Creates a credential; its page, which the redirect leads to, tests it at once."""
    declared = PROVIDERS.get(provider)
    if declared is None:
        raise Http404(_("There is no such provider."))
    form = CredentialForm(declared, request.POST if request.method == "POST" else None)
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            credential = service.create_credential(member.team, request.user, **form.values())
        except InvalidError as problem:
            problems = form.add_errors(problem.errors)
        else:
            # Its page tests it at once.
            return redirect(reverse("web:credential", args=[member.team.slug, credential.pk]) + f"?{JUST_SAVED}")
    context = {"section": "credentials", "provider": declared, "form": form, "problems": problems}
    return rendering.render_page(
        request, member, "credentials/add.html", context, 422 if request.method == "POST" else 200
    )


@team_member_required()
def credential(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows one credential. One that was just saved is tested by a request of the page, once."""
    row = access.credential(member, pk)
    is_untested = row.checked_at is None and not row.last_error
    may_test = access.EXPORT in access.ROLE_PERMISSIONS[member.role] and _provider_or_none(row) is not None
    return _credential_page(request, member, row, testing=JUST_SAVED in request.GET and is_untested and may_test)


@team_member_required(access.EXPORT)
def test(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Checks the credential at the provider and shows the result of each step."""
    row = access.credential(member, pk, access.EXPORT)
    if request.method != "POST" or _provider_or_none(row) is None:
        return redirect("web:credential", member.team.slug, pk)
    verdict = service.check_credential(row)
    row.refresh_from_db()
    return _credential_page(request, member, row, verdict=verdict, just_saved=JUST_SAVED in request.POST)


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
                    text = _("Replaced, though the test failed: %(detail)s")
                    messages.warning(request, text % {"detail": verdict.detail})
                return redirect("web:credential", member.team.slug, pk)
            extra["refused_verdict"] = verdict
    return _credential_page(request, member, row, status=422, **extra)


@team_member_required(access.MANAGE)
def rename(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Renames a credential."""
    row = access.credential(member, pk, access.MANAGE)
    if request.method != "POST":
        return redirect("web:credential", member.team.slug, pk)
    typed, before = request.POST.get("name", ""), row.name
    try:
        service.rename_credential(row, request.user, typed)
    except InvalidError as problem:
        row.name = before
        return _credential_page(request, member, row, status=422, typed_name=typed, name_errors=problem.errors["name"])
    messages.success(request, _("Renamed to %(name)s") % {"name": row.name})
    return redirect("web:credential", member.team.slug, pk)


@team_member_required(access.MANAGE)
def delete(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Asks whether to delete a credential that no project uses; on POST deletes it."""
    row = access.credential(member, pk, access.MANAGE)
    if request.method != "POST" and not row.project_set.filter(archived_at=None).exists():
        context = {"section": "credentials", "credential": row}
        return rendering.render_page(request, member, "credentials/confirm_delete.html", context)
    if request.method == "POST":
        try:
            delete_credential(row, request.user)
        except ConflictError as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, _("Deleted %(name)s") % {"name": row.name})
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
        "typed_name": credential.name,
        "just_saved_key": JUST_SAVED,
        "provider": provider,
        "address": credential.origin_url if provider else credential.origin,
        "projects": list(projects[:MAX_PROJECTS]),
        "dependents": replace_secrets.dependents(credential),
        "live_projects": projects.filter(archived_at=None).count(),
        "form": ReplaceSecretsForm(provider) if provider else None,
    }
    return rendering.render_page(request, member, "credentials/detail.html", {**context, **extra}, status)
