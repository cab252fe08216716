"""Staff deactivate and delete accounts and change members; what ends then is the same as on the team's pages."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from exports.models import AuditEntry, Member, Schedule, Token, User
from exports.people import accounts
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

USERS = "/admin/exports/user/"


@pytest.fixture
def as_staff(db: None) -> Client:
    browser = Client()
    browser.force_login(factories.staff_user())
    return browser


@pytest.fixture
def schedule(cast: Cast) -> Schedule:
    return Schedule.objects.create(
        team=cast.team,
        project=cast.project(TABLES),
        owner=cast.member.user,
        type="orders",
        cron="@daily",
        next_run_at=timezone.now(),
        ask_at=timezone.now(),
    )


def test_a_deactivated_persons_tokens_and_schedules_end(as_staff: Client, cast: Cast, schedule: Schedule) -> None:
    user, token = cast.member.user, Token.issue(cast.member)
    answer = as_staff.post(
        f"{USERS}{user.pk}/change/", {"email": user.email, "name": user.name, "email_confirmed": "on"}
    )
    assert answer.status_code == 302
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.disabled_reason) == (False, "Its owner's account was deactivated.")
    assert Token.objects.get(digest=Token.digest_of(token)).revoked_at is not None
    assert Member.objects.filter(pk=cast.member.pk).exists()
    entry = AuditEntry.objects.get(verb="deactivated account")
    assert (entry.actor, entry.target) == ("staff@example.org", "of member@example.org")


def test_accounts_are_deleted_after_a_question(as_staff: Client, cast: Cast) -> None:
    chosen: dict[str, Any] = {"action": "erase", "_selected_action": [cast.member.user.pk]}
    page = as_staff.post(USERS, chosen).content.decode()
    assert "This can&#x27;t be undone." in page or "This can't be undone." in page
    assert "member@example.org" in page
    assert User.objects.get(pk=cast.member.user.pk).erased_at is None
    answer = as_staff.post(USERS, chosen | {"confirmed": "yes"}, follow=True).content.decode()
    assert f"under the name Former member {cast.member.user.pk}" in answer
    assert User.objects.get(pk=cast.member.user.pk).erased_at is not None
    assert AuditEntry.objects.get(verb="deleted account").actor == "staff@example.org"


def test_the_only_owner_is_not_deleted(as_staff: Client, cast: Cast) -> None:
    chosen = {"action": "erase", "_selected_action": [cast.owner.user.pk], "confirmed": "yes"}
    assert "owner of The Team first" in as_staff.post(USERS, chosen, follow=True).content.decode()
    assert User.objects.get(pk=cast.owner.user.pk).erased_at is None


def test_a_deleted_account_gets_no_name_again(as_staff: Client, cast: Cast) -> None:
    accounts.erase_account(cast.member.user)
    url = f"{USERS}{cast.member.user.pk}/change/"
    assert as_staff.get(url).status_code == 200
    assert as_staff.post(url, {"email": "x@example.org", "name": "X"}).status_code == 403


def test_roles_and_removals_in_a_teams_form_end_the_same(as_staff: Client, cast: Cast, schedule: Schedule) -> None:
    form = {"name": "The Team", "slug": "the-team", "member_set-TOTAL_FORMS": 4, "member_set-INITIAL_FORMS": 3}
    for number, member in enumerate(Member.objects.filter(team=cast.team).order_by("pk")):
        rows = {"id": member.pk, "team": cast.team.pk, "user": member.user.pk, "role": member.role}
        form |= {f"member_set-{number}-{name}": value for name, value in rows.items()}
        if member == cast.member:
            form[f"member_set-{number}-DELETE"] = "on"
        if member == cast.viewer:
            form[f"member_set-{number}-role"] = "member"
    form |= {
        "member_set-3-team": cast.team.pk,
        "member_set-3-user": cast.outsider.user.pk,
        "member_set-3-role": "viewer",
    }
    answer = as_staff.post(f"/admin/exports/team/{cast.team.pk}/change/", form)
    assert answer.status_code == 302
    schedule.refresh_from_db()
    assert schedule.disabled_reason == "Its owner left the team."
    entries = AuditEntry.objects.filter(team=cast.team, actor="staff@example.org").order_by("pk")
    assert [entry.verb for entry in entries] == ["added", "changed role", "removed", "stopped"]
    roles = Member.objects.filter(team=cast.team).order_by("pk").values_list("role", flat=True)
    assert list(roles) == ["owner", "member", "viewer"]
