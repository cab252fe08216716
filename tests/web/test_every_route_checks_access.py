"""Every address of the URLconf for everybody: each role, another team, staff's pages, and somebody signed out.

Other teams are told 404, wrong roles 403, strangers the way to the sign-in page; nothing in between. An address that
the table does not name fails, so that a new view is not forgotten.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django.fixtures import Settings

from exports.models import Credential, Export, Project
from portal import urls
from tests.helpers import page_routes
from tests.helpers.cast import Cast
from tests.helpers.page_routes import every_route, fill_route

VIEW, EXPORT, MANAGE, PERSON, ANYBODY, STAFF = "view", "export", "manage", "person", "anybody", "staff"
MAY: Final = {"owner": {VIEW, EXPORT, MANAGE}, "member": {VIEW, EXPORT}, "viewer": {VIEW}}
# What an address needs, by its beginning; the longest that fits counts.
NEEDS: Final = {
    "": PERSON,
    "sign-in/": ANYBODY,
    "api/docs": ANYBODY,
    "sign-out/": ANYBODY,
    "sign-up/": ANYBODY,
    "forgotten/": ANYBODY,
    "invitations/": ANYBODY,
    "profile/": PERSON,
    "profile/password": PERSON,
    "profile/tokens": PERSON,
    "profile/delete": PERSON,
    "profile/again/": PERSON,
    "profile/second-factor/": PERSON,
    "profile/sessions/": PERSON,
    "profile/address": PERSON,
    "healthz": ANYBODY,
    "readyz": ANYBODY,
    "metrics": ANYBODY,
    "hooks/": ANYBODY,
    "favicon.ico": ANYBODY,
    "admin/": STAFF,
    "admin/login/": ANYBODY,
    "t/<slug:slug>/": VIEW,
    "t/<slug:slug>/exports/": VIEW,
    "t/<slug:slug>/jump/": VIEW,
    "t/<slug:slug>/exports.csv": VIEW,
    "t/<slug:slug>/exports/bulk/<slug:verb>": EXPORT,
    "t/<slug:slug>/exports/<int:pk>/delete-file": EXPORT,
    "t/<slug:slug>/exports/<int:pk>/pin": EXPORT,
    "t/<slug:slug>/exports/<int:pk>/unpin": EXPORT,
    "t/<slug:slug>/exports/<int:pk>/cancel": EXPORT,
    "t/<slug:slug>/exports/<int:pk>/dismiss": EXPORT,
    "t/<slug:slug>/exports/<int:pk>/undismiss": EXPORT,
    "t/<slug:slug>/exports/<int:pk>/retry": EXPORT,
    "t/<slug:slug>/exports/<int:pk>/adopt": EXPORT,
    "t/<slug:slug>/exports/<int:pk>/fetch": EXPORT,
    "t/<slug:slug>/new/": EXPORT,
    "t/<slug:slug>/projects/": VIEW,
    "t/<slug:slug>/projects/add/": EXPORT,
    "t/<slug:slug>/projects/<int:pk>/": VIEW,
    "t/<slug:slug>/projects/<int:pk>/retention/": VIEW,
    "t/<slug:slug>/projects/<int:pk>/erase-files/": MANAGE,
    "t/<slug:slug>/settings/retention/": VIEW,
    "t/<slug:slug>/projects/<int:pk>/compare": VIEW,
    "t/<slug:slug>/projects/<int:pk>/next-times": EXPORT,
    "t/<slug:slug>/projects/<int:pk>/pause": EXPORT,
    "t/<slug:slug>/coverage/": VIEW,
    "t/<slug:slug>/coverage/discover": EXPORT,
    "t/<slug:slug>/coverage/protect/": EXPORT,
    "t/<slug:slug>/coverage/<int:pk>/protect/": EXPORT,
    "t/<slug:slug>/coverage/<int:pk>/stop": EXPORT,
    "t/<slug:slug>/pause": MANAGE,
    "t/<slug:slug>/credentials/<int:pk>/pause": MANAGE,
    "t/<slug:slug>/schedules/": VIEW,
    "t/<slug:slug>/schedules/new/": EXPORT,
    "t/<slug:slug>/schedules/<int:pk>/": VIEW,
    "t/<slug:slug>/schedules/<int:pk>/edit": EXPORT,
    "t/<slug:slug>/schedules/<int:pk>/delete": EXPORT,
    "t/<slug:slug>/schedules/<int:pk>/<slug:verb>": EXPORT,
    "t/<slug:slug>/credentials/": VIEW,
    "t/<slug:slug>/credentials/add/": MANAGE,
    "t/<slug:slug>/credentials/<int:pk>/test": EXPORT,
    "t/<slug:slug>/credentials/<int:pk>/replace": MANAGE,
    "t/<slug:slug>/credentials/<int:pk>/rename": MANAGE,
    "t/<slug:slug>/credentials/<int:pk>/delete": MANAGE,
    "t/<slug:slug>/members/": VIEW,
    "t/<slug:slug>/members/invite": MANAGE,
    "t/<slug:slug>/members/second-factor": MANAGE,
    "t/<slug:slug>/members/invitations/": MANAGE,
    "t/<slug:slug>/members/<int:pk>/": MANAGE,
    "t/<slug:slug>/settings/": VIEW,
    "t/<slug:slug>/settings/delete/": MANAGE,
    "t/<slug:slug>/settings/keep": MANAGE,
    "t/<slug:slug>/activity/": MANAGE,
    "t/<slug:slug>/settings/alerts/": VIEW,
    "t/<slug:slug>/settings/alerts/add/": MANAGE,
    "t/<slug:slug>/settings/alerts/<int:pk>/": MANAGE,
    "t/<slug:slug>/settings/webhooks/": VIEW,
    "t/<slug:slug>/settings/webhooks/add/": MANAGE,
    "t/<slug:slug>/settings/webhooks/<int:pk>/": VIEW,
    "t/<slug:slug>/settings/webhooks/<int:pk>/edit": MANAGE,
    "t/<slug:slug>/settings/webhooks/<int:pk>/rotate": MANAGE,
    "t/<slug:slug>/settings/webhooks/<int:pk>/test": MANAGE,
    "t/<slug:slug>/settings/webhooks/<int:pk>/pause": MANAGE,
    "t/<slug:slug>/settings/webhooks/<int:pk>/delete": MANAGE,
    "t/<slug:slug>/settings/deliveries/<int:pk>/": VIEW,
    "t/<slug:slug>/settings/deliveries/<int:pk>/redeliver": MANAGE,
    "profile/mails/": PERSON,
}
# What changes something may need more than the page it belongs to.
POSTS: Final = {
    "t/<slug:slug>/settings/": MANAGE,
    "t/<slug:slug>/settings/retention/": MANAGE,
    "t/<slug:slug>/projects/<int:pk>/": EXPORT,
    "t/<slug:slug>/projects/<int:pk>/retention/": MANAGE,
}
# There is no such thing in this world: the file is neither video nor archive, and the token is nobody's.
NOT_THERE: Final = (
    "t/<slug:slug>/exports/<int:pk>/play",
    "t/<slug:slug>/exports/<int:pk>/poster",
    "t/<slug:slug>/exports/<int:pk>/members/<int:index>",
    "t/<slug:slug>/exports/<int:pk>/members/<int:index>/raw",
    "t/<slug:slug>/exports/filters/<int:pk>/rename",
    "t/<slug:slug>/exports/filters/<int:pk>/delete",
    "profile/mails/<int:pk>",
    "profile/tokens/<int:pk>/revoke",
    "profile/sessions/<int:pk>/end",
    "profile/address/<path:key>/",
    "profile/second-factor/app/picture.svg",
    "profile/second-factor/app/remove",
)
# These hold of what begins with them too; the others of themselves alone.
WHOLE: Final = ("admin/", "invitations/", "hooks/", "t/<slug:slug>/exports/", "t/<slug:slug>/new/",
                "t/<slug:slug>/schedules/new/",
                "t/<slug:slug>/projects/add/", "t/<slug:slug>/credentials/", "t/<slug:slug>/credentials/add/",
                "t/<slug:slug>/members/", "t/<slug:slug>/members/invitations/", "t/<slug:slug>/members/<int:pk>/",
                "t/<slug:slug>/settings/alerts/add/", "t/<slug:slug>/settings/alerts/<int:pk>/", "profile/mails/",
                "profile/tokens", "sign-in/", "forgotten/", "profile/again/", "profile/second-factor/",
                "profile/sessions/", "profile/address")  # fmt: skip


@dataclass(frozen=True)
class AccessCheck:
    """One question: who asks for which address how, and what came."""

    route: str
    who: str
    method: str
    status: int
    wanted: str

    @property
    def good(self) -> bool:
        return {
            "refused": self.status == 403,
            "nothing": self.status == 404,
            "sign in": self.status in (302, 405),
            "let in": self.status not in (403, 404) and self.status < 500,
        }[self.wanted]


def required_permission(route: str) -> str:
    """What the table says of a route. Fails where it says nothing."""
    fits = [one for one in NEEDS if route == one or (one in WHOLE and route.startswith(one))]
    assert fits, f"{route}: the table does not name it"
    return NEEDS[max(fits, key=len)]


def expected_answer(need: str, who: str) -> str:
    """What everybody should be told."""
    if need == ANYBODY:
        return "anything"
    if who == "stranger" or need == STAFF:
        return "sign in"
    if need == PERSON:
        return "let in"
    if who == "outsider":
        return "nothing"
    return "let in" if need in MAY[who] else "refused"


def check_access(cast: Cast, numbers: page_routes.ObjectIds, routes: Iterable[str]) -> Iterator[AccessCheck]:
    """Asks all of these for everybody; nothing of what is asked stays."""
    asking: dict[str, Client] = {"stranger": Client(raise_request_exception=False)}
    for who in ("owner", "member", "viewer", "outsider"):
        asking[who] = Client(raise_request_exception=False)
        asking[who].force_login(getattr(cast, who).user)
    for route in routes:
        for who, client in asking.items():
            places = [cast.team.slug]
            if who == "outsider" and "<int:pk>" in route and route.startswith("t/"):
                places.append("other-team")  # their own team, our numbers
            for slug in places:
                for method in ("GET", "POST"):
                    want = expected_answer(
                        POSTS.get(route, required_permission(route))
                        if method == "POST"
                        else required_permission(route),
                        who,
                    )
                    if want == "anything":
                        continue
                    want = "nothing" if want == "let in" and route in NOT_THERE else want
                    with transaction.atomic():
                        address = fill_route(route, cast, numbers, slug)
                        status = client.generic(method, address).status_code
                        transaction.set_rollback(True)
                    yield AccessCheck(f"{route} at {slug}", who, method, status, want)


@pytest.fixture
def numbers(cast: Cast) -> page_routes.ObjectIds:
    made = page_routes.create_sample_data(cast)
    Credential.objects.update(origin="https://127.0.0.1:9")  # nobody is called
    return made


@pytest.mark.slow(seconds=25)
def test_every_role_gets_the_expected_status_on_every_route(cast: Cast, numbers: page_routes.ObjectIds) -> None:
    before = (Export.objects.count(), Project.objects.count(), Credential.objects.count())
    asked = list(check_access(cast, numbers, every_route()))
    print(f"{len(asked)} cells")
    bad = [str(cell) for cell in asked if not cell.good]
    assert not bad, "\n".join(bad)
    assert len(asked) > 500
    assert (Export.objects.count(), Project.objects.count(), Credential.objects.count()) == before


def unguarded(request: HttpRequest, slug: str) -> HttpResponse:
    return HttpResponse(f"Secrets of {slug}")


class Careless:
    """The URLconf with a view that somebody forgot to guard."""

    urlpatterns = [*urls.urlpatterns, path("t/<slug:slug>/exports/forgotten", unguarded)]  # noqa: RUF012


def test_a_view_without_an_access_check_is_found(
    cast: Cast, numbers: page_routes.ObjectIds, settings: Settings
) -> None:
    before = set(every_route())
    settings.ROOT_URLCONF = Careless
    latest = [route for route in every_route() if route not in before]
    bad = {(cell.who, cell.wanted) for cell in check_access(cast, numbers, latest) if not cell.good}
    assert bad == {("stranger", "sign in"), ("outsider", "nothing")}


def test_a_route_that_the_table_does_not_name_is_found(settings: Settings) -> None:
    class New:
        urlpatterns = [*urls.urlpatterns, path("t/<slug:slug>/secrets/", unguarded)]  # noqa: RUF012

    settings.ROOT_URLCONF = New
    with pytest.raises(AssertionError, match="the table does not name it"):
        [required_permission(route) for route in every_route()]
