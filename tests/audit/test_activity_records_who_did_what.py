"""The audit log records who did what and from which address. Only owners see it, and entries are never edited."""

from typing import Any

import pytest
from django.test import Client

from exports.audit import log as audit_log
from exports.credentials import service
from exports.credentials.delete import delete_credential
from exports.errors import ConflictError, InvalidError
from exports.exporting import actions
from exports.models import AuditEntry, Token
from exports.models.team import VIEWER
from exports.people import invitations, members, teams
from tests.helpers import factories
from tests.helpers.cast import SECRETS, Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export

ACTIVITY = "/t/the-team/activity/"


def entries() -> list[tuple[str, str, str]]:
    return [(one.actor.partition("@")[0], one.verb, one.target) for one in AuditEntry.objects.order_by("pk")]


def test_every_action_of_a_person_is_recorded(cast: Cast) -> None:
    owner, member = cast.owner.user, cast.member.user
    credential = service.create_credential(cast.team, owner, provider=TABLES, name="Main", secrets=SECRETS[TABLES])
    project = service.create_project(credential, member, remote_id="4001")
    service.rename_project(project, member, "Bakery")
    invitation, _ = invitations.create_invitation(cast.team, owner, VIEWER, "new@example.org")
    invitations.revoke_invitation(invitation, owner)
    members.change_role(cast.viewer, "member", owner)
    members.remove_member(cast.viewer, owner)
    teams.create_own_token(cast.member, "read", "script")
    token = Token.objects.get()
    teams.revoke_token(token, member)
    export = request_export(project, cast.member, "orders")
    actions.cancel(export, actor=member.email, source="person")
    free = service.create_credential(cast.team, None, provider=TABLES, name="Free", secrets=SECRETS[TABLES])
    delete_credential(free, owner)
    assert entries() == [
        ("owner", "added", f"credential Main ({TABLES})"),
        ("member", "added", "project 4001"),
        ("member", "renamed", "project Bakery"),
        ("owner", "invited", "new@example.org"),
        ("owner", "revoked", "invitation of new@example.org"),
        ("owner", "changed role", "member viewer@example.org"),
        ("owner", "removed", "member viewer@example.org"),
        ("member", "made", f"token {token.prefix}… script"),
        ("member", "revoked", f"token {token.prefix}… script"),
        ("member", "asked for", f"export {export.pk}: Orders of Bakery"),
        ("member", "canceled", f"export {export.pk}: Orders of Bakery"),
        ("a command", "added", f"credential Free ({TABLES})"),
        ("owner", "deleted", f"credential Free ({TABLES})"),
    ]
    assert not any(value in str(row) for row in AuditEntry.objects.values_list() for value in SECRETS[TABLES].values())


def test_the_address_of_the_connection_is_recorded(as_member: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    as_member.post(
        f"/t/the-team/projects/{project.pk}/",
        {"name": "Bakery"},
        REMOTE_ADDR="192.0.2.7",
        headers={"X-Forwarded-For": "203.0.113.9"},
    )
    event = AuditEntry.objects.latest("pk")
    assert (event.verb, event.address) == ("renamed", "192.0.2.7")


def test_actions_through_the_api_are_recorded_too(client: Client, cast: Cast) -> None:
    token = Token.issue(cast.owner)
    sent = {"provider": TABLES, "name": "Main", "secrets": SECRETS[TABLES]}
    client.post(
        "/api/v1/credentials",
        sent,
        "application/json",
        headers={"Authorization": f"Bearer {token}"},
        REMOTE_ADDR="2001:db8::7",
    )
    event = AuditEntry.objects.get()
    assert (event.actor, event.verb, event.address) == ("owner@example.org", "added", "2001:db8::7")


def test_refused_actions_are_not_recorded(cast: Cast) -> None:
    project = cast.project(TABLES)
    AuditEntry.objects.all().delete()
    with pytest.raises(ConflictError):
        delete_credential(project.credential, cast.owner.user)
    with pytest.raises(InvalidError):
        service.create_project(project.credential, None, remote_id=project.remote_id)
    assert entries() == []


def test_only_owners_see_the_activity(as_owner: Client, as_member: Client, as_outsider: Client, cast: Cast) -> None:
    cast.project(TABLES)
    page = as_owner.get(ACTIVITY).content.decode()
    assert f"project The {TABLES} one" in page
    assert as_member.get(ACTIVITY).status_code == 403
    assert "/activity/" not in as_member.get("/t/the-team/").content.decode()
    assert as_outsider.get(ACTIVITY).status_code == 404
    assert f"The {TABLES} one" not in as_outsider.get("/t/other-team/activity/").content.decode()


def test_filters_are_query_parameters(as_owner: Client, cast: Cast) -> None:
    export = factories.waiting_export(cast)
    mine = as_owner.get(f"{ACTIVITY}?person={cast.member.user.pk}").content.decode()
    assert f'<a href="/t/the-team/exports/{export.pk}/">Orders of The {TABLES} one</a>' in mine
    assert f"credential {TABLES}" not in mine
    added = as_owner.get(f"{ACTIVITY}?verb=added").content.decode()
    assert f"credential {TABLES}" in added
    assert "Orders" not in added
    assert "Nothing matches" in as_owner.get(f"{ACTIVITY}?verb=left").content.decode()
    for nonsense in ("person=x", "person=%00", "before=x", "person=99999999999999999999", "verb=%3Cb%3E"):
        assert as_owner.get(f"{ACTIVITY}?{nonsense}").status_code == 200


def test_former_members_can_be_filtered_for_and_strangers_cannot(as_owner: Client, cast: Cast) -> None:
    members.leave_team(cast.member)
    page = as_owner.get(f"{ACTIVITY}?person={cast.member.user.pk}").content.decode()
    assert '<option value="%s" selected>member@example.org' % cast.member.user.pk in page  # noqa: UP031
    stranger = as_owner.get(f"{ACTIVITY}?person={cast.outsider.user.pk}").content.decode()
    assert "outsider@example.org" not in stranger


def test_every_page_takes_the_same_number_of_queries(
    as_owner: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(120):
        audit_log.record_event(cast.team, cast.member.user, "added", f"unit {number}!")
    seen: list[str] = []
    query = "?verb=added"
    while query:
        with django_assert_max_num_queries(5):
            page = as_owner.get(f"{ACTIVITY}{query}").content.decode()
        seen += [part.partition("!")[0] for part in page.split("unit ")[1:]]
        _, found, rest = page.partition('rel="next" href="')
        query = rest.partition('"')[0].replace("&amp;", "&") if found else ""
    assert seen == [str(number) for number in reversed(range(120))]


def test_entries_are_never_edited(cast: Cast) -> None:
    event = audit_log.record_event(cast.team, cast.owner.user, "added", "x" * 300, "y" * 600)
    assert (len(event.target), len(event.detail)) == (200, 500)
    with pytest.raises(TypeError):
        event.save()
