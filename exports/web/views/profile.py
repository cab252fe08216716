"""The user's profile page: name, time zone, colors, mails and API tokens; deleting the account."""

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout
from django.db.models import F
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from exports.errors import ConflictError, InvalidError
from exports.http.packing import packed
from exports.models import Member, Token, User
from exports.people import accounts, offboarding, teams
from exports.web.alert_forms import MailChoicesForm
from exports.web.decorators import SignedInRequest, sign_in_required
from exports.web.people_forms import DeleteAccountForm, ProfileForm, TokenForm


@sign_in_required
def profile(request: SignedInRequest) -> HttpResponseBase:
    """Shows the profile; on POST saves it."""
    if request.method != "POST":
        return _profile_page(request)
    # A separate instance, so that invalid form data does not change request.user, which the page shows.
    form = ProfileForm(request.POST, instance=User.objects.get(pk=request.user.pk))
    if not form.is_valid():
        return _profile_page(request, form=form, status=422)
    form.save()
    messages.success(request, _("Saved"))
    return redirect("web:profile")


@never_cache
@sign_in_required
def create_token(request: SignedInRequest) -> HttpResponseBase:
    """Creates an API token and shows it once."""
    if request.method != "POST":
        return redirect("web:profile")
    memberships = _memberships(request.user)
    form = TokenForm(memberships, request.POST)
    if form.is_valid():
        data = form.cleaned_data
        member = next(row for row in memberships if str(row.pk) == data["team"])
        try:
            token = teams.create_own_token(
                member, data["scope"], data["name"], int(data["days"]) if data["days"] else None
            )
        except InvalidError as problem:
            form.add_errors(problem.errors)
        else:
            context = {"token": token, "token_name": data["name"], "token_team": member.team}
            context["expires_at"] = Token.objects.get(digest=Token.digest_of(token)).expires_at
            return render(request, "profile/token_created.html", context)
    return _profile_page(request, token_form=form, status=422)


@sign_in_required
def revoke_token(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """Revokes one of the user's own tokens."""
    rows = Token.objects.select_related("member__team", "member__user").filter(member__user=request.user)
    token = get_object_or_404(rows, pk=pk)
    if request.method == "POST":
        try:
            teams.revoke_token(token, request.user)
            messages.success(request, _("Revoked the token %(prefix)s…") % {"prefix": token.prefix})
        except ConflictError as problem:
            messages.warning(request, str(problem))
    return redirect("web:profile")


@sign_in_required
def choose_mails(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """Saves which events of one of the user's teams are mailed to them."""
    member = get_object_or_404(Member.objects.select_related("team", "user"), pk=pk, user=request.user)
    if request.method != "POST":
        return redirect("web:profile")
    form = MailChoicesForm(member, request.POST)
    if not form.is_valid():
        return _profile_page(request, status=422, mail_form=(member, form))
    data = form.cleaned_data
    Member.objects.filter(pk=member.pk).update(mail_scope=data["mail_scope"], mail_events=data["mail_events"])
    messages.success(request, _("Saved the e-mails about %(team)s") % {"team": member.team.name})
    return redirect("web:profile")


def _mail_forms(
    memberships: list[Member], sent: tuple[Member, MailChoicesForm] | None = None
) -> list[tuple[Member, MailChoicesForm]]:
    """A form for each membership; the one that was sent with its errors."""
    return [sent if sent and sent[0].pk == member.pk else (member, MailChoicesForm(member)) for member in memberships]


@never_cache
@sign_in_required
@reauthentication_required
def delete_account(request: SignedInRequest) -> HttpResponseBase:
    """Shows what goes and what stays; on POST with the typed address deletes the user's own account."""
    form = DeleteAccountForm(request.user, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.erase_account(request.user)
        except ConflictError as problem:
            form.add_error(None, str(problem))
        else:
            logout(request)
            messages.success(request, _("Your account was deleted"))
            return redirect("account_login")
    context = {
        "section": "profile",
        "form": form,
        "blocking": accounts.teams_without_other_owner(request.user),
        "impacts": [(row.team, offboarding.removal_impact(row)) for row in _memberships(request.user)],
    }
    return render(request, "profile/delete_account.html", context, status=422 if form.errors else 200)


def _memberships(user: User) -> list[Member]:
    return list(Member.objects.select_related("team", "user").filter(user=user).order_by("team__name", "pk"))


def _profile_page(
    request: SignedInRequest,
    status: int = 200,
    mail_form: tuple[Member, MailChoicesForm] | None = None,
    **extra: Any,
) -> HttpResponseBase:
    memberships = _memberships(request.user)
    tokens = Token.objects.select_related("member__team").filter(member__user=request.user, revoked_at__isnull=True)
    shown = list(tokens.order_by("member__team__name", F("used_at").desc(nulls_last=True), "-pk"))
    context = {
        "section": "profile",
        "form": ProfileForm(instance=request.user),
        "memberships": memberships,
        "mail_forms": _mail_forms(memberships, mail_form),
        "tokens": shown,
        "ending_tokens": [token for token in shown if token.expires_soon],
        "token_form": TokenForm(memberships),
        **extra,
    }
    # It lists all time zones.
    return packed(request, render(request, "profile/profile.html", context, status=status))
