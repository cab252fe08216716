"""Decorators of page views: the user must be signed in, or must be a member of the team in the address."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from exports import access
from exports.models import Member, Team, User
from exports.people import security
from exports.providers.registry import NotInstalledError
from exports.sentences import translated

P = ParamSpec("P")
# The request's attribute for pages about errors, which must not ask the database again.
FOUND_MEMBER: Final = "found_member"


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


def found_member(request: HttpRequest) -> Member | None:
    """Returns the membership that the page's view was given or refused for; None where there is none, or none yet."""
    member: Member | None = getattr(request, FOUND_MEMBER, None)
    return member


def team_member_required(verb: str = access.VIEW) -> Callable[[TeamView[P]], Callable[..., HttpResponseBase]]:
    """Requires a member of the team in the address whose role allows `verb`; the view receives the Member.

    Raises Http404 for other teams, and where the view needs a provider that is not installed; PermissionDenied for a
    role that is too low (`access.get_member`).
    """

    def decorate(view: TeamView[P]) -> Callable[..., HttpResponseBase]:
        def wrapper(request: SignedInRequest, /, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            member = access.get_member(request.user, slug)
            setattr(request, FOUND_MEMBER, member)
            access.require(member, verb)
            if member.team.require_second_factor and not security.has_second_factor(request.user):
                return _redirect_to_second_factor(request, member.team)
            try:
                return view(request, member, *args, **kwargs)
            except NotInstalledError as problem:  # of a view that needs the provider
                raise Http404(translated(problem)) from problem

        return wraps(view)(sign_in_required(wrapper))

    return decorate


def _redirect_to_second_factor(request: SignedInRequest, team: Team) -> HttpResponseBase:
    """Redirects to the page that sets up a second factor, which the team requires."""
    if request.htmx:
        return HttpResponseClientRefresh()
    text = _("%(team)s requires two-factor authentication. Set it up here to open the team.")
    messages.warning(request, text % {"team": team.name})
    return redirect("mfa_index")
