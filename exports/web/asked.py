"""Requests as the views get them: somebody signed in, a member of the team in the address."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django_htmx.http import HttpResponseClientRefresh
from django_htmx.middleware import HtmxDetails

from exports import access
from exports.models import Member, User

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
            return view(request, access.member_of(request.user, slug, verb), *args, **kwargs)

        return wraps(view)(signed_in(asked))

    return decorate
