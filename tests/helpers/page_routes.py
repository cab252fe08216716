"""Every named route and how to visit it, for the tests of all pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from exports import clock, states
from exports.credentials import service
from exports.exporting import schedules
from exports.models import (
    Alert,
    AutoProtection,
    Call,
    Credential,
    Export,
    File,
    Invitation,
    Project,
    RemoteProject,
    Webhook,
)
from exports.models.event import EVENT_TYPES
from exports.people import invitations
from exports.providers.registry import PROVIDERS
from tests.helpers import factories, webhooks
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import csv_bytes, keep_export, zip_bytes
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS
from tests.helpers.schedules import make_schedule

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
    "web:jump": (Visit(), Visit(query=f"?q={TABLES}"), Visit(query="?q=nothing-fits")),
    "web:saved-filters": (Visit(),),
    "web:export": tuple(Visit((one,)) for one in ("{good}", "{bad}", "{open}", "{pinned}", "{damaged}")),
    "web:preview": (
        Visit(("{good}",)),
        Visit(("{good}",), "?q=10"),
        Visit(("{good}",), "?view=columns"),
        Visit(("{zip}",)),
        Visit(("{zip}",), "?q=e"),
    ),
    "web:file-member": (Visit(("{zip}", "0")), Visit(("{zip}", "1"))),
    "web:calls": (Visit(("{good}",)), Visit(("{bad}",))),
    "web:compare": (Visit(("{good}",)), Visit(("{newer}",)), Visit(("{newer}",), "?key=order.total")),
    "web:delete-file": (Visit(("{good}",)),),
    "web:retry": (Visit(("{again}",)), Visit(("{bad}",)), Visit(("{good}",))),
    "web:cancel": (Visit(("{open}",)),),
    "web:schedule-action": (Visit(("{schedule}", "run")),),
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
    "web:project": (
        Visit(("{copy}",)),
        Visit(("{archived}",)),
        Visit(("{refused}",)),
        Visit(("{overdue}",)),
        Visit(("{change}",)),
    ),
    "web:coverage": (Visit(), Visit(query="?state=overdue"), Visit(query="?state=gone")),
    "web:protect": (Visit(query="?pick={c}:4801&pick={c}:4802"),),
    "web:protect-all": (Visit(("{c}",)),),
    "web:schedules": (Visit(),),
    "web:add-schedule": (Visit(),),
    "web:add-schedule-of": (
        Visit(("{copy}", "orders")),
        Visit(("{change}", "archive")),
        Visit(("{app}", "archive")),
        Visit(("{app}", "app")),
    ),
    "web:schedule": (Visit(("{schedule}",)), Visit(("{stopped_schedule}",))),
    "web:edit-schedule": (Visit(("{schedule}",)),),
    "web:delete-schedule": (Visit(("{schedule}",)),),
    "web:project-retention": (Visit(("{copy}",)), Visit(("{archived}",)), Visit(("{copy}",), "?keep_last=1")),
    "web:erase-files": (Visit(("{copy}",)),),
    "web:retention": (Visit(), Visit(query="?keep_last=1&max_gb=2")),
    "web:credentials": (Visit(),),
    "web:add-credential": (Visit(),),
    "web:add-credential-of": tuple(Visit((slug,)) for slug in PROVIDERS),
    "web:credential": (Visit(("{c}",)), Visit(("{paused}",)), Visit(("{rejected}",))),
    "web:delete-credential": (Visit(("{paused}",)),),
    "web:members": (Visit(),),
    "web:invite": (Visit(),),
    "web:leave": (Visit(),),
    "web:member": (Visit(("{m}",)),),
    "web:settings": (Visit(),),
    "web:delete-team": (Visit(),),
    "web:activity": (Visit(), Visit(query="?verb=left")),
    "web:alerts": (Visit(),),
    "web:add-alert": tuple(Visit((kind,)) for kind in ("mail", "slack", "teams", "discord", "ntfy")),
    "web:alert": (Visit(("{alert}",)),),
    "web:webhooks": (Visit(),),
    "web:add-webhook": (Visit(),),
    "web:webhook": (Visit(("{webhook}",)), Visit(("{webhook}",), "?show=failed"), Visit(("{failing}",))),
    "web:change-webhook": (Visit(("{webhook}",)),),
    "web:delete-webhook": (Visit(("{webhook}",)),),
    "web:delivery": (Visit(("{delivery}",)),),
    "web:profile": (Visit(),),
    "web:delete-account": (Visit(),),
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
    "web:poster": "the bytes of a video",
    "web:file-member-raw": "the bytes of a file",
    "web:choices": "a part of a page",
    "web:advice": "a part of a page",
    "web:projects-there": "a part of a page",
    "web:compare-chosen": "leads to the comparison",
    "web:next-times": "a part of a page",
    "web:branches": "asks the provider: tests/web/test_every_branch_is_exported.py",
    "web:save-filter": "takes a POST and leads back",
    "web:rename-filter": "takes a POST and leads back",
    "web:delete-filter": "takes a POST and leads back",
    "web:bulk": "takes a POST; its questions are read in tests/web/test_costs_and_effects_are_confirmed.py",
    "web:pin": "takes a POST and leads back",
    "web:unpin": "takes a POST and leads back",
    "web:dismiss": "takes a POST and leads back",
    "web:undismiss": "takes a POST and leads back",
    "web:adopt": "takes a POST and leads back",
    "web:fetch": "takes a POST and leads back",
    "web:discover": "takes a POST and leads back",
    "web:stop-protecting": "takes a POST and leads back",
    "web:pause-team": "takes a POST and leads back",
    "web:keep-team": "takes a POST and leads back",
    "web:pause-credential": "takes a POST and leads back",
    "web:pause-project": "takes a POST and leads back",
    "web:rename-credential": "takes a POST and leads back",
    "web:test-credential": "takes a POST and shows the credential's page",
    "web:replace-secrets": "takes a POST and shows the credential's page",
    "web:revoke-invitation": "takes a POST and leads back",
    "web:change-role": "takes a POST and leads back",
    "web:remove-member": "takes a POST and leads back",
    "web:test-alert": "takes a POST and leads back",
    "web:pause-alert": "takes a POST and leads back",
    "web:delete-alert": "takes a POST and leads back",
    "web:rotate-webhook": "takes a POST; the new secret is visited in tests/web/test_webhooks_are_kept.py",
    "web:test-webhook": "takes a POST and leads back",
    "web:pause-webhook": "takes a POST and leads back",
    "web:redeliver": "takes a POST and leads back",
    "web:mail-choices": "takes a POST and shows the profile",
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
    "web:readyz": "for machines",
    "web:metrics": "for machines",
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
    newer = keep_export(
        good.project, cast.member, csv_bytes(("order.id", "order.total", "note"), (1, 12, ""), (2, 5, "x"))
    )
    Export.objects.filter(pk=newer.pk).update(odd_change="2 rows, 61 % fewer than usual")
    Call.objects.create(export=good, at=clock.now(), method="GET", url="https://x.example/" + "a" * 200, seconds=0.1)
    app = cast.project(ARCHIVES)
    archive = keep_export(app, cast.member, zip_bytes({"folder/readme.txt": "A text", "model.glb": "\0"}), "zip")
    bad = factories.failed_export(cast, "unconfirmed", "The answer was lost. " * 5)
    pinned, damaged = (factories.succeeded_export(cast, project=good.project) for _ in range(2))
    File.objects.filter(export=pinned).update(pinned_at=clock.now(), pinned_by=cast.member.user)
    File.objects.filter(export=damaged).update(damaged_at=clock.now())
    changing = cast.project(CHANGING)
    again = factories.failed_export(cast, "precondition", "Pools are open.", project=changing)
    other = cast.project(CHANGING, remote_id="11")
    archived = cast.project(CHANGING, remote_id="12")
    service.archive_project(archived, cast.owner.user)
    refused = cast.project(VIDEOS)
    factories.failed_export(cast, "credential", f"{states.NO_ACCESS}. It answered 403.", project=refused)

    rejected = cast.credential(CHANGING, name="Rejected " + "x" * 80)
    Credential.objects.filter(pk=rejected.pk).update(last_error=f"{CHANGING.label} rejected the token (401). " * 3)

    schedule = make_schedule(good.project, cast.member, "15 6 * * 1-5", time_zone="Europe/Paris", spread_minutes=10)
    schedules.run_now(schedule, cast.owner.user, "person")
    stopped_schedule = make_schedule(good.project, cast.member, "*/20 7-9 * * *", format="xlsx")
    stopped_schedule.disable("It failed 5 times in a row.")

    overdue, paused = add_coverage(cast, good.project.credential)

    def invite(email: str) -> str:
        return invitations.create_invitation(cast.team, cast.owner.user, "viewer", email)[1]

    closed = invite("somebody-else@example.org")
    invitation = invitations.find_invitation(closed)
    assert invitation is not None
    invitations.revoke_invitation(invitation, cast.owner.user)
    silent = factories.alert(cast, "ntfy", "https://ntfy.example/a-topic")
    Alert.objects.filter(pk=silent.pk).update(enabled=False, disabled_reason="The address answered 404. " * 5)
    webhook, delivery = webhooks.with_deliveries(cast, good)
    failing, _secret = webhooks.make_webhook(cast, "https://hooks.example/" + "a" * 100)
    Webhook.objects.filter(pk=failing.pk).update(enabled=False, disabled_reason="The address answered 410. " * 5)
    return {
        "team": cast.team.slug,
        "webhook": webhook.pk,
        "failing": failing.pk,
        "delivery": delivery.pk,
        "alert": factories.alert(cast, digest="daily", events=list(EVENT_TYPES)).pk,
        "good": good.pk,
        "zip": archive.pk,
        "newer": newer.pk,
        "bad": bad.pk,
        "pinned": pinned.pk,
        "damaged": damaged.pk,
        "again": again.pk,
        "open": factories.processing_export(cast, project=other).pk,
        "copy": good.project_id,
        "app": app.pk,
        "change": changing.pk,
        "archived": archived.pk,
        "refused": refused.pk,
        "overdue": overdue.pk,
        "paused": paused.pk,
        "rejected": rejected.pk,
        "schedule": schedule.pk,
        "stopped_schedule": stopped_schedule.pk,
        "c": good.project.credential_id,
        "m": cast.member.pk,
        "link": invite("somebody-with-a-long-name@example.org"),
        "anybody": invite(""),
        "closed": closed,
        "known": invite(cast.outsider.user.email),
    }


def add_coverage(cast: Cast, credential: Credential) -> tuple[Project, Credential]:
    """Projects that a provider lists, in every state; returns an overdue and paused one, and a paused credential."""
    now = clock.now()
    RemoteProject.objects.bulk_create(
        RemoteProject(credential=credential, remote_id=id_, name=f"There {id_}", gone_at=gone_at)
        for id_, gone_at in (("4801", None), ("4802", None), ("4803", None), ("4804", now))
    )
    overdue = cast.project(TABLES, remote_id="4803")
    Project.objects.filter(pk=overdue.pk).update(
        fresh_within_hours=24, last_good_at=now - timedelta(days=9), paused_at=now
    )
    cast.project(TABLES, remote_id="4804")
    AutoProtection.objects.create(
        credential=credential, owner=cast.member.user, type="orders", format="csv", cron="30 2 * * *"
    )
    paused = cast.credential(VIDEOS, name="Paused")
    Credential.objects.filter(pk=paused.pk).update(
        paused_at=now, discovered_at=now, discovery_error=f"{VIDEOS.label} answered 500. " * 9
    )
    return overdue, paused


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
           "schedules": numbers["schedule"], "credentials": numbers["c"], "invitations": invitation,
           "members": cast.viewer.pk, "tokens": 1, "alerts": numbers["alert"], "mails": 0,
           "webhooks": numbers["webhook"], "deliveries": numbers["delivery"], "coverage": numbers["c"]}  # fmt: skip
    text = re.sub(r"(\w+)/<int:pk>", lambda match: f"{match[1]}/{own.get(match[1], 1)}", route)
    kind = "slack" if "alerts" in route else "archive"
    words = {"slug": slug, "kind": kind, "option": "branch_id", "verb": "cancel", "provider": TABLES}
    text = re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(words.get(match[1], "1")), text)
    return "/" + re.sub(r"\^|\\Z|\$|\(\?P.*", "", text)
