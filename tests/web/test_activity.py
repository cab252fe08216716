"""Activity: who did what to what, from which address; for owners, never edited, kept when the thing goes."""

from typing import Any

import pytest
from django.test import Client

from exports.engine import audit, end, keep, members, teams
from exports.engine.problem import ConflictError, InvalidError
from exports.models import Event, Token
from exports.models.team import VIEWER
from tests.cast import SECRETS, Cast
from tests.drive import ask
from tests.web import made

ACTIVITY = "/t/the-team/activity/"


def told() -> list[tuple[str, str, str]]:
    return [(one.actor.partition("@")[0], one.verb, one.thing) for one in Event.objects.order_by("pk")]


def test_everything_that_people_do_is_there(cast: Cast) -> None:
    owner, member = cast.owner.user, cast.member.user
    credential = keep.create_credential(cast.team, owner, provider="ulule", name="Main", secrets=SECRETS["ulule"])
    project = keep.create_project(credential, member, remote_id="4001")
    keep.rename_project(project, member, "Bakery")
    invitation, _ = members.invite(cast.team, owner, VIEWER, "new@example.org")
    members.revoke(invitation, owner)
    members.change_role(cast.viewer, "member", owner)
    members.remove(cast.viewer, owner)
    teams.make_token(cast.member, "read", "script")
    token = Token.objects.get()
    teams.revoke_token(token, member)
    export = ask(project, cast.member, "orders")
    end.cancel(export, actor=member.email, source="person")
    free = keep.create_credential(cast.team, None, provider="ulule", name="Free", secrets=SECRETS["ulule"])
    keep.delete_credential(free, owner)
    assert told() == [
        ("owner", "added", "credential Main (ulule)"),
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
        ("a command", "added", "credential Free (ulule)"),
        ("owner", "deleted", "credential Free (ulule)"),
    ]
    assert not any(value in str(row) for row in Event.objects.values_list() for value in SECRETS["ulule"].values())


def test_the_address_is_the_connections_own(as_member: Client, cast: Cast) -> None:
    project = cast.project("ulule")
    as_member.post(
        f"/t/the-team/projects/{project.pk}/",
        {"name": "Bakery"},
        REMOTE_ADDR="192.0.2.7",
        headers={"X-Forwarded-For": "203.0.113.9"},
    )
    event = Event.objects.latest("pk")
    assert (event.verb, event.address) == ("renamed", "192.0.2.7")


def test_through_the_api_it_is_noted_the_same(client: Client, cast: Cast) -> None:
    token = Token.make(cast.owner)
    sent = {"provider": "ulule", "name": "Main", "secrets": SECRETS["ulule"]}
    client.post(
        "/api/v1/credentials",
        sent,
        "application/json",
        headers={"Authorization": f"Bearer {token}"},
        REMOTE_ADDR="2001:db8::7",
    )
    event = Event.objects.get()
    assert (event.actor, event.verb, event.address) == ("owner@example.org", "added", "2001:db8::7")


def test_what_is_refused_is_not_there(cast: Cast) -> None:
    project = cast.project("ulule")
    Event.objects.all().delete()
    with pytest.raises(ConflictError):
        keep.delete_credential(project.credential, cast.owner.user)
    with pytest.raises(InvalidError):
        keep.create_project(project.credential, None, remote_id=project.remote_id)
    assert told() == []


def test_it_is_for_owners(as_owner: Client, as_member: Client, as_outsider: Client, cast: Cast) -> None:
    cast.project("ulule")
    page = as_owner.get(ACTIVITY).content.decode()
    assert "project The ulule one" in page
    assert as_member.get(ACTIVITY).status_code == 403
    assert "/activity/" not in as_member.get("/t/the-team/").content.decode()
    assert as_outsider.get(ACTIVITY).status_code == 404
    assert "The ulule one" not in as_outsider.get("/t/other-team/activity/").content.decode()


def test_filters_are_in_the_address(as_owner: Client, cast: Cast) -> None:
    export = made.waiting(cast)
    mine = as_owner.get(f"{ACTIVITY}?person={cast.member.user.pk}").content.decode()
    assert f"export {export.pk}: Orders" in mine
    assert f'href="/t/the-team/exports/{export.pk}/"' in mine
    assert "credential ulule" not in mine
    added = as_owner.get(f"{ACTIVITY}?verb=added").content.decode()
    assert "credential ulule" in added
    assert "Orders" not in added
    assert "Nothing fits" in as_owner.get(f"{ACTIVITY}?verb=left").content.decode()
    for nonsense in ("person=x", "person=%00", "before=x", "person=99999999999999999999", "verb=%3Cb%3E"):
        assert as_owner.get(f"{ACTIVITY}?{nonsense}").status_code == 200


def test_a_person_who_is_gone_can_be_asked_for_and_strangers_cannot(as_owner: Client, cast: Cast) -> None:
    members.leave(cast.member)
    page = as_owner.get(f"{ACTIVITY}?person={cast.member.user.pk}").content.decode()
    assert '<option value="%s" selected>member@example.org' % cast.member.user.pk in page  # noqa: UP031
    stranger = as_owner.get(f"{ACTIVITY}?person={cast.outsider.user.pk}").content.decode()
    assert "outsider@example.org" not in stranger


def test_pages_by_key_cost_the_same_however_deep(
    as_owner: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(120):
        audit.note(cast.team, cast.member.user, "added", f"unit {number}!")
    seen: list[str] = []
    query = "?verb=added"
    while query:
        with django_assert_max_num_queries(5):
            page = as_owner.get(f"{ACTIVITY}{query}").content.decode()
        seen += [part.partition("!")[0] for part in page.split("unit ")[1:]]
        _, found, rest = page.partition('rel="next" href="')
        query = rest.partition('"')[0].replace("&amp;", "&") if found else ""
    assert seen == [str(number) for number in reversed(range(120))]


def test_activity_is_never_edited(cast: Cast) -> None:
    event = audit.note(cast.team, cast.owner.user, "added", "x" * 300, "y" * 600)
    assert (len(event.thing), len(event.detail)) == (200, 500)
    with pytest.raises(TypeError):
        event.save()
