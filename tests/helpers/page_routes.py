"""Every named route and how to visit it, for the tests of all pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from exports import clock, states
from exports.credentials import service
from exports.models import Call, Invitation
from exports.people import members
from tests.helpers import factories
from tests.helpers.cast import Cast

ObjectIds = dict[str, int | str]
TEAM_PREFIX: Final = "t/<slug:slug>/"


@dataclass(frozen=True)
class Visit:
    """A page with these arguments and this query string; `{name}` is filled in from the numbers."""

    args: tuple[str, ...] = ()
    query: str = ""


# A route in several states is visited in each of them.
PAGES: Final[dict[str, tuple[Visit, ...]]] = {
    "web:start": (Visit(query="?choose"),),
    "web:home": (Visit(),),
    "web:exports": (Visit(), Visit(query="?q=nothing-fits"), Visit(query="?status=succeeded&file=yes")),
    "web:export": (Visit(("{good}",)), Visit(("{bad}",)), Visit(("{open}",))),
    "web:preview": (Visit(("{good}",)),),
    "web:calls": (Visit(("{good}",)), Visit(("{bad}",))),
    "web:delete-file": (Visit(("{good}",)),),
    "web:retry": (Visit(("{again}",)),),
    "web:new": (Visit(),),
    "web:ask": (
        Visit(("{copy}", "orders")),
        Visit(("{copy}", "orders"), "?from={good}"),
        Visit(("{change}", "archive")),
        Visit(("{app}", "app")),
    ),
    "web:projects": (Visit(),),
    "web:add-project": (Visit(),),
    "web:add-project-of": (Visit(("{c}",)), Visit(("{c}",), "?list=1")),
    "web:project": (Visit(("{copy}",)), Visit(("{archived}",)), Visit(("{refused}",))),
    "web:credentials": (Visit(),),
    "web:add-credential": (Visit(),),
    "web:add-credential-of": tuple(Visit((slug,)) for slug in ("playcanvas", "aistudios", "toloka", "ulule")),
    "web:credential": (Visit(("{c}",)),),
    "web:members": (Visit(),),
    "web:invite": (Visit(),),
    "web:leave": (Visit(),),
    "web:member": (Visit(("{m}",)),),
    "web:activity": (Visit(), Visit(query="?verb=left")),
    "web:profile": (Visit(),),
    "account_change_password": (Visit(),),
    "account_logout": (Visit(),),
    "account_reauthenticate": (Visit(query="?next=/profile/second-factor/"),),
    "mfa_index": (Visit(),),
    "mfa_activate_totp": (Visit(),),
    "mfa_add_webauthn": (Visit(),),
    "sessions": (Visit(),),
    "web:invitation": (Visit(("{link}",)), Visit(("{closed}",))),
    "api-docs": (Visit(),),
}
# Visited by somebody who is signed out.
ANONYMOUS_PAGES: Final[dict[str, tuple[Visit, ...]]] = {
    "account_login": (Visit(), Visit(query="?next=/profile/")),
    "account_signup": (Visit(),),
    "account_inactive": (Visit(),),
    "account_reset_password": (Visit(),),
    "account_reset_password_done": (Visit(),),
    "account_reset_password_from_key": (Visit(("1", "no-longer")),),
    "account_reset_password_from_key_done": (Visit(),),
    "web:invitation": (Visit(("{link}",)), Visit(("{anybody}",)), Visit(("{closed}",)), Visit(("{known}",))),
}
# Why there is nothing to look at.
ROUTES_WITHOUT_PAGE: Final = {
    "web:history": "a download",
    "web:file": "a download",
    "web:play": "the bytes of a video",
    "web:choices": "a part of a page",
    "web:advice": "a part of a page",
    "web:projects-there": "a part of a page",
    "web:bulk": "takes a POST and leads back; the question before deleting is visited in the list's tests",
    "web:cancel": "takes a POST and leads back",
    "web:adopt": "takes a POST and leads back",
    "web:fetch": "takes a POST and leads back",
    "web:test-credential": "takes a POST and shows the credential's page",
    "web:replace-secrets": "takes a POST and shows the credential's page",
    "web:delete-credential": "takes a POST and leads back",
    "web:revoke-invitation": "takes a POST and leads back",
    "web:change-role": "takes a POST and leads back",
    "web:remove-member": "takes a POST and leads back",
    "web:make-token": "takes a POST; the new token is visited in the tests of teams",
    "web:revoke-token": "takes a POST and leads back",
    "web:demand-second-factor": "takes a POST and leads back",
    "mfa_login_webauthn": "for scripts",
    "openid_connect_login": "leads to a provider, where one is named",
    "openid_connect_callback": "leads back from the provider",
    "mfa_authenticate": "in the middle of signing in; visited with those that need a second factor in tests/people",
    "mfa_reauthenticate": "needs a second factor: tests/people",
    "mfa_reauthenticate_webauthn": "needs a second factor: tests/people",
    "mfa_deactivate_totp": "needs a second factor: tests/people",
    "mfa_view_recovery_codes": "needs a second factor: tests/people",
    "mfa_generate_recovery_codes": "needs a second factor: tests/people",
    "mfa_edit_webauthn": "needs a second factor: tests/people",
    "mfa_remove_webauthn": "needs a second factor: tests/people",
    "mfa_list_webauthn": "leads to all second factors",
    "totp-picture": "a picture",
    "end-session": "takes a POST and leads back",
    "end-other-sessions": "takes a POST and leads back",
    "confirm-address": "takes a POST and leads back",
    "confirm-address-by": "needs a link from a mail: tests/people",
    "web:healthz": "for machines",
    "web:hook": "for machines",
    "web:hooks/<path:path>": "for machines",
    "web:favicon.ico": "a redirect to a picture",
    r"api/^(?P<path>(?s:.*))\Z": "the API's 404, as JSON",
}
# Whole namespaces: Django's own pages, and JSON for programs.
EXCLUDED_NAMESPACES: Final = ("admin", "api")


def routes() -> dict[str, str]:
    """Name to route, of everything that the URLconf has; what has no name goes by its route."""
    return dict(_walk(get_resolver().url_patterns, "", ""))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str, space: str) -> Iterator[tuple[str, str]]:
    for one in patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLPattern):
            yield f"{space}{one.name or route}", route
        elif one.namespace not in EXCLUDED_NAMESPACES:
            yield from _walk(one.url_patterns, route, f"{one.namespace}:" if one.namespace else space)


def visit_url(name: str, visit: Visit, numbers: ObjectIds) -> str:
    """Where a visit leads."""
    words = ("{team}", *visit.args) if routes()[name].startswith(TEAM_PREFIX) else visit.args
    path = reverse(name, args=[word.format(**numbers) for word in words])
    return path + visit.query.format(**numbers)


def create_sample_data(cast: Cast) -> ObjectIds:
    """Something in every state, so that each page has something to show."""
    good = factories.succeeded_export(cast)
    Call.objects.create(export=good, at=clock.now(), method="GET", url="https://x.example/" + "a" * 200, seconds=0.1)
    bad = factories.failed_export(cast, "unconfirmed", "The answer was lost. " * 5)
    toloka = cast.project("toloka")
    again = factories.failed_export(cast, "precondition", "Pools are open.", project=toloka)
    other = cast.project("toloka", remote_id="11")
    archived = cast.project("toloka", remote_id="12")
    service.archive_project(archived, cast.owner.user)
    refused = cast.project("aistudios")
    factories.failed_export(cast, "credential", f"{states.NO_ACCESS}. It answered 403.", project=refused)

    def invite(email: str) -> str:
        return members.create_invitation(cast.team, cast.owner.user, "viewer", email)[1]

    closed = invite("somebody-else@example.org")
    invitation = members.find_invitation(closed)
    assert invitation is not None
    members.revoke_invitation(invitation, cast.owner.user)
    return {
        "team": cast.team.slug,
        "good": good.pk,
        "bad": bad.pk,
        "again": again.pk,
        "open": factories.processing_export(cast, project=other).pk,
        "copy": good.project_id,
        "app": cast.project("playcanvas").pk,
        "change": toloka.pk,
        "archived": archived.pk,
        "refused": refused.pk,
        "c": good.project.credential_id,
        "m": cast.member.pk,
        "link": invite("somebody-with-a-long-name@example.org"),
        "anybody": invite(""),
        "closed": closed,
        "known": invite(cast.outsider.user.email),
    }


def every_route() -> Iterator[str]:
    """Every route, the admin site's too; the API has a table of its own (tests/api)."""

    def walk(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield route
            elif pattern.namespace != "api" and not route.startswith("api/"):
                yield from walk(pattern.url_patterns, route)

    return walk(get_resolver().url_patterns, "")


def fill_route(route: str, cast: Cast, numbers: ObjectIds, slug: str) -> str:
    """The path of a route, with the ids of the team's own objects in it."""
    invitation = Invitation.objects.filter(revoked_at=None).order_by("pk").values_list("pk", flat=True).first()
    own = {"exports": numbers["good"], "new": numbers["app"], "projects": numbers["copy"], "add": numbers["c"],
           "credentials": numbers["c"], "invitations": invitation, "members": cast.viewer.pk, "tokens": 1}  # fmt: skip
    text = re.sub(r"(\w+)/<int:pk>", lambda match: f"{match[1]}/{own.get(match[1], 1)}", route)
    words = {"slug": slug, "kind": "archive", "option": "branch_id", "verb": "cancel", "provider": "ulule"}
    text = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(words.get(match[1], "1")), text)
    return "/" + re.sub(r"\^|\\Z|\$|\(\?P.*", "", text)
