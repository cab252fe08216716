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
from exports.engine import keep, swap
from exports.engine.problem import ConflictError, InvalidError
from exports.models import Credential, Member
from exports.providers.base import Provider
from exports.providers.registry import PROVIDERS
from exports.web import show
from exports.web.asked import Asked, in_team
from exports.web.secret_forms import CredentialForm, SwapForm

SWAPPED: Final = gettext_lazy("The new secrets work and are in use now. The old ones are gone from the portal.")


@in_team()
def listing(request: Asked, member: Member) -> HttpResponseBase:
    """Every credential: what for, whether it works, what hangs on it."""
    good = Subquery(swap.last_good(OuterRef("pk"))[:1])
    rows = access.credentials(member).annotate(projects=Count("project"), last_good=good).order_by("provider", "name")
    return show.page(request, member, "credentials/list.html", {"section": "credentials", "credentials": list(rows)})


@in_team(access.HOLD)
def choose(request: Asked, member: Member) -> HttpResponseBase:
    """For which provider."""
    context = {"section": "credentials", "providers": PROVIDERS.values()}
    return show.page(request, member, "credentials/choose.html", context)


@in_team(access.HOLD)
def add(request: Asked, member: Member, provider: str) -> HttpResponseBase:
    """The form of the provider's secrets. Once sealed, the new credential's page tests it."""
    declared = PROVIDERS.get(provider)
    if declared is None:
        raise Http404(_("The portal knows no such provider."))
    form = CredentialForm(declared, request.POST if request.method == "POST" else None)
    problems: list[str] = []
    if request.method == "POST" and form.is_valid():
        try:
            credential = keep.create_credential(member.team, request.user, **form.values())
        except InvalidError as problem:
            problems = form.take(problem.errors)
        else:
            messages.success(request, _("The credential is sealed. Test it now."))
            return redirect("web:credential", member.team.slug, credential.pk)
    context = {"section": "credentials", "provider": declared, "form": form, "problems": problems}
    return show.page(request, member, "credentials/add.html", context, 422 if request.method == "POST" else 200)


@in_team()
def credential(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """What is known of it."""
    return _page(request, member, access.credential(member, pk))


@in_team(access.EXPORT)
def test(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """Tests it at the provider, in named steps."""
    one = access.credential(member, pk, access.EXPORT)
    if request.method != "POST" or _declared(one) is None:
        return redirect("web:credential", member.team.slug, pk)
    verdict = keep.check_credential(one)
    one.refresh_from_db()
    return _page(request, member, one, verdict=verdict)


@in_team(access.HOLD)
def replace(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """Tests new secrets, and swaps them in when they work. What was typed is kept nowhere else."""
    one = access.credential(member, pk, access.HOLD)
    declared = _declared(one)
    if request.method != "POST" or declared is None:
        return redirect("web:credential", member.team.slug, pk)
    form = SwapForm(declared, request.POST)
    more: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            trial, swapped = swap.swap_secrets(one, request.user, form.secrets(), anyway=form.anyway)
        except InvalidError as problem:
            more["problems"] = form.take(problem.errors)
        else:
            if swapped:
                say = messages.success if trial.ok else messages.warning
                anyway = _("Swapped all the same. The test said: %(detail)s") % {"detail": trial.detail}
                say(request, SWAPPED if trial.ok else anyway)
                return redirect("web:credential", member.team.slug, pk)
            more["trial"] = trial
    return _page(request, member, one, status=422, **more)


@in_team(access.HOLD)
def delete(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """Deletes one that nothing hangs on."""
    one = access.credential(member, pk, access.HOLD)
    if request.method == "POST":
        try:
            keep.delete_credential(one, request.user)
        except ConflictError as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, _("%(name)s was deleted.") % {"name": one.name})
            return redirect("web:credentials", member.team.slug)
    return redirect("web:credential", member.team.slug, pk)


def _declared(credential: Credential) -> Provider | None:
    return PROVIDERS.get(credential.provider)


def _page(request: Asked, member: Member, credential: Credential, status: int = 200, **more: Any) -> HttpResponseBase:
    declared = _declared(credential)
    context = {
        "section": "credentials",
        "credential": credential,
        "provider": declared,
        "address": credential.address if declared else credential.origin,
        "projects": list(access.projects(member).filter(credential=credential).order_by("name", "pk")[:50]),
        "hanging": swap.hanging(credential),
        "form": SwapForm(declared) if declared else None,
    }
    return show.page(request, member, "credentials/credential.html", {**context, **more}, status)
