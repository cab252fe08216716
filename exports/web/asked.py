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
from exports.engine import account
from exports.models import Member, Team, User

P = ParamSpec("P")


class Asked(HttpRequest):
    """A request of somebody who is signed in."""

    user: User
    htmx: HtmxDetails


SignedInView = Callable[Concatenate[Asked, P], HttpResponseBase]
TeamView = Callable[Concatenate[Asked, Member, P], HttpResponseBase]


def signed_in(view: SignedInView[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """For people who are signed in; others are asked to, and come back."""

    @wraps(view)
    def asked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(cast(Asked, request), *args, **kwargs)
        if cast(Asked, request).htmx:
            # A fragment cannot hold the sign-in page; loading the whole page again leads there.
            return HttpResponseClientRefresh()
        # What a POST carried is gone after signing in, and its address alone may show nothing.
        return redirect_to_login(request.get_full_path() if request.method == "GET" else reverse("web:start"))

    return asked


def in_team(verb: str = access.LOOK) -> Callable[[TeamView[P]], Callable[..., HttpResponseBase]]:
    """For members of the team in the address whose role allows the verb; the view gets the membership."""

    def decorate(view: TeamView[P]) -> Callable[..., HttpResponseBase]:
        def asked(request: Asked, /, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            member = access.member_of(request.user, slug, verb)
            if member.team.demand_second_factor and not account.guarded(request.user):
                return _factor_first(request, member.team)
            return view(request, member, *args, **kwargs)

        return wraps(view)(signed_in(asked))

    return decorate


def _factor_first(request: Asked, team: Team) -> HttpResponseBase:
    """Leads to where a second factor is set up, which the team demands."""
    if request.htmx:
        return HttpResponseClientRefresh()
    text = _("%(team)s demands a second factor of its members. Set one up here; then the team's pages open.")
    messages.warning(request, text % {"team": team.name})
    return redirect("mfa_index")
