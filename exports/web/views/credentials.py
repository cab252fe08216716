"""A team's credentials: added, tested, replaced, deleted. Secrets go in and never come out."""

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

REPLACED_MESSAGE: Final = gettext_lazy(
    "The new secrets work and are in use now. The old ones are gone from the portal."
)


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Every credential: what for, whether it works, what hangs on it."""
    good = Subquery(replace_secrets.last_good_times(OuterRef("pk"))[:1])
    rows = access.credentials(member).annotate(projects=Count("project"), last_good=good).order_by("provider", "name")
    return rendering.render_page(
        request, member, "credentials/list.html", {"section": "credentials", "credentials": list(rows)}
    )


@team_member_required(access.MANAGE)
def choose(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """For which provider."""
    context = {"section": "credentials", "providers": PROVIDERS.values()}
    return rendering.render_page(request, member, "credentials/choose_provider.html", context)


@team_member_required(access.MANAGE)
def add(request: SignedInRequest, member: Member, provider: str) -> HttpResponseBase:
    """The form of the provider's secrets. Once sealed, the new credential's page tests it."""
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
    """What is known of it."""
    return _page(request, member, access.credential(member, pk))


@team_member_required(access.EXPORT)
def test(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Tests it at the provider, in named steps."""
    one = access.credential(member, pk, access.EXPORT)
    if request.method != "POST" or _declared(one) is None:
        return redirect("web:credential", member.team.slug, pk)
    verdict = service.check_credential(one)
    one.refresh_from_db()
    return _page(request, member, one, verdict=verdict)


@team_member_required(access.MANAGE)
def replace(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Tests new secrets, and swaps them in when they work. What was typed is kept nowhere else."""
    one = access.credential(member, pk, access.MANAGE)
    declared = _declared(one)
    if request.method != "POST" or declared is None:
        return redirect("web:credential", member.team.slug, pk)
    form = ReplaceSecretsForm(declared, request.POST)
    more: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            trial, swapped = replace_secrets.replace_secrets(one, request.user, form.secrets(), force=form.anyway)
        except InvalidError as problem:
            more["problems"] = form.add_errors(problem.errors)
        else:
            if swapped:
                say = messages.success if trial.ok else messages.warning
                anyway = _("Swapped all the same. The test said: %(detail)s") % {"detail": trial.detail}
                say(request, REPLACED_MESSAGE if trial.ok else anyway)
                return redirect("web:credential", member.team.slug, pk)
            more["trial"] = trial
    return _page(request, member, one, status=422, **more)


@team_member_required(access.MANAGE)
def delete(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Deletes one that nothing hangs on."""
    one = access.credential(member, pk, access.MANAGE)
    if request.method == "POST":
        try:
            service.delete_credential(one, request.user)
        except ConflictError as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, _("%(name)s was deleted.") % {"name": one.name})
            return redirect("web:credentials", member.team.slug)
    return redirect("web:credential", member.team.slug, pk)


def _declared(credential: Credential) -> Provider | None:
    return PROVIDERS.get(credential.provider)


def _page(
    request: SignedInRequest, member: Member, credential: Credential, status: int = 200, **more: Any
) -> HttpResponseBase:
    declared = _declared(credential)
    context = {
        "section": "credentials",
        "credential": credential,
        "provider": declared,
        "address": credential.origin_url if declared else credential.origin,
        "projects": list(access.projects(member).filter(credential=credential).order_by("name", "pk")[:50]),
        "dependents": replace_secrets.dependents(credential),
        "form": ReplaceSecretsForm(declared) if declared else None,
    }
    return rendering.render_page(request, member, "credentials/detail.html", {**context, **more}, status)
