"""Requests as the views get them: somebody signed in, a member of the team in the address."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from exports import access
from exports.models import Member, Team, User
from exports.people import security

P = ParamSpec("P")


class SignedInRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User
    htmx: HtmxDetails


SignedInView = Callable[Concatenate[SignedInRequest, P], HttpResponseBase]
TeamView = Callable[Concatenate[SignedInRequest, Member, P], HttpResponseBase]


def sign_in_required(view: SignedInView[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """For people who are signed in; others are asked to, and come back."""

    @wraps(view)
    def asked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(cast(SignedInRequest, request), *args, **kwargs)
        if cast(SignedInRequest, request).htmx:
            # A fragment cannot hold the sign-in page; loading the whole page again leads there.
            return HttpResponseClientRefresh()
        # What a POST carried is gone after signing in, and its address alone may show nothing.
        return redirect_to_login(request.get_full_path() if request.method == "GET" else reverse("web:start"))

    return asked


def team_member_required(verb: str = access.VIEW) -> Callable[[TeamView[P]], Callable[..., HttpResponseBase]]:
    """For members of the team in the address whose role allows the verb; the view gets the membership."""

    def decorate(view: TeamView[P]) -> Callable[..., HttpResponseBase]:
        def asked(request: SignedInRequest, /, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            member = access.get_member(request.user, slug, verb)
            if member.team.require_second_factor and not security.has_second_factor(request.user):
                return _factor_first(request, member.team)
            return view(request, member, *args, **kwargs)

        return wraps(view)(sign_in_required(asked))

    return decorate


def _factor_first(request: SignedInRequest, team: Team) -> HttpResponseBase:
    """Leads to where a second factor is set up, which the team demands."""
    if request.htmx:
        return HttpResponseClientRefresh()
    text = _("%(team)s demands a second factor of its members. Set one up here; then the team's pages open.")
    messages.warning(request, text % {"team": team.name})
    return redirect("mfa_index")
