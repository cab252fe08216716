"""Pages of coverage: what the providers list against what is here, and protecting what is not."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports import access
from exports.credentials.discovery import request_discovery
from exports.errors import ConflictError, InvalidError
from exports.exporting import auto_protection, coverage, protection
from exports.exporting.coverage import STATES, UNPROTECTED, CoverageFilters
from exports.exporting.protection import MAX_PICKED
from exports.models import AutoProtection, Credential, Member, RemoteProject
from exports.providers.registry import PROVIDERS
from exports.templatetags.freshness import STATE_LABELS
from exports.web import rendering
from exports.web.coverage_cards import provider_cards
from exports.web.coverage_forms import ProtectionForms
from exports.web.decorators import SignedInRequest, team_member_required

PAGE_SIZE: Final = 50
MAX_NAMED: Final = 10


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists projects with their state, the unprotected first; beside it how many there are of each provider."""
    state = request.GET.get("state", "") if request.GET.get("state") in STATES else ""
    filters = CoverageFilters((state,) if state else (), only_copies=True)
    try:
        page = coverage.get_page(member.team_id, filters, request.GET.get("after", ""), PAGE_SIZE)
    except InvalidError:
        return redirect("web:coverage", member.team.slug)
    context = {"page": page, **_context(member, state)}
    context["has_picks"] = any(row.can_be_protected for row in page.rows)
    context["next_query"] = urlencode({"state": state, "after": page.cursor}) if page.cursor else ""
    return rendering.render_page(request, member, "coverage/list.html", context)


def _context(member: Member, state: str) -> dict[str, Any]:
    """What the page shows beside the list."""
    counts = coverage.count_states(member.team_id)
    totals = coverage.total_of_copies(counts)
    credentials = list(_listing_credentials(member))
    automatic = {
        row.credential_id: row
        for row in AutoProtection.objects.filter(credential__in=credentials).select_related("owner")
    }
    return {
        "section": "coverage",
        "cards": provider_cards(counts),
        "totals": totals,
        "total": sum(totals.values()),
        "protected": sum(totals.values()) - totals[UNPROTECTED],
        "views": _views(member, state, totals),
        "credentials": [(row, automatic.get(row.pk)) for row in credentials],
        "protectable": [row.provider for row in credentials if not _has_no_copies(row)],
        "is_listing": any(row.discovered_at is None and row.used_at is not None for row in credentials),
    }


def _views(member: Member, state: str, totals: dict[str, int]) -> list[dict[str, Any]]:
    """The states to choose from, with their numbers."""
    address = reverse("web:coverage", args=[member.team.slug])
    views = [{"href": address, "label": _("All"), "is_current": not state, "count": None}]
    return views + [
        {
            "href": f"{address}?state={name}",
            "label": STATE_LABELS[name],
            "count": totals[name],
            "is_current": name == state,
        }
        for name in STATES
    ]


def _listing_credentials(member: Member) -> QuerySet[Credential]:
    listing_providers = [slug for slug, provider in PROVIDERS.items() if provider.lists_projects]
    return access.credentials(member).filter(provider__in=listing_providers).order_by("provider", "name")


@team_member_required(access.EXPORT)
def discover(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Has the projects of one credential, or of all, listed anew."""
    if request.method == "POST":
        rows = _listing_credentials(member)
        chosen = request.POST.get("credential", "")
        for credential in rows.filter(pk=chosen) if chosen.isascii() and chosen.isdigit() else rows:
            try:
                request_discovery(credential)
            except ConflictError as problem:
                messages.warning(request, f"{credential.name}: {problem}")
    return redirect("web:coverage", member.team.slug)


@team_member_required(access.EXPORT)
def protect(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Shows the form for the picked projects; on POST adds them, each with a schedule and a target."""
    picked = _read_picked(member, (request.POST if request.method == "POST" else request.GET).getlist("pick"))
    if not picked:
        messages.info(request, _("Choose at least one project that can be protected."))
        return redirect("web:coverage", member.team.slug)
    forms = ProtectionForms(member.team, list(picked), request.POST if request.method == "POST" else None)
    problems: list[str] = []
    if forms.form.is_bound and forms.is_valid():
        try:
            _protect(request, picked, forms)
        except InvalidError as problem:
            problems = forms.add_errors(problem.errors)
        else:
            return redirect("web:coverage", member.team.slug)
    picks = [f"{credential.pk}:{id_}" for credential, ids in picked.items() for id_ in ids]
    context = {"picks": picks, "count": len(picks), "named": _names(picked)}
    return _form_page(request, member, forms, problems, context)


@team_member_required(access.EXPORT)
def protect_all(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows the form for all projects that a credential's provider lists; on POST protects them, later ones too."""
    credential = access.credential(member, pk, access.EXPORT)
    if _has_no_copies(credential):
        return redirect("web:coverage", member.team.slug)
    forms = ProtectionForms(member.team, [credential], request.POST if request.method == "POST" else None)
    problems: list[str] = []
    if forms.form.is_bound and forms.is_valid():
        try:
            auto_protection.protect_all(credential, forms.to_request(credential), request.user)
        except InvalidError as problem:
            problems = forms.add_errors(problem.errors)
        else:
            text = _("All projects of %(credential)s will be protected, also those that are found later.")
            messages.success(request, text % {"credential": credential.name})
            return redirect("web:coverage", member.team.slug)
    return _form_page(request, member, forms, problems, {"credential": credential})


@team_member_required(access.EXPORT)
def stop(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Stops protecting what is found later; what is protected stays so."""
    credential = access.credential(member, pk, access.EXPORT)
    if request.method == "POST":
        auto_protection.stop(credential, request.user)
        text = _("New projects of %(credential)s are not protected by themselves any more.")
        messages.success(request, text % {"credential": credential.name})
    return redirect("web:coverage", member.team.slug)


def _form_page(
    request: SignedInRequest, member: Member, forms: ProtectionForms, problems: list[str], context: dict[str, Any]
) -> HttpResponse:
    context |= {"section": "coverage", "form": forms.form, "times": forms.times}
    context |= {"costs": forms.costs, "problems": problems}
    status = 422 if forms.form.is_bound else 200
    return rendering.render_page(request, member, "coverage/protect.html", context, status)


def _has_no_copies(credential: Credential) -> bool:
    return credential.provider not in PROVIDERS or not protection.protecting_kinds(credential)


def _read_picked(member: Member, picks: Sequence[str]) -> dict[Credential, list[str]]:
    """Returns the project ids by credential of picks like "7:4001", without what cannot be protected."""
    pairs = [pick.partition(":")[::2] for pick in dict.fromkeys(picks[:MAX_PICKED])]
    keys = {int(key) for key, _id in pairs if key.isascii() and key.isdigit() and len(key) < 19}
    credentials = {row.pk: row for row in access.credentials(member).filter(pk__in=keys)}
    picked: dict[Credential, list[str]] = {}
    for key, id_ in pairs:
        credential = credentials.get(int(key)) if key.isascii() and key.isdigit() and len(key) < 19 else None
        if credential is not None and id_ and not _has_no_copies(credential):
            picked.setdefault(credential, []).append(id_)
    return picked


def _names(picked: dict[Credential, list[str]]) -> list[str]:
    """The names of the first projects, for the form."""
    ids = [id_ for ids in picked.values() for id_ in ids]
    rows = RemoteProject.objects.filter(credential__in=picked, remote_id__in=ids).order_by("name", "pk")
    return [str(row) for row in rows[:MAX_NAMED]]


def _protect(request: SignedInRequest, picked: dict[Credential, list[str]], forms: ProtectionForms) -> None:
    """Protects the projects and says what came of it. Raises InvalidError when nothing can be protected like this."""
    requests = {credential: forms.to_request(credential) for credential in picked}
    for credential, one in requests.items():
        protection.check_request(credential, one)
    count = 0
    for credential, ids in picked.items():
        result = protection.protect(credential, ids, requests[credential], request.user)
        count += len(result.protected)
        for name, why in result.skipped.items():
            messages.warning(request, _("Skipped %(what)s: %(why)s") % {"what": name, "why": why})
    if count:
        text = ngettext("%(count)s project is protected now.", "%(count)s projects are protected now.", count)
        messages.success(request, text % {"count": count})
