"""Decorators of page views: the user must be signed in, or must be a member of the team in the address."""

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
    """A request with an authenticated user and django-htmx's details."""

    user: User
    htmx: HtmxDetails


SignedInView = Callable[Concatenate[SignedInRequest, P], HttpResponseBase]
TeamView = Callable[Concatenate[SignedInRequest, Member, P], HttpResponseBase]


def sign_in_required(view: SignedInView[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Requires an authenticated user. Anonymous requests are redirected to the sign-in page, which leads back."""

    @wraps(view)
    def wrapper(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if request.user.is_authenticated:
            return view(cast(SignedInRequest, request), *args, **kwargs)
        if cast(SignedInRequest, request).htmx:
            # A fragment cannot hold the sign-in page, so htmx reloads the whole page, which redirects.
            return HttpResponseClientRefresh()
        # The body of a POST is lost by the redirect, and its URL may not answer a GET.
        return redirect_to_login(request.get_full_path() if request.method == "GET" else reverse("web:start"))

    return wrapper


def team_member_required(verb: str = access.VIEW) -> Callable[[TeamView[P]], Callable[..., HttpResponseBase]]:
    """Requires a member of the team in the address whose role allows `verb`; the view receives the Member.

    Raises Http404 for other teams and PermissionDenied for a role that is too low (`access.get_member`).
    """

    def decorate(view: TeamView[P]) -> Callable[..., HttpResponseBase]:
        def wrapper(request: SignedInRequest, /, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            member = access.get_member(request.user, slug, verb)
            if member.team.require_second_factor and not security.has_second_factor(request.user):
                return _redirect_to_second_factor(request, member.team)
            return view(request, member, *args, **kwargs)

        return wraps(view)(sign_in_required(wrapper))

    return decorate


def _redirect_to_second_factor(request: SignedInRequest, team: Team) -> HttpResponseBase:
    """Redirects to the page that sets up a second factor, which the team requires."""
    if request.htmx:
        return HttpResponseClientRefresh()
    text = _("%(team)s demands a second factor of its members. Set one up here; then the team's pages open.")
    messages.warning(request, text % {"team": team.name})
    return redirect("mfa_index")
