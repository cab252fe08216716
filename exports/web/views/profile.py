"""The user's profile page: name, time zone, colors, mails and API tokens."""

from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from exports.errors import ConflictError, InvalidError
from exports.models import Member, Token, User
from exports.people import teams
from exports.web.decorators import SignedInRequest, sign_in_required
from exports.web.people_forms import ProfileForm, TokenForm


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
    messages.success(request, _("Saved."))
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
            messages.success(
                request, _("The token %(prefix)s… was revoked and no longer works.") % {"prefix": token.prefix}
            )
        except ConflictError as problem:
            messages.warning(request, str(problem))
    return redirect("web:profile")


def _memberships(user: User) -> list[Member]:
    return list(Member.objects.select_related("team", "user").filter(user=user).order_by("team__name", "pk"))


def _profile_page(request: SignedInRequest, status: int = 200, **extra: Any) -> HttpResponseBase:
    memberships = _memberships(request.user)
    tokens = Token.objects.select_related("member__team").filter(member__user=request.user, revoked_at__isnull=True)
    context = {
        "section": "profile",
        "form": ProfileForm(instance=request.user),
        "memberships": memberships,
        "tokens": list(tokens.order_by("member__team__name", F("used_at").desc(nulls_last=True), "-pk")),
        "token_form": TokenForm(memberships),
        **extra,
    }
    return render(request, "profile/profile.html", context, status=status)
