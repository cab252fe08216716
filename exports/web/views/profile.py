"""A person's own page: name, time zone, colors, mails, tokens of the API; the way to password and second factors."""

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
    """Shows and keeps what the person says of themselves."""
    if request.method != "POST":
        return _page(request)
    # Another object, so that a wrong form changes nothing of the page around it.
    form = ProfileForm(request.POST, instance=User.objects.get(pk=request.user.pk))
    if not form.is_valid():
        return _page(request, form=form, status=422)
    form.save()
    messages.success(request, _("Saved."))
    return redirect("web:profile")


@never_cache
@sign_in_required
def create_token(request: SignedInRequest) -> HttpResponseBase:
    """Makes a token and shows it, this once."""
    if request.method != "POST":
        return redirect("web:profile")
    mine = _memberships(request.user)
    form = TokenForm(mine, request.POST)
    if form.is_valid():
        said = form.cleaned_data
        member = next(one for one in mine if str(one.pk) == said["team"])
        try:
            text = teams.create_own_token(
                member, said["scope"], said["name"], int(said["days"]) if said["days"] else None
            )
        except InvalidError as problem:
            form.add_errors(problem.errors)
        else:
            return render(
                request, "profile/token_created.html", {"token": text, "name": said["name"], "of": member.team}
            )
    return _page(request, token_form=form, status=422)


@sign_in_required
def revoke_token(request: SignedInRequest, pk: int) -> HttpResponseBase:
    """Ends one of the person's own tokens at once."""
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


def _page(request: SignedInRequest, status: int = 200, **more: Any) -> HttpResponseBase:
    mine = _memberships(request.user)
    tokens = Token.objects.select_related("member__team").filter(member__user=request.user, revoked_at__isnull=True)
    context = {
        "section": "profile",
        "form": ProfileForm(instance=request.user),
        "memberships": mine,
        "tokens": list(tokens.order_by("member__team__name", F("used_at").desc(nulls_last=True), "-pk")),
        "token_form": TokenForm(mine),
        **more,
    }
    return render(request, "profile/profile.html", context, status=status)
